"""The catalogue of an assignment: named wrong versions of its definitions, beside the reference.

`solutions/some_name.toml` lies beside `solutions/some_name.py`. Each misconception is the
reference with one piece of one definition changed, so what it computes can be run and compared.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from autograder.errors import CourseError
from autograder.reading.names import uses


@dataclass(frozen=True, slots=True)
class Misconception:
    """What a student is told of one wrong idea; nothing here is code.

    `name` is one sentence, `effect` what the idea does to the numbers, `hint` how to think about
    it, and `explained` the id of the notebook's cell that explains it.
    """

    id: str
    definition: str
    name: str
    effect: str
    hint: str
    explained: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Code that sets `picture` to a matrix, made from a definition and public numbers only."""

    definition: str
    caption: str
    code: str
    rows: str = "row"
    columns: str = "column"


@dataclass(frozen=True)
class Catalogue:
    """The misconceptions of one assignment, the common ones first, and the pictures of them.

    `module` is the source of the reference; `edits` are the pieces changed, old and new, by id.
    """

    module: str = ""
    misconceptions: tuple[Misconception, ...] = ()
    pictures: tuple[Picture, ...] = ()
    edits: Mapping[str, tuple[str, str]] | None = None

    @cached_property
    def by_id(self) -> dict[str, Misconception]:
        """The misconceptions by id, in order."""
        return {each.id: each for each in self.misconceptions}

    @cached_property
    def uses(self) -> dict[str, frozenset[str]]:
        """Which definitions of the reference use which."""
        return uses([self.module])

    def of(self, definition: str) -> list[Misconception]:
        """Those of one definition, the common ones first."""
        return [each for each in self.misconceptions if each.definition == definition]

    def swapped(self, ids: Iterable[str]) -> str | None:
        """The reference with these misconceptions in it; None where two change the same piece."""
        whole = self.module
        changed: set[str] = set()
        for each in ids:
            definition = self.by_id[each].definition
            body = _definition(whole, definition)
            old, new = (self.edits or {})[each]
            # What is written anew as a whole would undo an earlier change.
            if body.count(old or body) != 1 or not (old or definition not in changed):
                return None
            changed.add(definition)
            whole = whole.replace(body, body.replace(old or body, new))
        return whole


FIELDS = {"id", "definition", "name", "effect", "hint", "explained", "old", "new"}


def read_catalogue(text: str, module: str, cells: Sequence[Mapping[str, Any]]) -> Catalogue:
    """Read a catalogue of the definitions of `module`, for a notebook of these cells.

    Raises: CourseError, naming the entry that cannot be used and why.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"the catalogue of misconceptions is not TOML: {error}") from error
    entries = content.get("misconception", [])
    for entry in entries:
        _check(entry, module, cells)
    shown = ("id", "definition", "name", "effect", "hint", "explained")
    catalogue = Catalogue(
        module,
        tuple(Misconception(**{name: entry[name].strip() for name in shown}) for entry in entries),
        tuple(Picture(**entry) for entry in content.get("picture", [])),
        {entry["id"]: (entry.get("old", ""), entry["new"]) for entry in entries},
    )
    if len(catalogue.by_id) < len(entries):
        raise CourseError("two misconceptions of one catalogue have the same id")
    return catalogue


def _check(entry: Mapping[str, str], module: str, cells: Sequence[Mapping[str, Any]]) -> None:
    called = f"the misconception {entry.get('id', '(without id)')!r}"
    missing = FIELDS - {"old"} - set(entry)
    if missing or set(entry) - FIELDS:
        wrong = f"lacks {sorted(missing)}" if missing else f"has {sorted(set(entry) - FIELDS)}"
        raise CourseError(f"{called} {wrong}; its fields are {sorted(FIELDS)}")
    body = _definition(module, entry["definition"])
    if not body:
        raise CourseError(f"{called} is of {entry['definition']!r}, which the reference lacks")
    old = entry.get("old") or body
    if body.count(old) != 1:
        raise CourseError(
            f"{called} changes {old!r}, which stands {body.count(old)} times in "
            f"{entry['definition']}; it has to stand there once"
        )
    if entry["explained"] not in {cell.get("id") for cell in cells}:
        raise CourseError(f"{called} is explained in {entry['explained']!r}, which is no cell")


def _definition(module: str, name: str) -> str:
    """The source of a function or class at the top of a module; empty where there is none."""
    for node in ast.parse(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return "\n".join(module.splitlines()[node.lineno - 1 : node.end_lineno])
    return ""
