"""How the definitions of a notebook stand, from what became of its cells; and the list to print."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbook.checking.cell_result import Outcome

WIDTH = 79
COLUMN = 15  # where the names begin

# A definition stands as the first of these that its own cell or its test came to.
GRAVEST_FIRST = (Outcome.FAILED, Outcome.TO_DO, Outcome.WAITS, Outcome.NOT_RUN)
# What a cell of the book or of the student's own comes to while another definition is unfinished.
FOLLOWS = (Outcome.TO_DO, Outcome.WAITS, Outcome.NOT_RUN)
NOT_WRONG = (Outcome.PASSED, Outcome.NOT_RUN)


@dataclass(frozen=True)
class Entry:
    """One entry of the list: a definition, or else a cell that did not pass.

    `note` says which cell of the student's own has to do with the name, in the words of grading;
    where it `has_examples`, `check` and `hint` know it.
    """

    name: str
    outcome: Outcome
    message: str
    is_definition: bool = True
    note: str = ""
    has_examples: bool = True


def is_passed(entries: Sequence[Entry]) -> bool:
    """Whether nothing is left to do."""
    return all(entry.outcome == Outcome.PASSED for entry in entries)


def standing(cells: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """The definitions in order, each followed by the cells around it that did not pass.

    Each cell has its `kind`, the definition that it is `about` and those that it `uses`, its
    `outcome` and `message`, how it is `described`, and a `note`, empty without one; that of a
    solution says whether it `has_examples`.
    """
    entries: dict[str, Entry] = {}
    for cell in cells:
        if cell["kind"] in ("solution", "test"):
            here = Entry(cell["about"], Outcome(cell["outcome"]), cell["message"])
            before = entries.get(here.name, here)
            entries[here.name] = min(before, here, key=lambda entry: _gravity(entry.outcome))
    is_finished = is_passed(list(entries.values()))
    for cell in cells:
        outcome = Outcome(cell["outcome"])
        if cell["kind"] in ("solution", "test") or outcome == Outcome.PASSED:
            continue
        if outcome in FOLLOWS and not is_finished:
            continue
        about = entries.get(cell["about"])
        if cell["kind"] == "book" and about is not None:
            # With a wrong definition in it, a cell of the book says nothing of the others. One that
            # was not run, because Python ended in this very cell, is not known to be wrong.
            if all(entries[name].outcome in NOT_WRONG for name in [about.name, *cell["uses"]]):
                message = f"{cell['described']}: {cell['message']}"
                entries[about.name] = Entry(about.name, outcome, message)
        else:
            entries[cell["described"]] = Entry(
                cell["described"], outcome, cell["message"], is_definition=False
            )
    notes = {cell["about"]: cell["note"] for cell in cells if cell["note"]}
    without = {cell["about"] for cell in cells if not cell.get("has_examples", True)}
    return [
        replace(each, note=notes.get(each.name, ""), has_examples=each.name not in without)
        for each in entries.values()
    ]


def _gravity(outcome: Outcome) -> int:
    return GRAVEST_FIRST.index(outcome) if outcome in GRAVEST_FIRST else len(GRAVEST_FIRST)


def as_text(title: str, entries: Sequence[Entry]) -> str:
    """The list under a title, and a sentence on what to do next."""
    lines = [title]
    for entry in entries:
        lines.append(f"  {_word(entry.outcome):{COLUMN - 2}}{entry.name}")
        if entry.outcome not in (Outcome.PASSED, Outcome.TO_DO):
            lines += _indented(entry.message)
        lines += _indented(entry.note)
    return "\n".join([*lines, "", *textwrap.wrap(_next(entries), WIDTH), ""])


def _word(outcome: Outcome) -> str:
    return Outcome.FAILED if outcome == Outcome.DIFFERS else outcome


def _indented(message: str) -> list[str]:
    indent = " " * (COLUMN + 2)
    return [
        part
        for line in message.splitlines()
        for part in textwrap.wrap(
            line,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]


def _next(entries: Sequence[Entry]) -> str:
    definitions = [entry for entry in entries if entry.is_definition]
    passed = sum(entry.outcome == Outcome.PASSED for entry in definitions)
    if is_passed(entries):
        return (
            f"All {passed} passed: the tests that you see, and what the book's cells print. "
            "Grading tries other inputs as well; written answers are read by a person."
        )
    so_far = f"{passed} of {len(definitions)} passed."
    first = next(entry for entry in entries if entry.outcome != Outcome.PASSED)
    failed = next((e for e in entries if e.outcome in (Outcome.FAILED, Outcome.DIFFERS)), None)
    if failed is None and first.note:
        return f"{so_far} Next: see what is said of {first.name}, and run this again."
    if failed is None:
        return f"{so_far} Next: write {first.name}, and run this again."
    if not failed.is_definition:
        return f"{so_far} Next: mend {failed.name}, or delete it; then run this again."
    if not failed.has_examples:
        return f"{so_far} Next: look at {failed.name}; then run this again."
    return (
        f"{so_far} Next: look at {failed.name}. In the notebook, "
        f'check("{failed.name}") shows more, and hint("{failed.name}") gives a hint. '
        "Then run this again."
    )
