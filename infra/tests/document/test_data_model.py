"""The DDL: what D1, D2, A3 and A4 ask for, and that it hangs together.

It was run whole on PostgreSQL 15, for the shop and for names that are reserved words or too long; here its structure is
held: balanced statements, references to tables that are there, identifiers that fit.
"""

from __future__ import annotations

import re

import pytest

from groundplan.declaration.model import System
from groundplan.document.data_model import data_model, service_ddl
from groundplan.document.names import joined, quoted
from infra.tests.capacity.stacks import one_service
from infra.tests.samples import shop, system_of


def statements(ddl: str) -> list[str]:
    without_comments = re.sub(r"--[^\n]*", "", ddl)
    return [" ".join(statement.split()) for statement in without_comments.split(";") if statement.strip()]


def awkward() -> System:
    """Reserved words, names at their longest, a cycle of references, quotes and semicolons in descriptions."""
    long = "detail_of_the_most_unlikely_long_name_x"
    return one_service(
        cqrs=True,
        resources={
            "order": {
                "description": "It's -- 'quoted' | <!-- x -->",
                "owner": "user",
                "fields": {
                    "user": {"type": "string", "max_length": 64, "required": True},
                    "select": {"type": "enum", "values": ["a", "b"], "required": True, "indexed": True},
                    "parent": {"type": "reference", "to": "order"},
                    "detail": {"type": "reference", "to": long},
                    "notes": {"type": "text", "max_length": 500},
                    "ratio": {"type": "decimal", "scale": 0, "minimum": -1.5, "maximum": 10},
                },
                "operations": {"list": ["member"], "delete": ["member"]},
            },
            long: {
                "fields": {
                    "order": {"type": "reference", "to": "order", "required": True},
                    "another_very_long_column_name_for_index": {"type": "integer", "indexed": True},
                },
                "operations": {"list": ["anyone"]},
            },
        },
    )


@pytest.mark.parametrize("system", [shop(), system_of(3), awkward()])
def test_every_statement_is_whole_and_refers_to_what_is_there(system: System) -> None:
    for name in system.services:
        tables: set[str] = set()
        names: list[str] = []
        for statement in statements(service_ddl(system, name)):
            assert statement.count("(") == statement.count(")")
            assert statement.count("'") % 2 == 0
            assert statement.count('"') % 2 == 0
            words = re.match(r'(CREATE TABLE|CREATE INDEX|CREATE UNIQUE INDEX|ALTER TABLE) ("?[a-z0-9_]+"?)', statement)
            assert words, statement
            names.append(words[2])
            if words[1] == "CREATE TABLE":
                assert words[2] not in tables
                tables.add(words[2])
            targets = re.findall(r'(?:REFERENCES|(?:INDEX \S+ ON)) ("?[a-z0-9_]+"?)', statement)
            assert set(targets) <= tables, statement
        assert all(len(each.strip('"')) <= 63 for each in names)
        indexes = [each for each in names if each not in tables]
        assert len(indexes) == len(set(indexes))


def test_tables_have_uuid_keys_times_and_constraints() -> None:
    """D1."""
    ddl = service_ddl(shop(), "order")
    assert "CREATE TABLE orders (\n    id uuid PRIMARY KEY DEFAULT gen_random_uuid()," in ddl
    assert ddl.count("created_at timestamptz NOT NULL DEFAULT now()") >= 2
    assert "updated_at timestamptz NOT NULL DEFAULT now()" in ddl
    assert "total numeric(19, 2) NOT NULL" in ddl
    assert "CHECK (status IN ('open', 'placed', 'paid', 'shipped', 'cancelled'))" in ddl
    assert "CHECK (quantity >= 1 AND quantity <= 1000)" in ddl
    unique = 'CREATE UNIQUE INDEX users_email_key ON users ((lower(email COLLATE "C"))) WHERE deleted_at IS NULL;'
    assert unique in service_ddl(shop(), "user")


def test_what_is_unique_is_so_among_the_rows_that_are_there() -> None:
    """What a deleted row had may be had again; where nothing is deleted, a constraint says it."""
    fields = {"code": {"type": "string", "unique": True, "required": True}}
    kept = one_service(resources={"thing": {"fields": fields, "operations": {"list": ["member"]}}})
    assert "code varchar(255) NOT NULL UNIQUE," in service_ddl(kept, "thing")
    assert "CREATE UNIQUE INDEX" not in service_ddl(kept, "thing")
    deleted = one_service(resources={"thing": {"fields": fields, "operations": {"delete": ["member"]}}})
    assert "code varchar(255) NOT NULL," in service_ddl(deleted, "thing")
    assert "CREATE UNIQUE INDEX things_code_key ON things (code) WHERE deleted_at IS NULL;" in service_ddl(
        deleted, "thing"
    )


