"""What became of one checked cell, in words for the student."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_LINES = 3  # of a difference
MAX_WIDTH = 400  # characters of one line or message: somebody may print a whole tensor

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
FRAME = re.compile(
    r"^Cell In\[\d+\], line (?P<line>\d+)(?:, in (?P<name>[\w.]+)\(.*)?\n"
    r"(?:(?!Cell In|File ).*\n)*?-+> \d+ (?P<code>.*)",
    re.M,
)
WRONG_LINE = re.compile(r"Cell In\[\d+\], line (\d+)\n(.*)")


class Outcome(StrEnum):
    """How a cell ended, and how a definition stands."""

    PASSED = "passed"
    WAITS = "waits"  # what it needs is still to do
    TO_DO = "still to do"
    DIFFERS = "differs"  # it prints something else than the book
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class CellOutcome:
    """The outcome of one cell and the sentences about it, if it did not pass."""

    outcome: Outcome
    message: str = ""


def of_error(error: Mapping[str, Any], about: str | None, to_do: Sequence[str]) -> CellOutcome:
    """The result of a cell that ended with an exception, as Jupyter describes it.

    `about` is the definition that the cell belongs to, `to_do` are those left as released.
    """
    traceback = COLOURS.sub("", "\n".join(error["traceback"]))
    name, said = str(error["ename"]), str(error["evalue"]).strip()
    if name == "NotImplementedError":
        raised_in = {_function(frame["name"]) for frame in FRAME.finditer(traceback)}
        others = [other for other in to_do if other in raised_in and other != about]
        if others and about not in to_do:
            return CellOutcome(Outcome.WAITS, f"it uses {others[-1]}, which is still to do")
        return CellOutcome(Outcome.TO_DO, said)
    if name == "AssertionError" and said:
        return CellOutcome(Outcome.FAILED, _short(said))
    if issubclass(_builtin(name), SyntaxError):
        said = re.sub(r" \([^()]*, line \d+\)$", "", said)
        place = WRONG_LINE.search(traceback)
        where = f", in line {place[1]} of the cell: {place[2].strip()}" if place else ""
        return CellOutcome(Outcome.FAILED, _short(f"{name}: {said}{where}"))
    if name == "NameError" and about and f"'{about}'" in said:
        gone = f"{about} is not defined: its cell is gone, or does not run to its end"
        return CellOutcome(Outcome.FAILED, gone)
    what = f"{name}: {said}" if said else name
    return CellOutcome(Outcome.FAILED, _short(what) + _place(traceback))


def of_difference(book: Sequence[Mapping[str, Any]], yours: Sequence[Mapping[str, Any]]) -> str:
    """What the book printed and a student's run did not, as far as a reader can use it."""
    expected, found = _lines(book), _lines(yours)
    rest = iter(found)
    if all(line in rest for line in expected):
        extra = [line for line in found if line not in expected] or found
        return "\n".join(
            [
                "it prints more than the book does. Is a print left in your code?",
                *_listed("yours also has ", extra),
            ]
        )
    pairs = [
        (expected[i] if i < len(expected) else None, found[i] if i < len(found) else None)
        for i in range(max(len(expected), len(found)))
    ]
    wrong = [pair for pair in pairs if pair[0] != pair[1]]
    return "\n".join(
        [
            "it prints something else than the book does:",
            *_listed("the book has   ", [a for a, _ in wrong if a is not None]),
            *_listed("yours printed  ", [b for _, b in wrong if b is not None]),
        ]
    )


def _lines(outputs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines that nbval compares: printed ones first, then those of shown objects."""
    printed = [output["text"] for output in outputs if output.get("name") == "stdout"]
    shown = [
        output["data"]["text/plain"] for output in outputs if "text/plain" in output.get("data", {})
    ]
    return [line.rstrip() for text in ("".join(printed), *shown) for line in text.splitlines()]


def _listed(label: str, lines: Sequence[str]) -> list[str]:
    shown = [_short(line) for line in lines[:MAX_LINES]] or ["(nothing)"]
    if len(lines) > MAX_LINES:
        shown.append(f"... and {len(lines) - MAX_LINES} more")
    return [f"{'' if i else label:{len(label)}}| {line}" for i, line in enumerate(shown)]


def _place(traceback: str) -> str:
    """Where in the notebook's code it happened: the innermost line that is not a library's."""
    frames = list(FRAME.finditer(traceback))
    if not frames:
        return ""
    last = frames[-1]
    inside = f" of {_function(last['name'])}" if last["name"] else " of the cell"
    return f"\nIt happened in line {last['line']}{inside}: {_short(last['code'].strip())}"


def _function(qualified: str | None) -> str:
    """`A` of `A.method`, `f` of `f`."""
    return (qualified or "").split(".")[0]


def _builtin(name: str) -> type:
    import builtins

    found = getattr(builtins, name, None)
    return found if isinstance(found, type) else object


def _short(text: str) -> str:
    return text if len(text) <= MAX_WIDTH else f"{text[:MAX_WIDTH]} ..."
