"""Names that AWS, Kubernetes, PostgreSQL or Python would refuse later, or take for something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from groundplan.declaration.model import ANYONE, System
from groundplan.declaration.reserved import (
    AWS_PREFIXES,
    BUCKET_PREFIXES,
    NAMESPACE_PREFIXES,
    NAMESPACES,
    NO_PYTHON_WORD,
    PYTHON_WORDS,
    SERVICE_NAMES,
    SERVICE_PREFIXES,
)
from groundplan.declaration.words import refused_prefix_word
from groundplan.problems import Finding, Path

# The queues of what a consumer gave up on are named after it with these endings.
_QUEUE_ENDINGS = ("-dead-letter", "-undelivered")


def check_names(system: System) -> list[Finding]:
    return [*_system(system), *_services(system), *_roles(system)]


def _system(system: System) -> Iterator[Finding]:
    name = system.name
    if word := refused_prefix_word(name):
        expected = f"a name without `{word}`: it becomes part of the sign-in domain, where Cognito refuses the word"
        yield Finding(("name",), name, expected, "rename the system")
    if name in NAMESPACES:
        expected = "a name that is no namespace of every Kubernetes cluster already"
        yield Finding(("name",), name, expected, "rename the system")
    yield from _prefixed(("name",), name, {**AWS_PREFIXES, **BUCKET_PREFIXES, **NAMESPACE_PREFIXES})


def _services(system: System) -> Iterator[Finding]:
    for name in system.services:
        path = ("services", name)
        if name in SERVICE_NAMES:
            expected = "a name that no database, database user or cache user has already"
            yield Finding(path, "a reserved name", expected, f"rename it, for example `{name[:12]}-service`")
        if name in PYTHON_WORDS:
            yield Finding(path, "a reserved name", NO_PYTHON_WORD, f"rename it, for example `{name}-service`")
        if name.endswith(_QUEUE_ENDINGS):
            expected = "a name that is not that of another service's queue for what it gave up on"
            yield Finding(path, "a reserved name", expected, "rename the service")
        yield from _prefixed(path, name, {**AWS_PREFIXES, **SERVICE_PREFIXES})


def _prefixed(path: Path, name: str, prefixes: Mapping[str, str]) -> Iterator[Finding]:
    for prefix, reason in prefixes.items():
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            remedy = f"rename it, for example `{rest}`" if rest[0].isalpha() and len(rest) > 1 else "rename it"
            yield Finding(path, name, f"a name that does not begin with `{prefix}`: {reason}", remedy)


def _roles(system: System) -> Iterator[Finding]:
    for position, role in enumerate(system.identity.roles):
        path = ("identity", "roles", position)
        if role == ANYONE:
            expected = f"a role's name; `{ANYONE}` says that no role is needed"
            yield Finding(path, role, expected, "remove it, and name it in operations only")
        if role in system.identity.roles[:position]:
            yield Finding(path, role, "each role once", "remove one of the two")
