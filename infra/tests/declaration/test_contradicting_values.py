"""Values that are each right and wrong together: the whole declaration is checked at once."""

from __future__ import annotations

import pytest

from groundplan.declaration.loader import parse_system
from groundplan.problems import ProblemsFound
from infra.tests.declaration.cases import SOUND, Wrong, assert_only_problem, problems_of

ORDER = "services.order"
ORDER_RESOURCE = f"{ORDER}.resources.order"
FIELDS = f"{ORDER_RESOURCE}.fields"
PAYMENT = "services.payment.resources.payment"
AMOUNT = "amount: {type: integer, minimum: 1}"
TOTAL = "total: {type: decimal, scale: 2, minimum: 0}"

SECOND_RESOURCE = """        operations:
          get: [admin]
      {name}:
{extra}        fields: {{note: {{type: text}}}}
        operations:
          get: [admin]
"""


def beside_payment(name: str, extra: str = "") -> str:
    return SECOND_RESOURCE.format(name=name, extra=extra)


PAYMENT_OPERATIONS = "        operations:\n          get: [admin]\n"

EVENTS = [
    Wrong("A3 event without a publisher", "consumes: [order.placed]", "consumes: [order.palced]",
          "services.payment.consumes[0]", "order.palced", "an event that a service publishes",
          "did you mean `order.placed`?"),
    Wrong("A3 event far from any", "consumes: [order.placed]", "consumes: [order.placed, wind.turned]",
          "services.payment.consumes[1]", "wind.turned", "an event that a service publishes",
          "publish it in the service that owns it, or choose one of `order.placed`"),
    Wrong("A3 event of no own resource", "publishes: [order.placed]", "publishes: [order.placed, basket.filled]",
          f"{ORDER}.publishes[1]", "basket.filled", "an event of one of the service's own resources: `order.…`",
          "name it `order.…`"),
    Wrong("A4 event named like a read model's stream", "publishes: [order.placed]",
          "publishes: [order.placed, order.read_model]", f"{ORDER}.publishes[1]", "order.read_model",
          "a name that no read model's own stream can have (A4)", "in the past tense"),
    Wrong("A3 event published twice", "publishes: [order.placed]", "publishes: [order.placed, order.placed]",
          f"{ORDER}.publishes[1]", "order.placed", "this service does already", "remove one"),
    Wrong("A3 own event consumed", "publishes: [order.placed]",
          "publishes: [order.placed]\n    consumes: [order.placed]", f"{ORDER}.consumes[0]", "order.placed",
          "a service knows what it did itself", "remove it", at="    consumes"),
    Wrong("A3 event consumed twice", "consumes: [order.placed]", "consumes: [order.placed, order.placed]",
          "services.payment.consumes[1]", "order.placed", "each event once", "remove one of the two"),
    Wrong("A3 retention beyond SQS", "broker: kafka\n  retention_hours: 168", "broker: sqs\n  retention_hours: 337",
          "events.retention_hours", "337", "at most 336 (14 days) with the broker `sqs`", "choose the broker `kafka`",
          at="retention_hours"),
    Wrong("A3 topics that Kafka takes for one", f"{PAYMENT_OPERATIONS}    consumes: [order.placed]",
          beside_payment("payment_part")
          + "    consumes: [order.placed]\n    publishes: [payment_part.made, payment.part_made]",
          "services.payment.publishes[1]", "payment.part_made", "differs from `payment_part.made` in more than a dot",
          "rename the event", at="publishes: [payment"),
]  # fmt: skip

