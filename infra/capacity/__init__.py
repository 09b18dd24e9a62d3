"""The plan of a system in an environment: pure, fast, and free of Pulumi."""
