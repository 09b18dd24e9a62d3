"""Brings the owner's code after modules that are called differently now.

Only what names a module that was copied into projects is touched, character by character, so that formatting and
comments stay. What is rewritten once is left alone the second time.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from groundplan.moving.places import COMMANDS, GONE, METHODS, NAMES, PROGRAM, PROGRAM_NAMES, ROOTS, modules, new_dotted

IsOwn = Callable[[str], bool]
"""Whether a dotted name is a module in the project itself."""

_DOTTED = re.compile(rf"(?<![\w./$-])(?:{'|'.join(ROOTS)})(?:\.[A-Za-z_]\w*)+(?![\w/-])")
_STARTED = re.compile(rf"(-m\s+)({'|'.join(ROOTS)})(?![\w./-])")
"""`python -m local`."""
_COMMAND = re.compile(rf"(-m\s+)({'|'.join(map(re.escape, COMMANDS))})(?![\w./-])")
_FILE_ENDINGS = {"py", "md", "yaml", "yml", "sh", "pem", "toml", "txt", "json", "in"}


@dataclass(frozen=True, slots=True)
class Rewritten:
    text: str
    renamed: tuple[tuple[str, str], ...]
    """Old and new names, each pair once."""


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


def rewrite_python(text: str, path: str, is_own: IsOwn) -> Rewritten:
    """The source of ``path`` with new names; as it is where it can't be parsed."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return Rewritten(text, ())
    rewriter = _Rewriter(text, path, is_own)
    rewriter.read(tree)
    return rewriter.done()


def rewrite_text(text: str, path: str, is_own: IsOwn) -> Rewritten:
    """Modules that a Makefile, a script, a workflow or pyproject.toml starts or names."""
    renamed: dict[str, str] = {}

    def started(found: re.Match[str]) -> str:
        new = modules()[found[2]]
        renamed[f"-m {found[2]}"] = f"-m {new}"
        return found[1] + new

    def command(found: re.Match[str]) -> str:
        renamed[f"-m {found[2]}"] = f"-m groundplan {COMMANDS[found[2]]}"
        return f"{found[1]}groundplan {COMMANDS[found[2]]}"

    def named(found: re.Match[str]) -> str:
        before = text_now[: found.start()]
        quoted = before.endswith(('"', "'")) and text_now[found.end() :].startswith(('"', "'", ".*", ":"))
        if not quoted and not re.search(r"-m\s+$", before):
            return found[0]
        new = _new(found[0], is_own)
        if new is None:
            return found[0]
        renamed[found[0]] = new
        return new

    text_now = _rewrite_contracts(text, renamed) if path == "pyproject.toml" else text
    text_now = _STARTED.sub(started, _COMMAND.sub(command, text_now))
    text_now = _DOTTED.sub(named, text_now)
    return Rewritten(text_now, tuple(sorted(renamed.items())))


_LIST = re.compile(r"^(\w*modules|root_packages|containers|ignore_imports)\s*=\s*\[[^\]]*\]", re.MULTILINE)
_LISTED = re.compile(rf"(?<=[\"'\s])({'|'.join(ROOTS)})((?:\.\w+)*)((?:\.\*+)?)(?=[\"'\s])")


def _rewrite_contracts(text: str, renamed: dict[str, str]) -> str:
    """Packages in the lists of import-linter's contracts, which take only whole ones of those outside the project."""
    start = text.find("[tool.importlinter")
    if start < 0:
        return text

    def listed(found: re.Match[str]) -> str:
        new, below = new_dotted(found[1] + found[2]), found[3]
        if new is None:
            return found[0]
        if found[1] != "chassis":
            new, below = new.partition(".")[0], ""
        renamed[found[0]] = new + below
        return new + below

    return text[:start] + _LIST.sub(lambda found: _LISTED.sub(listed, found[0]), text[start:])