ACCESS = [
    Wrong("S4 unknown role", "get: [admin]", "get: [amdin]", f"{PAYMENT}.operations.get[0]", '"amdin"',
          "one of the roles `customer`, `support`, `admin` or `anyone`", "did you mean `admin`?"),
    Wrong("S4 own without an owner", "get: [admin]", 'get: ["customer:own"]', f"{PAYMENT}.operations.get[0]",
          '"customer:own"', "an `owner`", "add `owner: <field>`"),
    Wrong("S4 owner that is no field", "owner: customer_id", "owner: customer", f"{ORDER_RESOURCE}.owner", "customer",
          "a field of this resource", "did you mean `customer_id`?"),
    Wrong("S4 owner that holds no subject", "owner: customer_id", "owner: total", f"{ORDER_RESOURCE}.owner",
          "total, of type decimal", "a field of type `string` or `uuid`", "change the field's type"),
    Wrong("S4 owner too short for a subject", "max_length: 64", "max_length: 20", f"{FIELDS}.customer_id.max_length",
          "20", "at least 36 characters", "raise it to 36", at="customer_id: {"),
    Wrong("S5 owner that is personal", "64, indexed: true}", "64, unique: true, personal: true}",
          f"{FIELDS}.customer_id.personal", "true", "the `actor` of histories and events", "remove `personal`",
          at="customer_id: {"),
    Wrong("S5 personal field that lists would go by", TOTAL, "total: {type: decimal, indexed: true, personal: true}",
          f"{FIELDS}.total.indexed", "true", "would put its values into URLs", "remove `indexed`", at="total: {"),
    Wrong("D1 owner that is listed without an index", ", max_length: 64, indexed: true", "", f"{FIELDS}.customer_id",
          "not indexed", "callers list the rows they own through it", "add `indexed: true`", at="customer_id: {"),
    Wrong("S4 anyone beside a role", "get: [admin]", "get: [anyone, admin]", f"{PAYMENT}.operations.get[0]", '"anyone"',
          "`anyone` alone", "remove `anyone`, or everything beside it"),
    Wrong("S4 anyone's own", "get: [admin]", 'get: ["anyone:own"]', f"{PAYMENT}.operations.get[0]", '"anyone:own"',
          "without a caller there is no owner", "write `anyone`"),
    Wrong("S4 unknown restriction", "get: [admin]", 'get: ["admin:all"]', f"{PAYMENT}.operations.get[0]", '"admin:all"',
          "a role, or a role and `:own`", "did you mean"),
    Wrong("S4 no role", "get: [admin]", "get: []", f"{PAYMENT}.operations.get", "an empty list", "at least one role",
          "remove the operation if no role may do it"),
    Wrong("S4 role named twice", '["customer:own", admin]', '["customer:own", customer]',
          f"{ORDER_RESOURCE}.operations.list[1]", '"customer"', "each role once", "without `:own` it covers all rows",
          at="list:"),
    Wrong("S4 unknown default role", "default_role: customer", "default_role: custmer", "identity.default_role",
          "custmer", "one of the roles `customer`, `support` or `admin`", "did you mean `customer`?"),
    Wrong("S4 role called anyone", "roles: [customer, support, admin]", "roles: [customer, support, admin, anyone]",
          "identity.roles[3]", "anyone", "`anyone` says that no role is needed", "name it in operations only"),
    Wrong("S4 role declared twice", "roles: [customer, support, admin]", "roles: [customer, admin, admin]",
          "identity.roles[2]", "admin", "each role once", "remove one of the two"),
]  # fmt: skip

FIELD_OPTIONS = [
    Wrong("D1 length of a number", AMOUNT, "amount: {type: integer, max_length: 5}",
          f"{PAYMENT}.fields.amount.max_length", "given",
          "`max_length` only with the type `string` or `text`; this is `integer`", "change the type"),
    Wrong("D1 values of a text", AMOUNT, "amount: {type: string, values: [small, large]}",
          f"{PAYMENT}.fields.amount.values", "given", "`values` only with the type `enum`", "change the type"),
    Wrong("D1 scale of an integer", AMOUNT, "amount: {type: integer, scale: 2}", f"{PAYMENT}.fields.amount.scale",
          "given", "`scale` only with the type `decimal`", "remove it"),
    Wrong("D1 target of a uuid", AMOUNT, "amount: {type: uuid, to: payment}", f"{PAYMENT}.fields.amount.to", "given",
          "`to` only with the type `reference`", "remove it"),
    Wrong("D1 enum without values", AMOUNT, "amount: {type: enum}", f"{PAYMENT}.fields.amount",
          "an enum without `values`", "the allowed values", "add `values: [first, second]`"),
    Wrong("D1 enum value twice", "values: [placed, paid]", "values: [placed, paid, placed]",
          f"{FIELDS}.status.values[2]", "placed", "each value once", "remove one of the two", at="status:"),
    Wrong("D1 minimum above the maximum", AMOUNT, "amount: {type: integer, minimum: 9, maximum: 3}",
          f"{PAYMENT}.fields.amount.minimum", "9", "at most the maximum, 3", "swap the two"),
    Wrong("D1 integer with a fraction", AMOUNT, "amount: {type: integer, minimum: 0.5}",
          f"{PAYMENT}.fields.amount.minimum", "0.5", "a whole number", "use the type `decimal`"),
    Wrong("D1 integer beyond 64 bits", AMOUNT, "amount: {type: integer, maximum: 9223372036854775808}",
          f"{PAYMENT}.fields.amount.maximum", "9223372036854775808", "a number of 64 bits", "use the type `decimal`"),
    Wrong("D1 index on json", AMOUNT, "amount: {type: json, indexed: true}", f"{PAYMENT}.fields.amount.indexed", "true",
          "no index on `json`", "a field of its own"),
    Wrong("D1 unique boolean", AMOUNT, "amount: {type: boolean, unique: true}", f"{PAYMENT}.fields.amount.unique",
          "true", "a table could have two rows", "remove it"),
    Wrong("D1 index on long text", AMOUNT, "amount: {type: text, indexed: true}", f"{PAYMENT}.fields.amount.indexed",
          "true", "a `max_length` of at most 650", "add `max_length: 650` or less"),
]  # fmt: skip

