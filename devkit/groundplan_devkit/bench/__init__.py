"""Benches of the services: load and faults on real servers (T1, T2, T3, P2)."""
