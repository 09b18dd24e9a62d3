"""Alarm bench: the declared alarms of a stack, evaluated on what services and servers measure during faults."""
