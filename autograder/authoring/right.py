"""Whether right work earns everything, in every style and on every seed, and no work nothing."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from autograder.authoring.authored import ORACLE, Authored
from autograder.authoring.findings import Findings
from autograder.authoring.in_process import InProcess
from autograder.course.assignment import DEMO, is_test
from autograder.errors import CourseError
from autograder.kernel.versions import defined
from autograder.observe import collecting
from autograder.reading.from_scratch import messages
from autograder.release.solution_module import bound
from autograder.verdict.verdict import CellResult

ITSELF = "the notebook's own cells"
IDLE = "a function that returns nothing"


def right_work(process: InProcess, styles: Iterable[str] | None = None) -> Findings:
    """The reference once more, the notebook's own cells and the styles, all on one seed."""
    authored = process.authored
    chosen = authored.styles if styles is None else {s: authored.styles[s] for s in styles}
    sources = {"the reference": "", **{f"the style {name}": s for name, s in chosen.items()}}
    failures = []
    for name, source in sources.items():
        definitions = with_style(authored, name, source)
        borrowed = name.startswith(f"the style {ORACLE}")
        found = process.judged(process.run(definitions), borrowed=borrowed)
        failures += _lost(name, process.seed, found.values())
    try:
        own = process.judged(process.run(_of_the_notebook(authored)))
    except Exception as error:
        failures.append(f"{ITSELF} stop: {type(error).__name__}: {error}")
    else:
        failures += _lost(ITSELF, process.seed, own.values())
    return Findings(Counter(), tuple(failures))


def with_style(authored: Authored, called: str, source: str) -> dict[str, Any]:
    """The definitions of the reference, and those of a style in place of theirs.

    Raises: CourseError, when the style does not run, or defines nothing that is asked for.
    """
    try:
        definitions = defined(*authored.provided, authored.module, source)
        written = {name for node in ast.parse(source).body for name in bound(node)}
    except Exception as error:
        raise CourseError(f"{called} stops: {type(error).__name__}: {error}") from error
    if source and not written & set(authored.solution_cells):
        names = ", ".join(authored.solution_cells)
        raise CourseError(f"{called} defines none of what the notebook asks for: {names}")
    return definitions


def _lost(name: str, seed: int, results: Iterable[CellResult]) -> list[str]:
    return [
        f"{name} loses points on seed {seed}: {result.grade_id}, {check.name}: {check.message}"
        for result in results
        for check in result.checks
        if not check.passed
    ]


def _of_the_notebook(authored: Authored) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in authored.assignment.notebook.cells:
        shown = DEMO in cell.metadata.get("tags", [])
        if cell.cell_type == "code" and not is_test(cell) and not shown:
            exec(compile(cell.source, f"<{cell.id}>", "exec"), names)
    return names


def no_work(process: InProcess) -> Findings:
    """Stubs: one that raises what nbgrader's does, one that always refuses, one that does nothing.

    What refuses names every argument there is.
    """
    authored = process.authored
    hidden = "\n".join(cell.source for cell in authored.assignment.tests.values())
    arguments = {n.arg for n in ast.walk(ast.parse(authored.module)) if isinstance(n, ast.arg)}
    every = " ".join(sorted(arguments | set(re.findall(r"naming=[\"'](\w+)", hidden))))
    stubs: Mapping[str, Callable[..., None]] = {
        "a stub": _raising(NotImplementedError()),
        "a function that always refuses": _raising(ValueError(every)),
        IDLE: lambda *arguments, **options: None,
    }
    failures = [
        f"{name} earns {result.score:g} of {result.max_score:g} points in {result.grade_id}: "
        + ", ".join(check.name for check in result.checks if check.passed)
        + "; record there what is returned, too" * (name == IDLE)
        for name, stub in stubs.items()
        for result in process.judged(
            process.run(dict.fromkeys(authored.solution_cells, stub))
        ).values()
        if result.score
    ]
    return Findings(Counter(), tuple(failures))


def _raising(error: Exception) -> Callable[..., None]:
    def stub(*arguments: object, **options: object) -> None:
        raise error

    return stub


def nobody_accused(authored: Authored) -> Findings:
    """Neither the reference nor a style is said to take what is to be built."""
    forbidden = {test.removeprefix("test-"): parts for test, parts in authored.forbidden.items()}
    failures = [
        f"{name} is said to take what is to be built: {definition} {message}"
        for name, source in {"the reference": authored.module, **authored.own_styles}.items()
        for definition, message in messages([source], forbidden, ["solutions"]).items()
    ]
    return Findings(Counter(styles=len(authored.styles)), tuple(failures))


def runs_through(authored: Authored) -> Findings:
    """Every cell runs from the top, pictures and visible tests too, without a word on stderr."""
    os.environ["MPLBACKEND"] = "agg"
    names: dict[str, Any] = {"__name__": "__main__"}
    said = io.StringIO()
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(said),
        collecting(),
    ):
        warnings.simplefilter("ignore")
        for cell in authored.assignment.notebook.cells:
            if cell.cell_type == "code":
                try:
                    exec(compile(cell.source, f"<{cell.id}>", "exec"), names)
                except Exception as error:
                    sentence = f"the cell {cell.id!r} stops: {type(error).__name__}: {error}"
                    return Findings(Counter(), (sentence,))
    words = said.getvalue().strip()
    return Findings(Counter(), (f"the cells write to stderr: {words[:200]}",) if words else ())


def smoke(process: InProcess) -> Findings:
    """In seconds: the reference and one style earn everything, a stub nothing."""
    styles = list(process.authored.own_styles)[:1]
    right = right_work(process, styles)
    return Findings(Counter(), (*right.failures, *no_work(process).failures))