def test_long_constraint_names_are_given_rather_than_cut_by_postgresql() -> None:
    table, field = "t" * 38, "f" * 40
    system = one_service(
        resources={
            table: {
                "fields": {field: {"type": "string", "unique": True}, "parent": {"type": "reference", "to": table}},
                "operations": {"list": ["member"]},
            }
        }
    )
    ddl = service_ddl(system, "thing")
    assert f"CONSTRAINT {joined(table + 's', field, 'key')} UNIQUE" in ddl
    assert "parent uuid REFERENCES" in ddl


def test_each_access_path_has_an_index() -> None:
    """D1, R2: filters, owner, references and the default order."""
    ddl = service_ddl(shop(), "order")
    for column in ("created_at, id", "customer_id, created_at, id", "status, created_at, id"):
        assert f"ON orders ({column}) WHERE deleted_at IS NULL;" in ddl
    assert "ON order_lines (order_id, created_at, id) WHERE deleted_at IS NULL;" in ddl


def test_each_aggregate_has_an_event_table() -> None:
    """D2: by aggregate and by type, with a foreign key."""
    for name, service in shop().services.items():
        ddl = service_ddl(shop(), name)
        for resource in service.resources:
            table = service.resources[resource].table(resource)
            body = ddl.partition(f"CREATE TABLE {resource}_events (")[2].partition(");\n")[0]
            assert "event_id uuid PRIMARY KEY" in body
            assert f"aggregate_id uuid NOT NULL REFERENCES {table} (id)" in body
            assert "event_type text NOT NULL" in body
            assert "actor text NOT NULL" in body
            assert "version integer NOT NULL" in body
            assert "payload jsonb NOT NULL" in body
            assert "occurred_at timestamptz NOT NULL" in body
            assert f"ON {resource}_events (aggregate_id, occurred_at);" in ddl
            assert f"ON {resource}_events (event_type, occurred_at);" in ddl


def test_every_service_can_begin_to_publish_and_to_consume() -> None:
    """A3: events come and go with other services, which must not change tables that are there."""
    for ddl in (service_ddl(shop(), "user"), service_ddl(shop(), "payment"), service_ddl(one_service(), "thing")):
        assert "CREATE TABLE outbox" in ddl
        assert "CREATE TABLE inbox" in ddl


def test_read_models_are_where_cqrs_is() -> None:
    """A4."""
    assert "CREATE TABLE order_read_model" in service_ddl(shop(), "order")
    assert "read_model" not in service_ddl(shop(), "payment")
    assert "ON order_read_model (deleted_at) WHERE deleted_at IS NOT NULL;" in service_ddl(shop(), "order")


def test_no_foreign_key_leaves_its_database() -> None:
    """A2: payment's order is another service's."""
    assert "order_id uuid NOT NULL," in service_ddl(shop(), "payment")


def test_a_row_with_events_is_marked_deleted_rather_than_removed() -> None:
    """D2: the trail outlives the row, and where nothing is deleted there is no such column."""
    assert "deleted_at timestamptz" in service_ddl(shop(), "user")
    assert "deleted_at" not in service_ddl(shop(), "payment")


def test_cycles_of_references_are_closed_at_the_end() -> None:
    ddl = service_ddl(awkward(), "thing")
    assert "parent uuid REFERENCES orders (id)" in ddl
    assert "detail uuid,\n" in ddl
    (late,) = [each for each in statements(ddl) if each.startswith("ALTER TABLE")]
    assert late.startswith("ALTER TABLE orders ADD CONSTRAINT orders_detail_fkey FOREIGN KEY (detail) REFERENCES")


def test_reserved_words_are_quoted_and_long_names_shortened() -> None:
    assert quoted("user") == '"user"'
    assert quoted("status") == "status"
    long = joined("x" * 40, "y" * 40, "idx")
    assert len(long) == 63
    assert long != joined("x" * 40, "y" * 40, "idy")


def test_large_systems_name_what_they_leave_out() -> None:
    text = data_model(system_of(30))
    assert text.count("CREATE TABLE outbox") == 12
    assert "each with its event table: " in text
    assert "`parts_30` (part-30)" in text
