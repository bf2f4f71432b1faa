"""`check("name")`: what one's own definition makes of the public examples, in a small table."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

from autograder.errors import DeskError
from workbook.answering.answers import Answers
from workbook.answering.values import in_words
from workbook.answering.verdicts import Tried, Verdict, verdict
from workbook.answering.which import answers_for, answers_here, name_of
from workbook.guiding.pointer import in_the_guide
from workbook.result_table import Marked, Piece, Table, Words
from workbook.stub import is_library

PASSED, FAILED = "passed", "failed"
IN_FULL = 3  # failures shown with the example and both results; one is mended at a time


def check(definition: Any = None, notebook: str | None = None) -> Table:
    """Try your own definition on the public examples and say what came out.

    `definition` is its name, or itself; without one, all that this notebook asks for are tried.
    Where two notebooks ask for the same name, `notebook` says which is meant.
    """
    namespace = sys._getframe(1).f_globals
    try:
        if definition is None:
            return _overview(answers_here(namespace, notebook), namespace)
        found = tried(definition, namespace, notebook)
        return _table(found, _taken(found.definition, namespace))
    except DeskError as error:
        return Table(Marked(str(error), "strong"), (), ())


def tried(
    definition: Any, namespace: Mapping[str, Any], notebook: str | None = None, call: str = "check"
) -> Verdict:
    """The verdict on a definition, given by name or itself, as it stands in `namespace`.

    Raises: DeskError, when there is nothing to try.
    """
    name = name_of(definition)
    answers = answers_for(definition, namespace, notebook, call)
    if name not in namespace:
        raise DeskError(f"{name} is not defined yet: first run the cell in which you write it.")
    return verdict(answers, name, namespace)


def _overview(answers: Answers, namespace: Mapping[str, Any]) -> Table:
    """All definitions of a notebook that are at hand."""
    every = [verdict(answers, name, namespace) for name in answers.definitions if name in namespace]
    rows = [(Marked(each.definition, "code"), _result(each), _count(each)) for each in every]
    return Table("Your definitions so far", ("definition", "result", "checks"), rows)


def _result(found: Verdict) -> Words:
    if found.unwritten:
        return "still to do"
    return _mark(found.passed)


def _count(found: Verdict) -> str:
    return f"{sum(each.check.passed for each in found.tried)} of {len(found.tried)} pass"


def _taken(name: str, namespace: Mapping[str, Any]) -> list[Words]:
    """That a name stands for a library's function, as after a comparison, where it does."""
    value = namespace[name]
    module = sys.modules.get(str(getattr(value, "__module__", None)))
    is_builtin = isinstance(value, types.BuiltinFunctionType)
    if not is_builtin and not is_library(str(getattr(module, "__file__", ""))):
        return []
    cell = Marked(name, "code")
    said = " stands for a library's at the moment, not for what you wrote. Run the cell of "
    return [[cell, said, cell, " again, then this. Grading takes what that cell defines."]]


def _table(found: Verdict, taken: Sequence[Words]) -> Table:
    name = found.definition
    if found.unwritten == name:
        below = "Write it in its cell, in place of the line that raises. Run that cell, then this."
        return Table([Marked(name, "code"), " is still to do."], (), (), [below])
    if found.unwritten:
        uses = (Marked(name, "code"), " uses ", Marked(found.unwritten, "code"))
        return Table((*uses, ", which is still to do."), (), (), ["Write that one first."])
    failed = [each for each in found.tried if not each.check.passed]
    passed = [each for each in found.tried if each.check.passed]
    shown: list[tuple[Words, ...]] = [
        (each.check.name, _mark(False), _what_happened(each, whole=place < IN_FULL))
        for place, each in enumerate(failed)
    ]
    # Where all passed, nothing happened that needs words.
    folded = [(each.check.name, PASSED, "")[: 3 if failed else 2] for each in passed]
    columns = ("check", "result", "what happened")[: 3 if failed else 2]
    above: list[Words] = [*taken, [Marked(name, "code"), f": {_count(found)}."], *_causes(found)]
    return Table(
        "What was tried",
        columns,
        shown,
        _next(found),
        above,
        folded=folded,
        folded_under="The one that passed"
        if len(passed) == 1
        else f"The {len(passed)} that passed",
    )


def _mark(passed: bool) -> Words:
    return PASSED if passed else Marked(FAILED, "strong")


def _what_happened(tried: Tried, whole: bool) -> Words:
    """What went wrong, with the example and both results where that is asked for."""
    said = tried.error or tried.check.message.removeprefix("result: ")
    if not whole or tried.found is None:
        return said
    words: list[Piece] = [Marked(tried.example.code, "code"), "\n", said]
    yours, right = in_words(tried.found), in_words(tried.expected)
    if tried.example.naming:
        right["result"] += f" with {tried.example.naming!r} in its message"
    for name, value in right.items():
        if tried.error or yours.get(name) != value:
            of = "" if name == "result" else f" {name}"
            if not tried.error and name in yours:
                words += [f"\nyour{of or 's'}: ", Marked(yours[name], "code")]
            words += [f"\nright{of}: ", Marked(value, "code")]
    return words


def _causes(found: Verdict) -> list[Words]:
    """What the failures come from, as far as it is known."""
    lines: list[Words] = [
        [Marked("Likely cause: ", "strong"), f"{each.name} {each.effect}"] for each in found.causes
    ]
    lines += [
        [Marked("Or: ", "strong"), f"{each.name} These examples cannot tell the two apart."]
        for each in found.others
    ]
    for earlier in found.earlier:
        call = Marked(f'check("{earlier}")', "code")
        lines.append([Marked(earlier, "code"), ", which it uses, does not pass: first ", call, "."])
    return lines


def _next(found: Verdict) -> list[Words]:
    if found.passed:
        return ["Grading tries it on other inputs as well: whatever the text promises."]
    hints: Words = [Marked(f'hint("{found.definition}")', "code"), " gives hints, step by step."]
    return [hints, *in_the_guide(found.answers.name, found.definition)]
