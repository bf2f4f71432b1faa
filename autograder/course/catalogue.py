"""The catalogue of an assignment: wrong versions of its definitions, beside the reference.

`solutions/some_name.toml` lies beside `solutions/some_name.py`. Each wrong version is the reference
with some pieces of one definition changed, so what it computes can be run and compared. Those with
words for students are misconceptions.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from autograder.course.edits import Edits, edited
from autograder.course.wrong_rows import definition_sources, read_rows
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


@dataclass(frozen=True, slots=True)
class Form:
    """Another wrong version: `definition` with these changes.

    Test cells must catch it, and its verdict names the misconceptions `names`, or none.
    """

    id: str
    definition: str
    edits: Edits
    names: tuple[str, ...]
    listed: str = ""


@dataclass(frozen=True)
class Catalogue:
    """The misconceptions of one assignment, the common ones first, their pictures, other forms.

    `module` is the source of the reference; `edits` are what each of them changes, by id;
    `listed` are the places of misconceptions in a list of documented mistakes, by id. `telling`
    are by definition and hidden check what a failure of it tells, whatever the code looks like.
    """

    module: str = ""
    misconceptions: tuple[Misconception, ...] = ()
    pictures: tuple[Picture, ...] = ()
    edits: Mapping[str, Edits] = field(default_factory=dict)
    forms: tuple[Form, ...] = ()
    listed: Mapping[str, str] = field(default_factory=dict)
    telling: Mapping[tuple[str, str], Misconception] = field(default_factory=dict)

    @cached_property
    def named(self) -> dict[str, Misconception]:
        """All that a verdict may name, by id."""
        return self.by_id | {each.id: each for each in self.telling.values()}

    @cached_property
    def by_id(self) -> dict[str, Misconception]:
        """The misconceptions by id, in order."""
        return {each.id: each for each in self.misconceptions}

    @cached_property
    def uses(self) -> dict[str, frozenset[str]]:
        """Which definitions of the reference use which."""
        return uses([self.module])

    @cached_property
    def wrong_versions(self) -> tuple[Form, ...]:
        """Every wrong version, each misconception as a form of itself."""
        own = (
            Form(id, each.definition, self.edits[id], (id,), self.listed.get(id, ""))
            for id, each in self.by_id.items()
        )
        return (*own, *self.forms)

    def of(self, definition: str) -> list[Misconception]:
        """Those of one definition, the common ones first."""
        return [each for each in self.misconceptions if each.definition == definition]

    def swapped(self, ids: Iterable[str]) -> str | None:
        """The reference with these misconceptions in it; None where two change the same piece."""
        changes: dict[str, Edits] = {}
        for each in ids:
            definition = self.by_id[each].definition
            changes[definition] = (*changes.get(definition, ()), *self.edits[each])
        whole = self.module
        for definition, edits in changes.items():
            body = definition_sources(self.module)[definition]
            if (after := edited(body, edits)) is None:
                return None
            whole = whole.replace(body, after)
        return whole

    def changed(self, id: str) -> str:
        """The source of its definition with one misconception in it."""
        return self._changed(self.by_id[id].definition, self.edits[id])

    def source_of_form(self, form: Form) -> str:
        """The reference with this form in it."""
        body = definition_sources(self.module)[form.definition]
        return self.module.replace(body, self._changed(form.definition, form.edits))

    def check_code(self) -> None:
        """See that each wrong version defines what it is a version of; a look at each takes time.

        Raises: CourseError, naming the row.
        """
        for form in self.wrong_versions:
            called = f"the wrong version {form.id!r} of {form.definition}"
            try:
                body = ast.parse(self._changed(form.definition, form.edits)).body
            except SyntaxError as error:
                line = (error.text or "").strip()
                raise CourseError(f"{called} is not Python: {error.msg}, in {line!r}") from error
            if form.definition not in (getattr(node, "name", None) for node in body):
                raise CourseError(f"{called} does not define {form.definition}")

    def _changed(self, definition: str, edits: Edits) -> str:
        return edited(definition_sources(self.module).get(definition, ""), edits) or ""


def read_catalogue(text: str, module: str, cells: Sequence[Mapping[str, Any]]) -> Catalogue:
    """Read a table of wrong versions of the definitions of `module`, for a notebook of these cells.

    Raises: CourseError, naming the entry that cannot be used and why.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"the table of wrong versions is not TOML: {error}") from error
    if strange := sorted(set(content) - {"wrong", "picture"}):
        raise CourseError(f"it has {strange}; [wrong.DEFINITION] and [[picture]] are expected")
    rows = list(read_rows(content.get("wrong", {}), module, cells))
    entries = [row for row in rows if row.words]
    catalogue = Catalogue(
        module,
        tuple(
            Misconception(
                row.id,
                row.definition,
                row.words.name,
                row.words.effect,
                row.words.hint,
                row.explained,
            )
            for row in rows
            if row.words
        ),
        tuple(_picture(entry) for entry in content.get("picture", [])),
        {row.id: row.edits for row in entries},
        tuple(
            Form(row.id, row.definition, row.edits, row.names, row.listed)
            for row in rows
            if not row.words
        ),
        {row.id: row.listed for row in entries if row.listed},
    )
    if len(catalogue.by_id) < len(entries):
        twice = next(row for row in entries if catalogue.by_id[row.id].definition != row.definition)
        other = catalogue.by_id[twice.id].definition
        raise CourseError(
            f"two misconceptions have the same id {twice.id!r}, of {twice.definition} and of "
            f"{other}"
        )
    for form in catalogue.forms:
        if strange := sorted(set(form.names) - set(catalogue.by_id)):
            raise CourseError(
                f"the wrong version {form.id!r} of {form.definition} is a form of {strange}, "
                "which is no misconception: no row of that id has words (says or of)"
            )
    return catalogue


def _picture(entry: Mapping[str, str]) -> Picture:
    try:
        return Picture(**entry)
    except TypeError as error:
        raise CourseError(
            f"the picture {entry.get('caption', '(without caption)')!r} has other fields than "
            f"definition, caption, code and perhaps rows and columns: {error}"
        ) from error
