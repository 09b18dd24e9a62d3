"""Single values that are wrong: each is refused with its line, its path, what was expected and what to do."""

from __future__ import annotations

import pytest

from infra.tests.declaration.cases import Wrong, assert_only_problem

ORDER = "services.order"
FIELDS = f"{ORDER}.resources.order.fields"
PAYMENT = "services.payment.resources.payment"

UNKNOWN_AND_MISSING = [
    Wrong("unknown top-level key", "name: shop\n", "name: shop\nregion: eu-central-1\n", "region", '"eu-central-1"',
          "one of the keys `name`, `description`, `requirements`", "remove it", at="region:"),
    Wrong("misspelt service key", "read_share: 0.85", "read_shar: 0.85", f"{ORDER}.read_shar", "0.85",
          "`load`, `read_share`", "did you mean `read_share`?"),
    Wrong("misspelt field key", "max_length: 64, ", "maxlength: 64, ", f"{FIELDS}.customer_id.maxlength", "64",
          "`max_length`", "did you mean `max_length`?", at="customer_id:"),
    Wrong("no name", "name: shop\n", "description: A shop\n", "name", "missing",
          "`name` (also the Pulumi project's name", "add `name:` here"),
    Wrong("no identity roles", "roles: [customer, support, admin]\n  default_role: customer", "mfa: optional",
          "identity.roles", "missing", "`roles` (groups of the user pool", "add `roles:` here", at="identity:"),
    Wrong("field without type", "{type: integer, minimum: 1}", "{minimum: 1}", f"{PAYMENT}.fields.amount.type",
          "missing", "`type` (the value's type)", "add `type:` here", at="amount:"),
]  # fmt: skip

KINDS = [
    Wrong("text for a number", "growth_factor: 10", "growth_factor: tenfold", "requirements.growth_factor", '"tenfold"',
          "a number", "write it in plain digits"),
    Wrong("quoted number", "latency_p95_ms: 200", 'latency_p95_ms: "200"', "requirements.latency_p95_ms", '"200"',
          "a whole number", "write it without quotes: 200"),
    Wrong("fraction for a whole number", "latency_p95_ms: 200", "latency_p95_ms: 200.5", "requirements.latency_p95_ms",
          "200.5", "a whole number", "write it in plain digits"),
    Wrong("boolean for a number", "read_share: 0.85", "read_share: true", f"{ORDER}.read_share", "true", "a number",
          "write it in plain digits"),
    Wrong("not a number", "growth_factor: 10", "growth_factor: .nan", "requirements.growth_factor", "nan",
          "a finite number", "write it in plain digits"),
    Wrong("number for a boolean", "cqrs: true", "cqrs: 1", f"{ORDER}.cqrs", "1", "true or false",
          "write true or false"),
    Wrong("version-like number for text", "name: shop\n", "name: shop\ndescription: 1.10\n", "description", "1.1",
          "text", 'put it in quotes: "1.10"', at="description:"),
    Wrong("date for text", "name: shop\n", "name: shop\ndescription: 2026-01-31\n", "description", "2026-01-31", "text",
          'put it in quotes: "2026-01-31"', at="description:"),
    Wrong("text for a list", "consumes: [order.placed]", "consumes: order.placed", "services.payment.consumes",
          '"order.placed"', "a list", 'write it as a list: ["order.placed"]'),
    Wrong("list for a mapping", "rate_limit: {requests: 100, per_seconds: 60}", "rate_limit: [100, 60]",
          "edge.rate_limit", "a list of 2 items", "a mapping", "without dashes"),
    Wrong("nothing for a mapping", "edge:\n  rate_limit: {requests: 100, per_seconds: 60}", "edge:", "edge", "empty",
          "a mapping", "give it a value, or remove the line"),
    Wrong("role with a space", '["customer:own", admin]', "[customer: own, admin]",
          f"{ORDER}.resources.order.operations.list[0]", "a mapping of 1 key", "text",
          'write it without a space and in quotes: "customer:own"', at="list:"),
    Wrong("number for a date", "cqrs: true", "shard_map: [{since: 20260131, shards: 2}]", f"{ORDER}.shard_map[0].since",
          "20260131", "a date such as 2026-01-31", "write year, month and day"),
]  # fmt: skip

