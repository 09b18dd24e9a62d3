"""The declaration's model: what `system.yaml` may say, field by field.

Only shapes and bounds of single values live here; what ties several values together is in `checks.py`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

from groundplan.declaration.measured import Measured, Quantity, Spread
from groundplan.declaration.patterns import pattern_problem
from groundplan.declaration.shapes import said
from groundplan.declaration.text_rules import TextFormat
from groundplan.declaration.words import COUNTRY, EVENT, HYPHENATED, IDENTIFIER, LINE, PLAIN, WEB_PAGE, plural
from groundplan.problems import listed


class Declared(BaseModel):
    """Base of everything declared: unknown keys refused, values never coerced, instances immutable."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


# A service's name becomes a Kubernetes label (63 characters), an RDS identifier (63), a target group's
# name (32) and an IAM role's name (64), each with a prefix and a suffix: 20 characters fit all of them.
SystemName = Annotated[str, Field(pattern=HYPHENATED, min_length=2, max_length=20)]
ServiceName = Annotated[str, Field(pattern=HYPHENATED, min_length=2, max_length=20)]
# Resource, field and role names become PostgreSQL identifiers (63 bytes, minus room for index names).
Identifier = Annotated[str, Field(pattern=IDENTIFIER, max_length=40)]
# `<resource>.<past tense>`, for example `order.placed`.
EventName = Annotated[str, Field(pattern=EVENT, max_length=80)]
# It becomes a cell of a table in documents, and a description in AWS.
Line = Annotated[str, Field(pattern=LINE, max_length=200)]
# It stands in SQL and in Python: what begins an escape or a parameter there is left out.
DefaultText = Annotated[str, Field(pattern=PLAIN, max_length=200)]
CountryCode = Annotated[str, Field(pattern=COUNTRY)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


def _date(value: object) -> object:
    """YAML reads an unquoted date as a date; a quoted one is as good."""
    if isinstance(value, str):
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            return value
    return value


Day = Annotated[datetime.date, BeforeValidator(_date)]


class FieldType(StrEnum):
    STRING = "string"
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    UUID = "uuid"
    ENUM = "enum"
    JSON = "json"
    REFERENCE = "reference"


def _format(value: object) -> object:
    """Types of their own are no formats of a text."""
    if isinstance(value, str) and value in _TYPES_OF_THEIR_OWN:
        expected = f"one of {listed(list(TextFormat))}: {value} is a type, which the database checks"
        raise said(expected, f"write `type: {_TYPES_OF_THEIR_OWN[value]}`, without `format`")
    return value


_TYPES_OF_THEIR_OWN = {"date": "date", "date_time": "timestamp", "date-time": "timestamp", "uuid": "uuid"}
_Format = Annotated[TextFormat, Field(strict=False), BeforeValidator(_format)]


def _pattern(value: object) -> object:
    """The same expression is read by Python, PostgreSQL and the gateway."""
    if isinstance(value, str) and (problem := pattern_problem(value)) is not None:
        raise said(*problem)
    return value


class ResourceField(Declared):
    """One column of a resource's table and one property of its API representation.

    Every rule on values holds in four places: the service, a CHECK or an index of the database, the gateway's schema
    and the OpenAPI document. A declaration that lacks an attribute means what it meant before there was one.
    """

    type: Annotated[FieldType, Field(strict=False)]
    """The value's type."""
    required: bool = False
    """Not null, and mandatory when the resource is created."""
    unique: bool = False
    """No two rows share the value (an index comes with it)."""
    caseless: bool = False
    """For `unique` text: values that differ in case or Unicode form alone are the same one. Lists go by such a field
    only if it is `indexed` as well."""
    indexed: bool = False
    """An access path: the list endpoint filters and sorts on it through an index. Not with `personal`."""
    max_length: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Most characters, for `string` (255 when absent) and `text`."""
    min_length: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Least characters, for `string` and `text`."""
    blank: bool = True
    """For `string` and `text`: false refuses a value without a visible character, such as "" and white space."""
    format: _Format | None = None
    """A known form, for `string`; the whole value has it."""
    pattern: Annotated[str, Field(min_length=1, max_length=200), BeforeValidator(_pattern)] | None = None
    """A regular expression that the whole value matches, for `string`: literals, `[a-z]`, groups, `|` and quantifiers,
    which Python, PostgreSQL and JSON Schema read alike."""
    example: Line | None = None
    """A value of a `string` or `text`, for readers of the API and for sample rows."""
    minimum: int | float | None = None
    """Smallest value, for `integer` and `decimal`."""
    maximum: int | float | None = None
    """Largest value, for `integer` and `decimal`."""
    # Python writes a decimal of more digits with an exponent where it is small, which no client should have to read.
    scale: Annotated[int, Field(ge=0, le=6)] | None = None
    """Digits after the point, for `decimal` (2 when absent)."""
    values: Annotated[list[Identifier], Field(min_length=1, max_length=50)] | None = None
    """The allowed values, for `enum`."""
    to: str | None = None
    """For `reference`: a resource of the same service (`order`: a foreign key) or another's (`user.user`: its id).
    A caller who may read their own rows alone of the first refers to no others (S4)."""
    personal: bool = False
    """Personal data: it is in the service's own database and cache, and in answers to callers who may read the row. It
    is in no log, event, stream or URL; so lists neither filter nor sort by it."""
    default: bool | int | float | DefaultText | None = None
    """What a new row has where its creator says nothing: a required field may then be left out; rows that are there
    when the field is added get it too."""
    computed: bool = False
    """Only the service's own code sets it: clients read it, and never write it. A computed `owner` is the creator."""
    set_once: bool = False
    """It keeps the first value that it has."""
    written_by: Annotated[list[str], Field(min_length=1)] | None = None
    """Roles that write it, as in `operations`; others leave it out: a new row then has the default, and an updated one
    keeps its value. Absent: all who may create or update the row."""
    transitions: dict[Identifier, dict[Identifier, list[str]]] | None = None
    """For `enum`: from each value the next ones, with the roles that may take the step (`[]`: only the service's own
    code). A new row has the default."""
    renamed_from: Identifier | None = None
    """The field's name before this one: `make follow` carries its values over. Remove it once that is released."""
    description: Line = ""
    """One line for readers of the API."""

    @property
    def restricted(self) -> bool:
        """Whether what is stored is not simply what a client writes (S9)."""
        written = self.written_by is not None or self.transitions is not None
        return self.computed or self.set_once or written or self.default is not None

    @property
    def mandatory(self) -> bool:
        """Whether a client must say it."""
        return self.required and self.default is None and not self.computed

    def authority(self) -> dict[str, object]:
        """Its rules on who writes it, in plain values, as a service's code describes its own."""
        return {
            "computed": self.computed,
            "set_once": self.set_once,
            "default": None if self.default is None else str(self.default),
            "written_by": self.written_by,
            "transitions": self.transitions,
        }


class Invalidation(StrEnum):
    EXPIRY = "expiry"
    EVENT = "event"
    WRITE_THROUGH = "write_through"


class ResourceCache(Declared):
    """How copies of this resource in the cache are kept true (C2, C3)."""

    invalidation: Annotated[Invalidation, Field(strict=False)] = Invalidation.EXPIRY
    """`expiry`: may be stale; `event`: dropped when the resource changes; `write_through`: written with it."""
    seconds: Annotated[int, Field(ge=1, le=604_800)] = 3600
    """Longest life of a copy, in seconds."""


class Erasure(StrEnum):
    PERSON = "person"
    DELETE = "delete"
    ANONYMISE = "anonymise"


Operation = Literal["list", "get", "create", "update", "delete"]

ERASED = ".erased"
"""How the event ends by which a resource with the erasure `person` tells other services."""


class Deprecation(Declared):
    """A version of a resource's API that is announced to end."""

    since: Day
    """From this day on clients are asked to leave: answers carry `Deprecation` (RFC 9745)."""
    sunset: Day | None = None
    """The first day on which it may be gone: answers carry `Sunset` (RFC 8594). `groundplan contracts` refuses to lose
    it before."""
    link: Annotated[str, Field(pattern=WEB_PAGE, max_length=200)] | None = None
    """A page that says what to use instead; answers carry it in `Link`."""


class Earlier(Declared):
    """A version before the newest: in what it differs from the newest."""

    version: Annotated[int, Field(ge=1, le=99)]
    """Its number."""
    renamed: dict[Identifier, Identifier] = {}
    """Names of its fields that the newest version calls otherwise, and the newest version's names."""
    without: list[Identifier] = []
    """Fields of the newest version that it does not have: there they have their default. An update through an earlier
    version of an API keeps them."""
    fields: dict[Identifier, ResourceField] = {}
    """Fields that it alone has. They are stored nowhere: the mapping in the service's code says what they are in the
    newest version's words, and gives their `default` until its owner has it say better."""

    def shown(self, newest: Mapping[str, ResourceField]) -> dict[str, ResourceField]:
        """Its fields, of those of the newest version."""
        ours = {there: here for here, there in self.renamed.items()}
        return {ours.get(name, name): each for name, each in newest.items() if name not in self.without} | self.fields


class EarlierVersion(Earlier):
    """A version of a resource's API before the newest, which is answered still: 1 at `/api/v1/<plural>`."""

    deprecated: Deprecation | None = None
    """When it ends."""


class EarlierEvents(Earlier):
    """A version of the payload of a resource's events before the newest, which may still come: it is sent yet, or the
    event log has it."""


ANYONE = "anyone"
"""In an operation's list: no role, not even a signed-in caller, is needed."""
_OWN = ":own"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that may do an operation (RBAC); ``own``: only to rows whose owner is the caller (ABAC)."""

    role: str
    own: bool


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do one operation (S4): anyone, or the callers with one of these grants."""

    anyone: bool
    grants: tuple[Grant, ...]

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(grant.role for grant in self.grants)


def access_of(entries: list[str]) -> Access:
    """The meaning of an operation's list of roles, for example ``["customer:own", "admin"]``."""
    grants = tuple(Grant(entry.removesuffix(_OWN), entry.endswith(_OWN)) for entry in entries if entry != ANYONE)
    return Access(ANYONE in entries, grants)


class Resource(Declared):
    """An aggregate: one table, one event table (D2), five endpoints under `/api/v<version>/<plural>` (R1)."""

    plural: Annotated[str, Field(pattern=HYPHENATED, max_length=40)] | None = None
    """The path segment; by English rule from the name when absent."""
    description: Line = ""
    """One line: what a row of it stands for."""
    fields: Annotated[dict[Identifier, ResourceField], Field(min_length=1, max_length=100)]
    """By column name; `id`, `created_at`, `updated_at`, `version` come of themselves."""
    operations: Annotated[dict[Operation, list[str]], Field(min_length=1)]
    """Operation to the roles that may do it: a role, `role:own` (only rows whose `owner` is the caller) or `anyone`."""
    owner: Identifier | None = None
    """The field that holds the owning subject's id, for `role:own`."""
    cache: ResourceCache | None = None
    """Absent: this resource is not cached."""
    erasure: Annotated[Erasure, Field(strict=False)] | None = None
    """What erasing the owner does to a row (S8). `person`: the row is the person, and its DELETE asks for the erasure;
    `delete`: it goes with the person; `anonymise`: it stays without personal values. Absent: it stays as it is."""
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """Days that a row is kept after its last change (S8): the service then deletes it, as a DELETE does, without its
    personal values. A row that others refer to waits for them. Absent: it is kept until it is deleted."""
    renamed_from: Identifier | None = None
    """The resource's name before this one: `make follow` keeps its rows. Remove it once that is released."""
    api_version: Annotated[int, Field(ge=1, le=99)] = 1
    """The newest version of its API, which has the declared fields: 2 is answered at `/api/v2/<plural>`."""
    deprecated: Deprecation | None = None
    """When the newest version ends, with the resource's API."""
    earlier_versions: Annotated[list[EarlierVersion], Field(max_length=5)] = []
    """Versions before the newest that are answered still, from the same rows."""
    event_version: Annotated[int, Field(ge=1, le=99)] = 1
    """The newest version of its events' payload, which has the declared fields but for personal ones. Consumers in this
    system are taught it; raise it for a change of fields that they could not read."""
    sent_event_version: Annotated[int, Field(ge=1, le=99)] | None = None
    """The version that its events are sent in while a consumer may run that does not know the newest. Absent: the
    newest."""
    earlier_events: Annotated[list[EarlierEvents], Field(max_length=5)] = []
    """Versions of the payload before the newest that may still come; consumers upcast them, each to the next."""

    def has_index(self, name: str) -> bool:
        """Whether lists are filtered and sorted by the field through an index of its own values (D1, R2)."""
        field = self.fields[name]
        exact = field.unique and not field.caseless
        return field.indexed or exact or name == self.owner or field.type is FieldType.REFERENCE

    @property
    def forgets(self) -> bool:
        """Whether a row that is deleted loses its personal values (S8)."""
        return self.erasure is not None or self.retention_days is not None

    def personal(self) -> dict[str, ResourceField]:
        """Its personal fields, by name."""
        return {name: field for name, field in self.fields.items() if field.personal}

    def written(self) -> dict[str, bool]:
        """The fields of a body, and whether it must have them: a default stands in, and the caller for the owner."""
        return {
            name: field.required and name != self.owner and field.default is None
            for name, field in self.fields.items()
            if not field.computed
        }

    def path(self, name: str) -> str:
        """Its path segment: ``order-lines`` for the resource ``order_line`` (R1)."""
        return self.plural or plural(name.replace("_", "-"))

    def collection(self, name: str) -> str:
        """Where this version of it is answered: ``/api/v1/order-lines`` (R1)."""
        return f"/api/v{self.api_version}/{self.path(name)}"

    def versions(self) -> tuple[Resource, ...]:
        """As each version of its API has it, the newest first: another version has other fields, and the same rows."""
        return (self, *(self._earlier(each) for each in self.earlier_versions))

    def _earlier(self, earlier: EarlierVersion) -> Resource:
        return self.model_copy(
            update={
                "fields": earlier.shown(self.fields),
                "api_version": earlier.version,
                "deprecated": earlier.deprecated,
                "earlier_versions": [],
            }
        )

    @property
    def sent_version(self) -> int:
        """The version of the payload that its events are sent in."""
        return self.sent_event_version or self.event_version

    def payloads(self) -> dict[int, dict[str, ResourceField]]:
        """The fields of its events' payload in each version, the newest first: nothing personal is in any (S8)."""
        newest = {name: field for name, field in self.fields.items() if not field.personal}
        return {self.event_version: newest} | {each.version: each.shown(newest) for each in self.earlier_events}

    def table(self, name: str) -> str:
        """Its table: ``order_lines`` for the resource ``order_line``."""
        return self.path(name).replace("-", "_")

    def access(self, operation: Operation) -> Access | None:
        """Who may do the operation; None: there is no such endpoint."""
        entries = self.operations.get(operation)
        return None if entries is None else access_of(entries)


class ShardGeneration(Declared):
    """From a day on, new keys spread over this many shards; keys stay where their generation put them."""

    since: Day
    """The first day of this generation."""
    shards: Annotated[int, Field(ge=1, le=64)]
    """Databases that new keys are spread over."""


class WorkingHours(Declared):
    """When a service has its load; outside of these hours next to nothing is asked of it."""

    days_per_week: Annotated[int, Field(ge=1, le=7)] = 7
    """Days of a week."""
    hours_per_day: Annotated[int, Field(ge=1, le=24)] = 24
    """Hours of such a day."""


class Load(Declared):
    """What a service knows of its own load; what it leaves out follows from the system's, or from what was measured."""

    requests_per_second: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    """Requests a second at its own peak. The system's total follows: it has these on top of
    `requirements.requests_per_second`, which the services without a load of their own share."""
    events_per_second: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    """Events that it publishes a second at its peak. Absent: one a write."""
    payload_bytes: Annotated[int, Field(ge=1, le=200_000)] | None = None
    """Bytes of one of its resources as JSON, in answers, in the cache and in events."""
    cpu_ms_per_request: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """Milliseconds of a core that its pods need for a request, on average over all kinds. Absent: as measured
    (`capacity.yaml`)."""
    create_share: Share | None = None
    """Part of its writes that create a row; the others change one. Absent: half, as far as its operations allow."""
    peak_to_mean: Annotated[float, Field(ge=1, le=1000)] | None = None
    """The peak as a multiple of the mean over its working hours. Absent: 2.5."""
    working_hours: WorkingHours = WorkingHours()
    """When it has load. Absent: always."""


class Service(Declared):
    """One independently deployed program with its own database, API and events (A1, A2)."""

    description: Line = ""
    """One line: what the service is for."""
    exposure: Literal["public", "internal"] = "public"
    """`public`: routed by the API gateway; `internal`: reachable from inside the cluster only."""
    traffic_weight: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """Its part of the system's requests, relative to the other services' weights."""
    load: Load = Load()
    """Its own load, as far as it is known; then `traffic_weight` is not used for its requests."""
    read_share: Share = 0.8
    """Part of its requests that only read."""
    repeat_share: Share = 0.0
    """Part of its reads that ask for what was asked within the cache's expiry. A fact about its callers: it saves
    database work only for resources that have a `cache`."""
    data_gb: Annotated[float, Field(ge=0, le=60_000)] = 10.0
    """Size of its database today, in GiB."""
    data_growth_gb_per_month: Annotated[float, Field(ge=0, le=10_000)] = 1.0
    """Growth of its database, in GiB a month."""
    cqrs: bool = False
    """Commands and queries in processes of their own, with a read model fed by the event stream (A4). The stream is
    that of the service's own event tables (D2), so a service that publishes nothing can have it too."""
    shard_map: Annotated[list[ShardGeneration], Field(min_length=1)] | None = None
    """Append-only. Required once the planned size passes one shard's (D3)."""
    resources: Annotated[dict[Identifier, Resource], Field(min_length=1, max_length=20)]
    """By name in the singular."""
    publishes: Annotated[list[EventName], Field(max_length=100)] = []
    """Events of its own resources, `<resource>.<past tense>`."""
    consumes: Annotated[list[EventName], Field(max_length=200)] = []
    """Events that other services publish."""
    renamed_from: ServiceName | None = None
    """The service's name before this one: `groundplan follow` says how its database moves."""

    @property
    def cached(self) -> bool:
        """Whether any of its resources is cached."""
        return any(resource.cache for resource in self.resources.values())

    @property
    def erases(self) -> bool:
        """Whether the erasure of a person changes any of its rows; it then has the table `erasures`."""
        return any(resource.erasure for resource in self.resources.values())

    def data_gb_at(self, months: int) -> float:
        """Size of its database so many months from now, in GiB."""
        return self.data_gb + self.data_growth_gb_per_month * months


class Requirements(Declared):
    """What the whole system must hold."""

    requests_per_second: Annotated[float, Field(gt=0, le=1_000_000)] = 1000
    """Requests a second at today's peak (T3), over all services but those that declare a load of their own."""
    growth_factor: Annotated[float, Field(ge=1, le=1000)] = 10
    """The goal, as a multiple of today's load (P1): the plan says what holds it as deployed, and what after
    configuration."""
    availability_percent: Annotated[float, Field(ge=90, lt=100)] = 99.9
    """Availability target over 30 days (T4)."""
    latency_p95_ms: Annotated[int, Field(ge=10, le=30_000)] = 200
    """95th percentile of API responses, in milliseconds (T1)."""
    query_p95_ms: Annotated[int, Field(ge=1, le=10_000)] = 20
    """95th percentile of database statements, in milliseconds (T2)."""
    horizon_months: Annotated[int, Field(ge=1, le=120)] = 24
    """Storage and shards are planned for data this many months from now."""


class Identity(Declared):
    """Who may sign in, and as what (S3, S4)."""

    roles: Annotated[list[Identifier], Field(min_length=1, max_length=25)]
    """Groups of the user pool; operations name them."""
    self_sign_up: bool = True
    """People may register themselves."""
    default_role: Identifier | None = None
    """The role of a user who registered; absent: none until an administrator grants one."""
    mfa: Literal["optional", "required"] = "optional"
    """Second factor (time-based one-time password)."""
    access_token_minutes: Annotated[int, Field(ge=5, le=1440)] = 60
    """Life of an access token, in minutes (Cognito allows 5 to 1,440)."""


class RateLimit(Declared):
    """Token bucket per client address (S7)."""

    requests: Annotated[int, Field(ge=10, le=2_000_000)] = 100
    """Requests in a window (the WAF's smallest limit is 10)."""
    per_seconds: Literal[60, 120, 300, 600] = 60
    """The window; the WAF knows only these."""


class Edge(Declared):
    """What stands between the internet and the gateway (S1, S7, C1)."""

    rate_limit: RateLimit = RateLimit()
    allowed_countries: list[CountryCode] = []
    """ISO 3166 codes; when given, all others are refused."""
    blocked_countries: list[CountryCode] = []
    """ISO 3166 codes that are refused."""
    static_site: bool = True
    """A bucket for a web front end behind the same distribution."""
    response_cache_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    """Life of a GET response in the gateway's cache; 0: no such cache."""


class Broker(StrEnum):
    KAFKA = "kafka"
    SQS = "sqs"


class Events(Declared):
    """How services tell each other what happened (A3)."""

    broker: Annotated[Broker, Field(strict=False)] = Broker.KAFKA
    retention_hours: Annotated[int, Field(ge=1, le=8760)] = 168
    """How long a topic keeps an event (Kafka), or a queue an unread one (SQS: at most 336)."""
    log_retention_days: Annotated[int, Field(ge=1, le=3650)] = 2555
    """How long the event log keeps every event for audit and replay (2,555 days: seven years)."""


class System(Declared):
    """A whole declared system."""

    name: SystemName
    """Also the Pulumi project's name; it leads the names of what is deployed."""
    description: Line = ""
    """One line: what the system is for."""
    requirements: Requirements = Requirements()
    """What it must hold."""
    identity: Identity
    """Who may sign in, and as what."""
    edge: Edge = Edge()
    """What stands between the internet and the gateway."""
    events: Events = Events()
    """How services tell each other what happened."""
    services: Annotated[dict[ServiceName, Service], Field(min_length=1, max_length=100)]
    """By name."""

    _measured: Measured | None = PrivateAttr(default=None)
    """The project's own `capacity.yaml`: no part of the declaration, and read with it."""

    def with_measured(self, measured: Measured | None) -> System:
        """The same system with what its services were measured to take."""
        system = self.model_copy()
        system._measured = measured
        return system

    @property
    def measured(self) -> Measured | None:
        return self._measured

    def measured_of(self, service: str) -> dict[Quantity, Spread]:
        """The project's own figures of one service; empty where it was not measured."""
        return self._measured.of(service) if self._measured else {}

    def published_events(self) -> dict[str, str]:
        """Every event and the service that publishes it, in the order of the declaration."""
        return {event: name for name, service in self.services.items() for event in service.publishes}

    def erasure_events(self) -> dict[str, tuple[str, str]]:
        """`<person>.erased` of those that are published: the service, and the payload's field with the subject."""
        return {
            event: (name, resource.owner)
            for name, service in self.services.items()
            for event in service.publishes
            if (resource := service.resources.get(event.removesuffix(ERASED))) is not None
            and event.endswith(ERASED)
            and resource.erasure is Erasure.PERSON
            and resource.owner is not None
        }

    def consumers_of(self, event: str) -> tuple[str, ...]:
        """The services that consume the event, in the order of the declaration."""
        return tuple(name for name, service in self.services.items() if event in service.consumes)
