"""Diagnoses wrong versions of the reference in this process."""

from __future__ import annotations

from autograder.authoring.wrong import named_in
from autograder.course.catalogue import Catalogue
from autograder.kernel.versions import defined
from autograder.verdict.verdict import CellResult
from tests import harness


def catalogue(assignment: str) -> Catalogue:
    """The table beside the assignment's module of `solutions/`."""
    return harness.authored(assignment).catalogue


def diagnosed(assignment: str, source: str, only: str | None = None) -> dict[str, CellResult]:
    """The diagnosed verdicts on a module's source, on all test cells or one."""
    here = harness.process(assignment)
    return here.diagnosed(source, here.run(defined(source), only))


def names(result: CellResult) -> list[str]:
    """The ids of the misconceptions that a verdict names, in the order of its checks."""
    return list(named_in(result))
