"""Typed environment variables; all errors are found in one run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from groundplan_chassis.problems import Problem

T = TypeVar("T")

_LONGEST_VALUE: Final = 80
_HOST: Final = re.compile(r"(?=.{1,253}(?::|$))[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9_-]+)*")
_ARN: Final = re.compile(r"arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:.+")
# Names of settings that hold a secret by themselves. None of ours does, so what stands there was put there by mistake.
_SECRET: Final = re.compile(r"PASSWORD|PRIVATE|CREDENTIAL|(?<!TOKEN_)ISSUER_KEY")
REMEDY_PROGRAM: Final = (
    "deploy with `make up`, whose program gives it (groundplan.program.settings); locally, `make dev` does"
)


class Address(msgspec.Struct, frozen=True):
    """A host and a port to connect to."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Environment:
    """Environment variables, with the problems found so far.

    Each method returns the value, or a harmless stand-in after it has noted a problem: the caller reads on, so that all
    mistakes are told together, and looks at ``problems`` at the end.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.problems: list[Problem] = []
        self.read: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether the variable is there; an empty one counts as absent."""
        self.read.add(name)
        return bool(self._variables.get(name))

    def text(self, name: str, default: str | None = None, expected: str = "a text") -> str:
        """The variable, or ``default``; without one it must be there."""
        self.read.add(name)
        value = self._variables.get(name, "")
        if value:
            return value
        if default is None:
            self.problems.append(
                Problem(name, "missing" if name not in self._variables else "empty", expected, REMEDY_PROGRAM)
            )
            return ""
        return default

    def parsed(
        self, name: str, parse: Callable[[str], T], stand_in: T, expected: str, remedy: str = REMEDY_PROGRAM
    ) -> T:
        """The variable, parsed; ``parse`` raises ValueError for an invalid value."""
        value = self.text(name, expected=expected)
        if not value:
            return stand_in
        try:
            return parse(value)
        except (ValueError, TypeError):
            self.refuse(name, expected, remedy)
            return stand_in

    def whole(self, name: str, least: int, most: int, default: int | None = None, unit: str = "") -> int:
        """A whole number from ``least`` to ``most``."""
        if default is not None and not self.has(name):
            return default

        def parse(value: str) -> int:
            if not re.fullmatch(r"[0-9]{1,12}", value) or not least <= int(value) <= most:
                raise ValueError
            return int(value)

        return self.parsed(name, parse, default or least, f"a whole number from {least} to {most}{unit and f' {unit}'}")

    def choice(self, name: str, words: tuple[str, ...], default: str | None = None) -> str:
        """One of a few words."""
        if default is not None and not self.has(name):
            return default

        def parse(value: str) -> str:
            if value not in words:
                raise ValueError
            return value

        return self.parsed(name, parse, words[0], f"one of {', '.join(words)}")

    def json(self, name: str, kind: type[T], stand_in: T, expected: str) -> T:
        """JSON of exactly this shape; keys that it doesn't know are refused where ``kind`` forbids them."""
        value = self.text(name, expected=expected)
        if not value:
            return stand_in
        try:
            return msgspec.json.decode(value, type=kind)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            # msgspec's message says where in the JSON it is: "… - at `$[0].writer`", and never the value.
            self.refuse(name, f"{expected} ({error})", REMEDY_PROGRAM)
            return stand_in

    def url(self, name: str, schemes: tuple[str, ...]) -> str:
        """An absolute address with one of the schemes, a host, and no user or fragment in it."""

        def parse(value: str) -> str:
            parts = urlsplit(value)
            _ = parts.port  # Raises ValueError where the port is none.
            if parts.scheme not in schemes or not parts.hostname or "@" in parts.netloc or parts.fragment:
                raise ValueError
            if re.search(r"[\s\x00-\x1f]", value):
                raise ValueError
            return value

        kinds = " or ".join(f"{scheme}://" for scheme in schemes)
        return self.parsed(name, parse, "", f"an address that begins with {kinds}, without a user in it")

    def arn(self, name: str) -> str:
        return self.parsed(name, secret_arn, "", "the ARN of a secret in Secrets Manager")

    def address(self, name: str, port: int) -> Address:
        return self.parsed(name, lambda value: address(value, port), Address("", port), "a host name, or host:port")

    def refuse(self, name: str, expected: str, remedy: str) -> None:
        """Records that the variable's value is invalid."""
        self.problems.append(Problem(name, shown(name, self._variables.get(name, "")), expected, remedy))


def shown(name: str, value: str) -> str:
    """A value for an error message: short, on one line, and never a secret."""
    if not value:
        return "missing"
    if _SECRET.search(name) or "PRIVATE KEY" in value or re.search(r"://[^/\s]*@", value):
        return "a value that is not shown"
    if re.search(r'"[^"]*(?:password|secret_key|token)[^"]*"\s*:', value, re.IGNORECASE):
        return "a value that is not shown"
    text = value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 1]}…"
    return repr(text) if text.isprintable() else ascii(text)


def address(value: str, port: int) -> Address:
    """``host`` or ``host:port``; raises ValueError for anything else. IPv6 addresses stand in brackets."""
    host, colon, given = value, "", ""
    if value.startswith("["):
        host, closed, rest = value[1:].partition("]")
        if not closed or not re.fullmatch(r"[0-9A-Fa-f:.]+", host) or (rest and not rest.startswith(":")):
            raise _no_address(value)
        colon, given = rest[:1], rest[1:]
    else:
        host, colon, given = value.partition(":")
        if not _HOST.fullmatch(host):
            raise _no_address(value)
    if colon and not (re.fullmatch(r"[0-9]{1,5}", given) and 1 <= int(given) <= 65_535):
        raise _no_address(value)
    return Address(host, int(given) if given else port)


def secret_arn(value: str) -> str:
    """The value, if it names a secret in Secrets Manager; raises ValueError else."""
    if not _ARN.fullmatch(value) or value.split(":")[2] != "secretsmanager":
        raise ValueError(f"{value!r:.100} is no secret's ARN")
    return value


def _no_address(value: str) -> ValueError:
    return ValueError(f"{value!r:.100} is no host")
