"""What the services hold, and what they survive: load and faults against real servers (T1, T2, T3, P2)."""