REFERENCES = [
    Wrong("D1 reference without a target", "{type: reference, to: order.order, required: true}", "{type: reference}",
          f"{PAYMENT}.fields.order_id", "a reference without `to`", "a resource of this service, or `service.resource`",
          "add `to: <resource>`", at="order_id:"),
    Wrong("A2 reference to an unknown service", "to: order.order", "to: oder.order", f"{PAYMENT}.fields.order_id.to",
          '"oder.order"', "`service.resource` of a declared service", "did you mean `order`?"),
    Wrong("A2 reference to an unknown resource", "to: order.order", "to: order.invoice",
          f"{PAYMENT}.fields.order_id.to", '"order.invoice"', "a resource of the service `order`", "declare it"),
    Wrong("A2 reference that lacks its service", "to: order.order", "to: order", f"{PAYMENT}.fields.order_id.to",
          '"order"', "a resource of this service, or `service.resource`", "write `order.order`", at="order_id:"),
    Wrong("D1 reference to an own resource by service", "to: order.order", "to: payment.payment",
          f"{PAYMENT}.fields.order_id.to", '"payment.payment"', "the resource alone", "write `payment`"),
    Wrong("D1 required reference to itself", "to: order.order", "to: payment", f"{PAYMENT}.fields.order_id.required",
          "true, in the circle payment → payment", "the first row has no other", "`required: false`", at="order_id:"),
    Wrong("D1 circle of required references",
          f"to: order.order, required: true}}\n          {AMOUNT}\n{PAYMENT_OPERATIONS}",
          f"to: refund, required: true}}\n          {AMOUNT}\n{PAYMENT_OPERATIONS}"
          "      refund:\n        fields: {payment_id: {type: reference, to: payment, required: true}}\n"
          "        operations:\n          get: [support]\n", f"{PAYMENT}.fields.order_id.required",
          "true, in the circle payment → refund → payment", "no row of any of them could be the first",
          "`required: false`", at="order_id:"),
]  # fmt: skip

