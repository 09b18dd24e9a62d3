"""Events: publishing a service's changes, and handling those of other services (A3, A4).

A change and the row of its event are written in one transaction (the outbox). The relay sends what is committed, at
least once. A reader notes each event in the transaction of its effect (the inbox), so that the effect is there once,
however often the event is delivered. What cannot be handled is put aside as a dead letter, with the reason.

Kafka and SNS/SQS stand behind one port (`port.py`); which one it is, the settings say (`brokers.py`).
"""
