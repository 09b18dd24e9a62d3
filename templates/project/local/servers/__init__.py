"""Real servers on this machine, for tests and for `make dev`.

from local.servers import postgres
with postgres() as database:
    print(database.dsn())

with servers() as all_of_them:      # in parallel; or `python -m local.servers up`, `down`, `status`
    all_of_them.kill("kafka")
    all_of_them.start("kafka")
"""

from __future__ import annotations

from local.servers.aws import Aws
from local.servers.identity import Identity, People
from local.servers.kafka import Kafka
from local.servers.pgbouncer import Pooler, pooler
from local.servers.postgres import Postgres
from local.servers.running import KINDS, Kind, Servers, aws, kafka, postgres, servers, start, stop, valkey
from local.servers.valkey import Valkey

__all__ = [
    "KINDS",
    "Aws",
    "Identity",
    "Kafka",
    "Kind",
    "People",
    "Pooler",
    "Postgres",
    "Servers",
    "Valkey",
    "aws",
    "kafka",
    "pooler",
    "postgres",
    "servers",
    "start",
    "stop",
    "valkey",
]
