"""What is graded is said: each hidden observation stands on a promise that an example shows.

`[promise.DEFINITION]` in the file of the public examples has a row for each observation: `on` what
it stands, a house rule by its id or words of the notebook, the examples by which it is `shown`, and
what a failure `tells` (`autograder.course.telling`).
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from autograder.authoring.authored import Authored
from autograder.course.assignment import RUBRIC, hidden_code, is_solution, without_hidden
from autograder.course.telling import house_rules

LISTS = "on", "shown"
FIELDS = {*LISTS, "tells"}


def observations(source: str) -> list[str]:
    """The names of the observations in a test cell's hidden part, in order."""
    calls = (
        item.context_expr
        for node in ast.walk(ast.parse(hidden_code(source)))
        if isinstance(node, ast.With)
        for item in node.items
    )
    return [
        str(call.args[0].value)
        for call in calls
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "observe"
        and isinstance(call.args[0], ast.Constant)
    ]


def unpromised(authored: Authored) -> Iterator[str]:
    """A sentence for each observation that nothing promises or nothing shows.

    An author may leave the whole table out; a table has a row for every observation.
    """
    content = tomllib.loads(authored.examples)
    table: Mapping[str, Mapping[str, Any]] = content.get("promise", {})
    if not table:
        return
    text = visible(authored)
    for test, cell in authored.assignment.tests.items():
        definition = test.removeprefix("test-")
        rows, names = table.get(definition, {}), observations(cell.source)
        examples = content.get("example", {}).get(definition, {})
        yield from _odd(definition, rows)
        for name in names:
            row = rows.get(name, {})
            if _no_lists(row):
                continue
            for part in LISTS:
                if not row.get(part):
                    yield f"{test}, {name!r}: [promise.{definition}] has no row that says {part}"
            for rule in row.get("on", ()):
                words = house_rules().get(rule, rule)
                if plain(words) not in text:
                    yield f"{test}, {name!r} stands on {words!r}, which students read nowhere"
            for example in row.get("shown", ()):
                if example not in examples:
                    yield f"{test}, {name!r} is shown by {example!r}, which is no example"
        for name in set(rows) - set(names):
            yield f"[promise.{definition}] has {name!r}, which the hidden tests do not observe"


def _odd(definition: str, rows: Mapping[str, Any]) -> Iterator[str]:
    """What rows of promises hold that nobody reads, or that is no list."""
    for name, row in rows.items():
        called = f"[promise.{definition}] {name!r}"
        if strange := sorted(set(row) - FIELDS):
            yield f"{called} has {', '.join(strange)}; its fields are on, shown and perhaps tells"
        for part in _no_lists(row):
            yield f"{called} has {part} = {row[part]!r}; a list is expected: [{row[part]!r}]"


def _no_lists(row: Mapping[str, Any]) -> list[str]:
    return [part for part in LISTS if not isinstance(row.get(part, []), list)]


def visible(authored: Authored) -> str:
    """What students read of a notebook, in one line: its text, docstrings and visible tests."""
    parts = []
    for cell in authored.assignment.notebook.cells:
        if cell.cell_type == "code" and is_solution(cell):
            tree = ast.parse(cell.source)
            kinds = (ast.FunctionDef, ast.ClassDef)
            parts += [
                f"{ast.get_docstring(node) or ''} "
                for node in ast.walk(tree)
                if isinstance(node, kinds)
            ]
        elif not is_solution(cell):
            parts.append(without_hidden(RUBRIC.sub("", cell.source)))
    return plain(" ".join(parts))


def plain(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())
