"""Fault bench: servers and processes are killed under load; afterwards every write and event is counted."""
