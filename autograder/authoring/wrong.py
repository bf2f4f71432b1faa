"""The wrong versions that an assignment's table holds, as modules, and where each can show."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.authoring.authored import Authored
from autograder.authoring.in_process import Evidence, InProcess
from autograder.course.assignment import hidden_code
from autograder.verdict.verdict import CellResult
from autograder.verdict.versions import Swap


@dataclass(frozen=True)
class Wrong:
    """A wrong version of one definition; `names` are the misconceptions that it has to be called.

    `swap` is its key among the versions that were run.
    """

    id: str
    definition: str
    names: tuple[str, ...]
    source: str
    swap: Swap

    @property
    def test(self) -> str:
        """The test cell that has to catch it."""
        return f"test-{self.definition}"

    @property
    def is_misconception(self) -> bool:
        """Whether it has words of its own."""
        return self.swap == (self.id,)


def wrong_versions(authored: Authored) -> list[Wrong]:
    """The misconceptions and the other wrong versions, in the order of the table."""
    catalogue = authored.catalogue
    named = [
        Wrong(each.id, each.definition, (each.id,), catalogue.swapped([each.id]) or "", (each.id,))
        for each in catalogue.misconceptions
    ]
    forms = [
        Wrong(
            form.id,
            form.definition,
            tuple(form.names),
            catalogue.source_of_form(form),
            ("form of", form.definition, form.id),
        )
        for form in catalogue.forms
    ]
    return [*named, *forms]


def reached_tests(authored: Authored, definition: str) -> list[str]:
    """The test cells that what a definition does can reach, its own among them, in order."""
    tests = authored.assignment.tests
    return [
        name
        for name in tests
        if definition in _read(hidden_code(tests[name].source), authored.uses)
    ]


def _read(source: str, used: dict[str, frozenset[str]]) -> set[str]:
    direct = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    return direct.union(*(used.get(name, frozenset()) for name in direct))


def found_of(process: InProcess, wrong: Wrong, tests: Sequence[str]) -> Evidence:
    """What these test cells observe of a wrong version; run where it was not yet."""
    return {test: process.keep(test, wrong.swap, wrong.source) for test in tests}


def named_in(result: CellResult) -> tuple[str, ...]:
    """The ids of the misconceptions that a verdict names, in the order of its checks."""
    return tuple(dict.fromkeys(each.id for check in result.checks for each in check.because))


def named_by_table(result: CellResult, authored: Authored) -> tuple[str, ...]:
    """Those of them that have a row; a broken promise has its name from the check that looks."""
    return tuple(name for name in named_in(result) if name in authored.catalogue.by_id)


def failed_in(result: CellResult) -> list[str]:
    """The names of the checks that failed."""
    return [check.name for check in result.checks if not check.passed]