TABLES = [
    Wrong("R1 path of two public services", PAYMENT_OPERATIONS, f"        plural: orders\n{PAYMENT_OPERATIONS}",
          PAYMENT, "served at /api/v1/orders", "the gateway sends this one to `order` of the service `order`",
          "add `plural: payment-orders`", at="      payment:"),
    Wrong("R1 path of two resources", PAYMENT_OPERATIONS, beside_payment("refund", "        plural: payments\n"),
          "services.payment.resources.refund", "the table payments", "`payment` has this one", "add another `plural:`",
          at="refund:"),
    Wrong("D2 table that is an event table", PAYMENT_OPERATIONS, beside_payment("payment_event"),
          "services.payment.resources.payment_event", "the table payment_events", "`payment` has an event table",
          "rename the resource", at="payment_event:"),
    Wrong("A3 table of the outbox", PAYMENT_OPERATIONS, beside_payment("letter", "        plural: outbox\n"),
          "services.payment.resources.letter", "the table outbox", "does not have of itself", "add another `plural:`",
          at="letter:"),
    Wrong("D1 table that PostgreSQL reserves", PAYMENT_OPERATIONS, beside_payment("person", "        plural: user\n"),
          "services.payment.resources.person.plural", "user", "`user` is a reserved word of PostgreSQL",
          "choose another plural", at="plural: user"),
    Wrong("R1 resource that Python reserves", PAYMENT_OPERATIONS, beside_payment("class"),
          "services.payment.resources.class", "a reserved word", "no keyword of Python", "`class_item`", at="class:"),
    Wrong("D1 field that is always there", AMOUNT, "created_at: {type: timestamp}", f"{PAYMENT}.fields.created_at",
          "declared", "every resource has it of itself", "remove it"),
    Wrong("R2 field named like a parameter", AMOUNT, "page: {type: integer}", f"{PAYMENT}.fields.page",
          "a reserved name", "`?page=` is a parameter of every list", "`page_value`"),
    Wrong("D1 field that PostgreSQL reserves", AMOUNT, "desc: {type: text}", f"{PAYMENT}.fields.desc",
          "a reserved word", "a reserved word of PostgreSQL", "`desc_value`"),
    Wrong("D1 field that PostgreSQL has", AMOUNT, "ctid: {type: text}", f"{PAYMENT}.fields.ctid", "a reserved name",
          "a column of that name in every table", "`ctid_value`"),
    Wrong("D1 field that Python reserves", AMOUNT, "lambda: {type: text}", f"{PAYMENT}.fields.lambda",
          "a reserved word", "no keyword of Python", "`lambda_value`"),
]  # fmt: skip

NAMES = [
    Wrong("system that Cognito refuses", "name: shop\n", "name: lawsuits\n", "name", "lawsuits", "a name without `aws`",
          "rename the system"),
    Wrong("system that Kubernetes has", "name: shop\n", "name: default\n", "name", "default", "no namespace of every",
          "rename the system"),
    Wrong("system that Kubernetes keeps", "name: shop\n", "name: kube-shop\n", "name", "kube-shop",
          "does not begin with `kube-`", "for example `shop`"),
    Wrong("system that EC2 refuses", "name: shop\n", "name: sg-shop\n", "name", "sg-shop", "does not begin with `sg-`",
          "for example `shop`"),
    Wrong("service that is a database user", "  payment:\n    traffic", "  postgres:\n    traffic", "services.postgres",
          "a reserved name", "no database, database user or cache user has already", "`postgres-service`"),
    Wrong("service that RDS keeps", "  payment:\n    traffic", "  rds-audit:\n    traffic", "services.rds-audit",
          "rds-audit", "RDS keeps users", "for example `audit`"),
    Wrong("service that Python reserves", "  payment:\n    traffic", "  import:\n    traffic", "services.import",
          "a reserved name", "no keyword of Python", "`import-service`"),
    Wrong("service that is another's dead letters", "  payment:\n    traffic", "  order-dead-letter:\n    traffic",
          "services.order-dead-letter", "a reserved name", "another service's queue", "rename the service"),
    Wrong("service that a load balancer refuses", "  payment:\n    traffic", "  internal-pay:\n    traffic",
          "services.internal-pay", "internal-pay", "no load balancer's name may begin so", "for example `pay`"),
]  # fmt: skip

