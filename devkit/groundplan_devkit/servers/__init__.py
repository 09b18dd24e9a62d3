"""Real servers on this machine, for tests and for `make dev`.

from groundplan_devkit.servers import postgres
with postgres() as database:
    print(database.dsn())

with servers() as all_of_them:      # in parallel; or `python -m groundplan_devkit.servers up`, `down`, `status`
    all_of_them.kill("kafka")
    all_of_them.start("kafka")
"""

from __future__ import annotations

from groundplan_devkit.servers.aws import Aws
from groundplan_devkit.servers.identity import Identity, People
from groundplan_devkit.servers.kafka import Kafka
from groundplan_devkit.servers.pgbouncer import Pooler, pooler
from groundplan_devkit.servers.postgres import Postgres
from groundplan_devkit.servers.running import KINDS, Kind, Servers, aws, kafka, postgres, servers, start, stop, valkey
from groundplan_devkit.servers.valkey import Valkey

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
