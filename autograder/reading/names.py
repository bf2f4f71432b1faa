"""Which definitions a notebook's code makes, and which of each other they use.

Read from the source, never run. Cells that are no Python (half-written code) say nothing.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Iterable, Mapping

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def parsed(sources: Iterable[str]) -> list[ast.stmt]:
    """The statements at the top of all cells that are Python, in order."""
    found: list[ast.stmt] = []
    for source in sources:
        found += _statements(source) or _statements(_without_magics(source))
    return found


def _statements(source: str) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a student's doubtful escapes
            return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _without_magics(source: str) -> str:
    """Without what IPython runs and Python cannot read: `%magic`, `files = !ls`, `name?`."""
    lines = []
    for line in source.splitlines():
        stripped = line.lstrip()
        run = stripped.partition("=")[2].lstrip() or stripped
        magic = stripped.endswith("?") or stripped.startswith(("%", "!")) or run[:1] in ("%", "!")
        lines.append(line[: len(line) - len(stripped)] + "pass" if magic else line)
    return "\n".join(lines)


def uses(
    sources: Iterable[str], of: Iterable[str] | None = None, without: Iterable[str] = ()
) -> dict[str, frozenset[str]]:
    """For each name that is made at the top, the names that it uses, directly or through others.

    Only for the names in `of`, where it is given: those of a student may be many, and in a chain.
    Nothing is followed through the names in `without`.
    """
    direct: dict[str, set[str]] = {}
    for statement in parsed(sources):
        read = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        if isinstance(statement, SCOPES):
            read -= local(statement)
        for name in made(statement):
            direct.setdefault(name, set()).update(read - {name})
    ends = frozenset(without)
    wanted = direct if of is None else [name for name in of if name in direct]
    return {name: reached(name, direct, ends) for name in wanted}


def made(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top binds."""
    if isinstance(statement, SCOPES):
        return [statement.name]
    inside = {node.name for node in ast.walk(statement) if isinstance(node, SCOPES)}
    return sorted(_bound(statement) | inside)


def local(scope: ast.stmt) -> set[str]:
    """The names that stand for something of its own inside a function or class."""
    return {node.arg for node in ast.walk(scope) if isinstance(node, ast.arg)} | _bound(scope)


def _bound(statement: ast.stmt) -> set[str]:
    return {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def reached(
    name: str, direct: Mapping[str, Collection[str]], ends: Collection[str] = ()
) -> frozenset[str]:
    """The names that one uses, directly or through others, but for those in `ends`."""
    found: set[str] = set()
    todo = [name]
    while todo:
        for used in set(direct.get(todo.pop(), ())) - found:
            found.add(used)
            if used not in ends:
                todo.append(used)
    return frozenset(found - {name})
