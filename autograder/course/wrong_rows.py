"""The rows of a table of wrong versions: read from TOML and checked, each for itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from autograder.course.assignment import grade_id_of, is_solution
from autograder.course.edits import Edits, edited
from autograder.course.families import Words, words_of
from autograder.errors import CourseError

# What a row says of the change, of its words, and of the words of a family.
CODE, OWN, FAMILY = (
    {"old", "new", "changes", "from"},
    {"says"},
    {"of", "argument", "name", "effect", "hint"},
)
FIELDS = CODE | OWN | FAMILY | {"is", "explained", "listed"}


@dataclass(frozen=True, slots=True)
class Row:
    """A wrong version of a definition, made by `edits` of its source.

    A misconception has `words`, and `explained` is the id of the cell that explains it; what has
    none is a form, and `names` are those that it is.
    """

    id: str
    definition: str
    edits: Edits
    words: Words | None
    explained: str
    names: tuple[str, ...]
    listed: str


def read_rows(
    table: Mapping[str, Any], module: str, cells: Sequence[Mapping[str, Any]]
) -> Iterator[Row]:
    """The rows of `[wrong.DEFINITION]` for the definitions of `module`, in order.

    Raises: CourseError, naming the row that cannot be used and why.
    """
    bodies = definition_sources(module)
    for definition, rows in table.items():
        if definition not in bodies:
            raise CourseError(f"[wrong.{definition}] is of a definition that the reference lacks")
        above: dict[str, Edits] = {}
        for id, entry in rows.items():
            called = f"the wrong version {id!r} of {definition}"
            if not isinstance(entry, dict):
                raise CourseError(f"{called} is no row of the form {{ old = '…', new = '…' }}")
            _check_fields(called, entry)
            above[id] = _edits(called, entry, bodies[definition], above)
            yield Row(
                id,
                definition,
                above[id],
                _words(called, definition, entry),
                _explained(called, definition, entry, cells),
                tuple([entry["is"]] if isinstance(entry.get("is"), str) else entry.get("is", [])),
                entry.get("listed", ""),
            )


@lru_cache(maxsize=256)
def definition_sources(module: str) -> dict[str, str]:
    """The source of each function and class at the top of a module, by name."""
    lines = module.splitlines()
    return {
        node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(module).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


def _check_fields(called: str, entry: Mapping[str, Any]) -> None:
    if unknown := set(entry) - FIELDS:
        raise CourseError(f"{called} has {sorted(unknown)}; its fields are {sorted(FIELDS)}")
    if "changes" in entry and (both := sorted({"old", "new"} & set(entry))):
        raise CourseError(
            f"{called} has changes and {' and '.join(both)} too: one change is written as old and "
            "new, several as changes = [['old', 'new'], …]"
        )
    if not {"new", "changes"} & set(entry):
        raise CourseError(
            f"{called} needs new, what its code is, alone or with old, the one piece that becomes "
            "it; or changes, a list of such pieces: [['old', 'new'], …]"
        )
    kinds = sorted({"says", "of", "is"} & set(entry))
    if len(kinds) > 1:
        raise CourseError(
            f"{called} has {' and '.join(kinds)}: it has words of its own (says), those of a "
            "family (of), or is a form of others (is)"
        )
    if "of" not in entry and (strange := sorted((FAMILY - {"of"}) & set(entry))):
        raise CourseError(f"{called} has {strange}, which goes with the words of a family: of")
    if "explained" in entry and not {"says", "of"} & set(entry):
        raise CourseError(f"{called} is explained, but has no words for students: says or of")
    for field, value in entry.items():
        if field == "changes":
            if not isinstance(value, list) or not value or not all(map(_is_piece, value)):
                raise CourseError(
                    f"{called} has changes = {value!r}; a list of pieces is expected, each as it "
                    "is and as it becomes: [['old', 'new'], …]"
                )
            continue
        many = field == "is" and isinstance(value, list)
        if not all(isinstance(each, str) for each in (value if many else [value])):
            raise CourseError(f"{called} has {field} = {value!r}; text is expected")


def _is_piece(value: object) -> bool:
    return (
        isinstance(value, list)
        and [isinstance(each, str) for each in value] == [True, True]
        and bool(value[0])
    )


def _edits(called: str, entry: Mapping[str, Any], body: str, above: Mapping[str, Edits]) -> Edits:
    """Its changes, behind those of the row that it starts from; each in what the last one left."""
    start: Edits = ()
    if "from" in entry:
        if entry["from"] not in above:
            raise CourseError(
                f"{called} starts from {entry['from']!r}, which is no row above it of the same "
                "definition"
            )
        start = above[entry["from"]]
    edits: Edits = tuple(
        (old, new) for old, new in entry.get("changes", [(entry.get("old", ""), entry.get("new"))])
    )
    if start and not edits[0][0]:
        raise CourseError(
            f"{called} starts from {entry['from']!r} and writes the whole anew, so that nothing of "
            "it is left: give the old piece that becomes new, or leave from out"
        )
    whole = edited(body, start) or ""
    for old, new in edits:
        start = (*start, (old, new))
        after = edited(body, start)
        if after is None:
            where = "the definition" if whole == body else "what the changes before it leave"
            raise CourseError(
                f"{called} changes {old!r}, which stands {whole.count(old)} times in {where}; it "
                "has to stand there once"
            )
        if after == whole:
            raise CourseError(f"{called} changes nothing")
        whole = after
    return start


def _words(called: str, definition: str, entry: Mapping[str, str]) -> Words | None:
    if "of" in entry:
        return words_of(called, definition, entry)
    if "says" not in entry:
        return None
    lines = [line.strip() for line in entry["says"].strip().splitlines()]
    if len(lines) != 3 or not all(lines):
        raise CourseError(
            f"{called} says {len(lines)} lines; three are expected: what is wrong, what it does "
            "to the numbers, and how to think about it"
        )
    return Words(*lines)


def _explained(
    called: str, definition: str, entry: Mapping[str, str], cells: Sequence[Mapping[str, Any]]
) -> str:
    """The id of the cell that explains it: the one named, or the text above the solution cell."""
    if "explained" in entry:
        wanted = entry["explained"]
        by_name = {grade_id_of(cell): cell.get("id") for cell in cells}
        if wanted in {cell.get("id") for cell in cells}:
            return wanted
        if not by_name.get(wanted):
            raise CourseError(
                f"{called} is explained in {wanted!r}, which is neither the id nor the grade_id "
                "of a cell"
            )
        return str(by_name[wanted])
    return text_above(definition, cells)


def text_above(definition: str, cells: Sequence[Mapping[str, Any]]) -> str:
    """The id of the last cell of text above a solution cell."""
    above = ""
    for cell in cells:
        if grade_id_of(cell) == definition:
            break
        if cell.get("cell_type") == "markdown" and not is_solution(cell):
            above = str(cell.get("id", ""))
    return above