CHOICES = [
    Wrong("misspelt type", "type: decimal", "type: decmal", f"{FIELDS}.total.type", '"decmal"',
          "one of `string`, `text`, `integer`, `decimal`", "did you mean `decimal`?", at="total:"),
    Wrong("unknown broker", "broker: kafka", "broker: rabbitmq", "events.broker", '"rabbitmq"',
          "one of `kafka` or `sqs`", "choose one of `kafka` or `sqs`"),
    Wrong("window that the WAF lacks", "per_seconds: 60", "per_seconds: 90", "edge.rate_limit.per_seconds", "90",
          "one of `60`, `120`, `300` or `600`", "choose one of", at="rate_limit:"),
    Wrong("unknown operation", "          get: [admin]", "          remove: [admin]\n          get: [admin]",
          f"{PAYMENT}.operations.remove", '"remove"', "one of `list`, `get`, `create`, `update` or `delete`",
          "choose one of"),
    Wrong("unknown exposure", "traffic_weight: 2", "exposure: private", "services.payment.exposure", '"private"',
          "one of `public` or `internal`", "choose one of"),
]  # fmt: skip

BOUNDS = [
    Wrong("share above one", "read_share: 0.85", "read_share: 85", f"{ORDER}.read_share", "85", "at most 1",
          "lower it"),
    Wrong("weight of nothing", "traffic_weight: 2", "traffic_weight: 0", "services.payment.traffic_weight", "0",
          "more than 0", "raise it"),
    Wrong("perfect availability", "availability_percent: 99.9", "availability_percent: 100",
          "requirements.availability_percent", "100", "less than 100", "lower it"),
    Wrong("rate limit below the WAF's", "requests: 100,", "requests: 5,", "edge.rate_limit.requests", "5",
          "at least 10", "raise it", at="rate_limit:"),
    Wrong("too long a retention", "retention_hours: 168", "retention_hours: 9000", "events.retention_hours", "9000",
          "at most 8,760", "lower it"),
    Wrong("no roles", "roles: [customer, support, admin]\n  default_role: customer", "roles: []", "identity.roles",
          "an empty list", "at least 1 entry", "add what is missing"),
    Wrong("service without resources", """    resources:
      payment:
        fields:
          order_id: {type: reference, to: order.order, required: true}
          amount: {type: integer, minimum: 1}
        operations:
          get: [admin]
""", "    resources: {}\n", "services.payment.resources", "an empty mapping", "at least 1 entry",
          "add what is missing"),
    Wrong("too many decimals", "scale: 2", "scale: 12", f"{FIELDS}.total.scale", "12", "at most 6", "lower it",
          at="total:"),
    Wrong("description of a page", "name: shop\n", f"name: shop\ndescription: {'long ' * 50}\n", "description",
          '"long long long long long long long long long long long lon…', "at most 200 characters", "shorten it",
          at="description:"),
]  # fmt: skip

NAMES = [
    Wrong("system name in capitals", "name: shop\n", "name: WebShop\n", "name", '"WebShop"',
          "lower-case letters, digits and single hyphens", "write `web-shop`"),
    Wrong("system name too long", "name: shop\n", "name: the-largest-shop-on-earth\n", "name",
          '"the-largest-shop-on-earth"', "at most 20 characters", "shorten it"),
    Wrong("service name with an underscore", "  payment:\n    traffic", "  pay_ment:\n    traffic", "services.pay_ment",
          '"pay_ment"', "lower-case letters, digits and single hyphens", "write `pay-ment`"),
    Wrong("field name in camel case", "amount: {", "amountDue: {", f"{PAYMENT}.fields.amountDue", '"amountDue"',
          "lower-case letters, digits and single underscores", "write `amount_due`"),
    Wrong("event in camel case", "publishes: [order.placed]", "publishes: [OrderPlaced]", f"{ORDER}.publishes[0]",
          '"OrderPlaced"', "`<resource>.<past tense>`", "write `order.placed`"),
    Wrong("country in lower case", "edge:\n", "edge:\n  allowed_countries: [de]\n", "edge.allowed_countries[0]", '"de"',
          "two capital letters", "write `DE`", at="allowed_countries"),
    Wrong("description of two lines", "name: shop\n", 'name: shop\ndescription: "one\\ntwo"\n', "description",
          '"one\\ntwo"', "one line of text", "correct it", at="description:"),
]  # fmt: skip