def _new(dotted: str, is_own: IsOwn) -> str | None:
    parts = dotted.split(".")
    if parts[-1] in _FILE_ENDINGS and dotted not in modules():
        return None
    if any(is_own(".".join(parts[:length])) for length in range(2, len(parts) + 1)):
        return None
    return new_dotted(dotted)


class _Rewriter:
    def __init__(self, text: str, path: str, is_own: IsOwn) -> None:
        self._source = text.encode()
        self._path = path
        self._is_own = is_own
        self._edits: list[_Edit] = []
        self._renamed: dict[str, str] = {}
        self._lines = [0]
        for line in self._source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._context_imported = False
        self._roots: set[str] = set()

    def read(self, tree: ast.Module) -> None:
        documents = set(_documents(tree))
        for node in ast.walk(tree):
            match node:
                case ast.Import():
                    self._import(node)
                case ast.ImportFrom():
                    self._import_from(node)
                case ast.Constant(value=str()) if id(node) not in documents:
                    self._string(node)
                case ast.List() | ast.Tuple():
                    self._command(node)
        self._roots -= _bound(tree)
        for node in _outermost(tree):
            self._use(node)
        if self._context_imported or self._path == PROGRAM:
            self._methods(tree)
        if self._path == PROGRAM:
            self._program(tree)

    def done(self) -> Rewritten:
        source, last = self._source, len(self._source) + 1
        for edit in sorted(self._edits, key=lambda edit: edit.start, reverse=True):
            if edit.end <= last:
                source = source[: edit.start] + edit.text.encode() + source[edit.end :]
                last = edit.start
        return Rewritten(source.decode(), tuple(sorted(self._renamed.items())))

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            new = _new(alias.name, self._is_own) if alias.name not in ROOTS else modules()[alias.name]
            if new is None or alias.name not in modules():
                continue
            if alias.asname is None:
                self._roots.add(alias.name.partition(".")[0])
            start = self._offset(alias.lineno, alias.col_offset)
            self._replace(start, start + len(alias.name.encode()), alias.name, new)

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = self._absolute(node)
        if module is None or module not in modules():
            return
        if module.startswith("infra.program"):
            self._context_imported = True
        moved = [(self._moved(module, alias), alias) for alias in node.names]
        if node.level and all(target == (module, alias.name) for target, alias in moved):
            return
        kept = all(target == (modules()[module], alias.name) for target, alias in moved)
        start, end = self._span(node)
        if kept:
            written = self._source[start:end].decode()
            found = re.match(r"from(\s+)([.\w]+)", written)
            if found is not None:
                new = modules()[module]
                self._replace(start + found.start(2), start + found.end(2), found[2], new, (module, new))
                return
        self._write_anew(node, module, moved)

    def _moved(self, module: str, alias: ast.alias) -> tuple[str, str]:
        """The module and the name that ``alias`` is imported by now."""
        dotted = f"{module}.{alias.name}"
        gone = GONE.get(dotted, GONE.get(module))
        if gone is not None:
            self._renamed[dotted] = gone
        if self._is_own(dotted):
            return module, alias.name
        if dotted in NAMES:
            return NAMES[dotted]
        if dotted in modules():
            package, _, last = modules()[dotted].rpartition(".")
            return package, last
        return modules()[module], alias.name

    def _write_anew(
        self, node: ast.ImportFrom, module: str, moved: Iterable[tuple[tuple[str, str], ast.alias]]
    ) -> None:
        names: dict[str, list[str]] = {}
        for (target, name), alias in moved:
            bound = alias.asname or alias.name
            names.setdefault(target, []).append(name if name == bound else f"{name} as {bound}")
            if target != module:
                self._renamed[f"{module}.{alias.name}"] = f"{target}.{name}"
        start, end = self._span(node)
        line = self._source[self._lines[node.lineno - 1] : start].decode()
        separator = f"\n{line}" if not line.strip() else "; "
        statements = separator.join(f"from {target} import {', '.join(listed)}" for target, listed in names.items())
        comments = re.findall(r"#[^\n]*", self._source[start:end].decode())
        if comments and not line.strip():
            statements = separator.join([*comments, statements])
        self._edits.append(_Edit(start, end, statements))

    def _absolute(self, node: ast.ImportFrom) -> str | None:
        """The module's full name; of a relative import in a file that is still where a package was."""
        if not node.level:
            return node.module
        package = self._path.removesuffix(".py").split("/")[: -node.level]
        if not package or package[0] not in ROOTS:
            return None
        full = ".".join([*package, *([node.module] if node.module else [])])
        return None if self._is_own(full) else full

    def _use(self, node: ast.expr) -> None:
        """`chassis.clock.now`, after `import chassis.clock`; `bench` alone, after `import bench`."""
        dotted = _dotted(node)
        if dotted is None or dotted.partition(".")[0] not in self._roots:
            return
        new = modules()[dotted] if dotted in ROOTS else _new(dotted, self._is_own)
        if new is not None:
            self._replace(*self._span(node), dotted, new)

    def _string(self, node: ast.Constant) -> None:
        start, end = self._span(node)
        written = self._source[start:end].decode()
        rewritten = rewrite_text(written, self._path, self._is_own)
        if rewritten.renamed:
            self._renamed |= dict(rewritten.renamed)
            self._edits.append(_Edit(start, end, rewritten.text))

    def _command(self, node: ast.List | ast.Tuple) -> None:
        """`[sys.executable, "-m", "local"]`."""
        for before, after in zip(node.elts, node.elts[1:], strict=False):
            match before, after:
                case ast.Constant(value="-m"), ast.Constant(value=str() as name) if name in ROOTS:
                    start, end = self._span(after)
                    new = modules()[name]
                    written = self._source[start:end].decode()
                    self._replace(start, end, written, written.replace(name, new), (f"-m {name}", f"-m {new}"))
                case ast.Constant(value="-m"), ast.Constant(value=str() as name) if name in COMMANDS:
                    start, end = self._span(after)
                    new = f'"groundplan", "{COMMANDS[name]}"'
                    written = self._source[start:end].decode()
                    self._replace(start, end, written, new, (f"-m {name}", f"-m groundplan {COMMANDS[name]}"))

    def _methods(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(attr=name) as method, args=[], keywords=[]) if name in METHODS:
                    end = self._span(method)[1]
                    self._replace(end - len(name), end, name, METHODS[name], (f".{name}()", f".{METHODS[name]}()"))

    def _program(self, tree: ast.Module) -> None:
        """Lines that were added to `declare` name its variables, which are called differently now."""
        for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
            names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
            bound = _bound(function)
            for node in names:
                new = PROGRAM_NAMES.get(node.id)
                if new in bound and node.id not in bound:
                    assert new is not None
                    self._replace(*self._span(node), node.id, new)

    def _replace(self, start: int, end: int, old: str, new: str, shown: tuple[str, str] | None = None) -> None:
        """Only what stands there literally: before Python 3.12 nodes in f-strings say other places."""
        if self._source[start:end] != old.encode() or old == new:
            return
        before, after = shown or (old, new)
        self._renamed[before] = after
        self._edits.append(_Edit(start, end, new))

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        return self._lines[line - 1] + column


def _documents(tree: ast.Module) -> Iterator[int]:
    """Docstrings and other strings that stand alone: prose."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)


def _bound(tree: ast.AST) -> set[str]:
    """Names of variables and parameters anywhere: what is also one of these is no package."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    return names | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def _outermost(tree: ast.AST) -> Iterator[ast.expr]:
    """Names, each with all that follows it by dots."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Attribute | ast.Name) and _dotted(child) is not None:
            yield child
        else:
            yield from _outermost(child)


def _dotted(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=last):
            before = _dotted(value)
            return None if before is None else f"{before}.{last}"
    return None
