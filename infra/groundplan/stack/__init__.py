"""A stack's configuration: what it may say, and where it is read from."""