SPELLINGS = [
    Wrong("Norway read as false", "edge:\n", "edge:\n  allowed_countries: [NO, SE]\n", "edge.allowed_countries[0]",
          "NO", "text", 'put it in quotes, as YAML reads something else without them: "NO"', at="allowed_countries"),
    Wrong("no in a list of roles", "roles: [", "roles: [no, ", "identity.roles[0]", "no", "text", '"no"', at="roles:"),
    Wrong("yes for true", "cqrs: true", "cqrs: yes", f"{ORDER}.cqrs", "yes", "true or false",
          "YAML 1.1 reads yes as true: write true"),
    Wrong("a time of day read as base 60", "retention_hours: 168", "retention_hours: 22:30", "events.retention_hours",
          "22:30", "a number in plain digits", "YAML 1.1 reads 22:30 as 1350: write 1350"),
    Wrong("digits grouped", "requests_per_second: 1000", "requests_per_second: 1_000",
          "requirements.requests_per_second", "1_000", "a number in plain digits", "reads 1_000 as 1000: write 1000"),
    Wrong("octal", "retention_hours: 168", "retention_hours: 0168", "events.retention_hours", '"0168"',
          "a whole number", "write it without quotes: 168"),
    Wrong("octal that reads as another number", "retention_hours: 168", "retention_hours: 0167",
          "events.retention_hours", "0167", "a number in plain digits", "reads 0167 as 119"),
    Wrong("key read as a boolean", "amount: {", "on: {", f"{PAYMENT}.fields.on", "",
          "a name; YAML reads this key as true", 'put it in quotes if it is meant: "on"'),
    Wrong("key that is a number", "amount: {", "404: {", f"{PAYMENT}.fields.404", "", "YAML reads this key as 404",
          'put it in quotes if it is meant: "404"'),
    Wrong("day that does not exist", "cqrs: true", "shard_map: [{since: 2026-02-30, shards: 2}]",
          f"{ORDER}.shard_map[0].since", '"2026-02-30"', "a date that exists", "correct it"),
    Wrong("tag", "name: shop\n", "name: !secret shop\n", "name", 'tagged "!secret"', "a plain value", "remove the tag"),
    Wrong("number that nothing holds", "growth_factor: 10", f"growth_factor: 1{'0' * 60}", "requirements.growth_factor",
          f'"1{"0" * 57}…', "at most 40 digits", "shorten it"),
    Wrong("key given twice", "cqrs: true", "cqrs: true\n    cqrs: false", f"{ORDER}.cqrs", "given twice",
          "each key once; it stands on line 20 again", "keep one of the two"),
    Wrong("merge of what is no mapping", "cqrs: true", "<<: 5\n    cqrs: true", ORDER, "merged with 5",
          "an alias of a mapping after `<<`", "write `<<: *name`", at="  order:"),
    Wrong("list as a key", "cqrs: true", "? [a]\n    : 1\n    cqrs: true", ORDER,
          "a mapping with a list of 1 item as a key", "names as keys", "write a plain name", at="  order:"),
]  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [*UNKNOWN_AND_MISSING, *KINDS, *CHOICES, *BOUNDS, *NAMES, *SPELLINGS], ids=lambda wrong: wrong.id
)
def test_a_wrong_value_is_the_only_problem_said(wrong: Wrong) -> None:
    assert_only_problem(wrong)
