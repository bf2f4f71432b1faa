"""Which definitions a notebook's code makes, and which of each other they use.

Read from the source, never run. Cells that are no Python (half-written code) say nothing.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Iterable, Mapping

from autograder.reading.statements import read


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


def is_python(source: str) -> bool:
    """Whether a cell is Python as it stands, without anything of IPython's."""
    return bool(_statements(source))


def _without_magics(source: str) -> str:
    """Without what IPython runs and Python cannot read: `%magic`, `files = !ls`, `name?`."""
    lines = []
    for line in source.splitlines():
        stripped = line.lstrip()
        run = stripped.partition("=")[2].lstrip() or stripped
        magic = stripped.endswith("?") or stripped.startswith(("%", "!")) or run[:1] in ("%", "!")
        lines.append(line[: len(line) - len(stripped)] + "pass" if magic else line)
    return "\n".join(lines)


def uses(sources: Iterable[str]) -> dict[str, frozenset[str]]:
    """For each name that is made at the top, the names that it uses, directly or through others."""
    direct: dict[str, set[str]] = {}
    for statement in map(read, parsed(sources)):
        for name in statement.binds:
            direct.setdefault(name, set()).update(statement.reads - {name})
    return {name: reached(name, direct) for name in direct}


def made(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top binds, but for what it imports."""
    found = read(statement)
    return sorted(name for name in found.binds if (None, name) not in found.imports)


def reached(name: str, direct: Mapping[str, Collection[str]]) -> frozenset[str]:
    """The names that one uses, directly or through others."""
    found: set[str] = set()
    todo = [name]
    while todo:
        more = set(direct.get(todo.pop(), ())) - found
        found |= more
        todo += more
    return frozenset(found - {name})
