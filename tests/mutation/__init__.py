"""Deliberate breaks of the program, each of which a named test must catch: what no break shows, no test holds."""
