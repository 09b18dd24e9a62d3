"""PostgreSQL for services: pools and failover, shards, transactions, lists, outbox and inbox, migrations.

`database.Database` is the way in. What is written in one transaction is one decision: the row, its history (D2) and its
events (A3) stand or fall together.
"""