EDGE_AND_TARGETS = [
    Wrong("S1 country that is none", "edge:\n", "edge:\n  blocked_countries: [UK]\n", "edge.blocked_countries[0]", "UK",
          "a country's code in ISO 3166-1", "write GB", at="blocked_countries"),
    Wrong("S1 country twice", "edge:\n", "edge:\n  allowed_countries: [DE, FR, DE]\n", "edge.allowed_countries[2]",
          "DE", "each country once", "remove one of the two", at="allowed_countries"),
    Wrong("S1 allowed and blocked", "edge:\n", "edge:\n  allowed_countries: [DE]\n  blocked_countries: [FR]\n",
          "edge.blocked_countries", "given beside allowed_countries", "all others are refused anyway",
          "remove one of the lists", at="blocked_countries"),
    Wrong("S7 rate limit above the whole system", "requests: 100,", "requests: 2000000,", "edge.rate_limit.requests",
          "2,000,000 in 60 s, 33,333 a second", "10,000 a second (S7)", "lower it to 600,000 or less",
          at="rate_limit:"),
    Wrong("T2 query slower than the response", "query_p95_ms: 20", "query_p95_ms: 200", "requirements.query_p95_ms",
          "200", "less than 78 for latency_p95_ms 200: a write is 4 statements", "lower it to 77 or less"),
    Wrong("T4 availability beyond one region", "availability_percent: 99.9", "availability_percent: 99.999",
          "requirements.availability_percent", "99.999", "at most 99.99", "more takes a second region"),
    Wrong("D3 shard map out of order", "cqrs: true",
          "shard_map:\n      - {since: 2026-06-01, shards: 2}\n      - {since: 2026-06-01, shards: 4}",
          f"{ORDER}.shard_map[1].since", "2026-06-01", "a day after 2026-06-01", "append new generations",
          at="shards: 4"),
    Wrong("D3 fewer shards", "cqrs: true",
          "shard_map:\n      - {since: 2026-06-01, shards: 4}\n      - {since: 2027-06-01, shards: 2}",
          f"{ORDER}.shard_map[1].shards", "2", "at least 4, as before", "write 4 or more", at="shards: 2"),
]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [*EVENTS, *ACCESS, *FIELD_OPTIONS, *REFERENCES, *TABLES, *NAMES, *EDGE_AND_TARGETS],
    ids=lambda wrong: wrong.id,
)
def test_values_that_contradict_each_other_are_the_only_problem_said(wrong: Wrong) -> None:
    assert_only_problem(wrong)


def test_an_event_of_two_services_names_the_other_one() -> None:
    text = SOUND.replace("    traffic_weight: 2\n", "    exposure: internal\n").replace(
        "  payment:\n    exp", "  pay:\n    exp"
    )
    text = text.replace("      payment:\n", "      order:\n").replace(
        "consumes: [order.placed]", "publishes: [order.placed]"
    )
    (problem,) = problems_of(lambda: parse_system(text))
    assert (problem.path, problem.value) == ("services.pay.publishes[0]", "order.placed")
    assert problem.expected == "an event that no other service publishes; the service `order` does already"


def test_internal_services_may_repeat_a_path() -> None:
    text = SOUND.replace("    traffic_weight: 2\n", "    exposure: internal\n").replace(
        PAYMENT_OPERATIONS, f"        plural: orders\n{PAYMENT_OPERATIONS}"
    )
    assert parse_system(text).services["payment"].resources["payment"].path("payment") == "orders"


def test_every_mistake_is_said_in_one_reading_in_the_order_of_the_file() -> None:
    text = (
        SOUND.replace("read_share: 0.85", "read_share: 85")
        .replace("growth_factor: 10", "growth_factor: 10\n  grwth: 3")
        .replace("type: decimal", "type: decmal")
        .replace("consumes: [order.placed]", "consumes: [order.palced]")
        .replace("get: [admin]", "get: [amdin]")
        .replace("broker: kafka", "broker: sqs\n  log_retention_days: 0")
        .replace("retention_hours: 168", "retention_hours: 400")
        .replace("owner: customer_id", "owner: customer")
    )
    problems = problems_of(lambda: parse_system(text))
    assert [(problem.where, problem.path) for problem in problems] == [
        ("system.yaml:5", "requirements.grwth"),
        ("system.yaml:16", "events.log_retention_days"),
        ("system.yaml:17", "events.retention_hours"),
        ("system.yaml:20", "services.order.read_share"),
        ("system.yaml:24", "services.order.resources.order.owner"),
        ("system.yaml:28", "services.order.resources.order.fields.total.type"),
        ("system.yaml:41", "services.payment.resources.payment.operations.get[0]"),
        ("system.yaml:42", "services.payment.consumes[0]"),
    ]


def test_a_mistake_brings_no_second_one_that_nobody_made() -> None:
    """A bad event name must not also be reported as an event that no service publishes."""
    text = SOUND.replace("publishes: [order.placed]", "publishes: [order-placed]")
    (problem,) = problems_of(lambda: parse_system(text))
    assert (problem.path, problem.remedy) == ("services.order.publishes[0]", "write `order.placed`")


def test_the_message_as_a_person_reads_it() -> None:
    with pytest.raises(ProblemsFound) as caught:
        parse_system(SOUND.replace("consumes: [order.placed]", "consumes: [order.palced]"))
    assert str(caught.value) == (
        "1 problem\n"
        "system.yaml:40: services.payment.consumes[0] is order.palced\n"
        "    expected: an event that a service publishes\n"
        "    to do:    did you mean `order.placed`?"
    )
