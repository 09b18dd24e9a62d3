"""What the services survive: servers and processes killed under load, and afterwards every write and event counted."""
