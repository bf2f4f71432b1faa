"""Which definitions a notebook's code makes, and which of each other they use.

Read from the source, never run. Cells that are no Python (magics, half-written code) say nothing.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable


def parsed(sources: Iterable[str]) -> list[ast.stmt]:
    """The statements at the top of all cells that are Python, in order."""
    found: list[ast.stmt] = []
    for source in sources:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a student's doubtful escapes
                found += ast.parse(source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return found


def uses(sources: Iterable[str]) -> dict[str, frozenset[str]]:
    """For each name that is made at the top, the names that it uses, directly or through others."""
    direct: dict[str, set[str]] = {}
    for statement in parsed(sources):
        read = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        for name in made(statement):
            direct.setdefault(name, set()).update(read - {name})
    return {name: frozenset(_reached(name, direct)) for name in direct}


def made(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top binds."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return [statement.name]
    return [
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]


def _reached(name: str, direct: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    todo = [name]
    while todo:
        for used in direct.get(todo.pop(), set()) - reached:
            reached.add(used)
            todo.append(used)
    return reached - {name}
