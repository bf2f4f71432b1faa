"""What one's own definitions make of the public examples, judged and diagnosed as in grading."""

from __future__ import annotations

import contextlib
import io
import signal
import threading
import traceback
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any

from autograder.course.catalogue import Misconception
from autograder.course.public_examples import NAMES, Example
from autograder.kernel.marks import compiled
from autograder.observe import collecting, observe
from autograder.observe._writes import KEEPING
from autograder.reading.names import reached
from autograder.verdict.diagnose import Case, diagnose
from autograder.verdict.evidence import Record, decode
from autograder.verdict.judge import Circumstances, judge
from autograder.verdict.verdict import CellResult, Check
from workbook.answering.answers import Answers
from workbook.stub import is_library, stub

SECONDS = 5  # for one example; the reference takes milliseconds
ASLEEP_SECONDS = 30  # for one that does not work but sleeps, or waits for a busy machine
SLOW = f"did not end within {SECONDS} seconds"
NOT_TRIED = "not tried, because an earlier one did not end"


@dataclass(frozen=True)
class Tried:
    """One public example: the verdict, what came out and what should have.

    `error` is the exception's own text where one that was not asked for ended it.
    """

    example: Example
    check: Check
    expected: Record
    found: Record | None
    error: str = ""


@dataclass(frozen=True)
class Verdict:
    """The verdict on a definition of the notebook whose `answers` it was compared with.

    `causes` are the likely misconceptions and `others` those that the examples cannot tell from
    them; `earlier` are definitions in use that do not pass; `unwritten` is the stub that was met.
    """

    answers: Answers
    definition: str
    tried: tuple[Tried, ...]
    causes: tuple[Misconception, ...] = ()
    others: tuple[Misconception, ...] = ()
    earlier: tuple[str, ...] = ()
    unwritten: str = ""

    @property
    def passed(self) -> bool:
        """Whether every example came out right."""
        return all(each.check.passed for each in self.tried)


class _TookTooLong(BaseException):
    """No student's `except Exception` catches it."""


def verdict(answers: Answers, definition: str, namespace: Mapping[str, Any]) -> Verdict:
    """The verdict on a definition in `namespace`.

    What it uses is looked at as well, so that a mistake is blamed where it is made.
    """
    defined = [name for name in answers.definitions if name in namespace]
    used = {name: _used(namespace[name], set(defined) - {name}) for name in defined}
    runs = {
        name: _Run(answers, name, {each: namespace[each] for each in defined})
        for name in defined
        if name == definition or name in reached(definition, used)
    }
    case = Case(
        results={run.test: run.result for run in runs.values()},
        reference={run.test: answers.expected(name) for name, run in runs.items()},
        found={run.test: run.records for run in runs.values()},
        forbidden={run.test: answers.forbidden(name) for name, run in runs.items()},
        student_uses={name: reached(name, used) for name in runs},
        reference_uses={},  # a mistake in what it uses is looked for there, not here
    )
    own = runs[definition]
    result = diagnose(case, answers)[own.test]
    named = {each.id: each for check in result.checks for each in check.because}
    causes = tuple(each for each in named.values() if each.definition == definition)
    return Verdict(
        answers,
        definition,
        own.tried(result),
        causes,
        tuple(answers.like(causes[0]) if len(causes) == 1 else ()),
        tuple(dict.fromkeys((*result.follows_from, *result.mend_first))),
        own.unwritten(),
    )


class _Run:
    """A definition's examples, run once."""

    def __init__(self, answers: Answers, name: str, definitions: Mapping[str, Any]) -> None:
        self.name, self.test = name, f"test-{name}"
        self._examples = answers.examples(name)
        self._expected = answers.expected(name)
        self._errors: dict[str, BaseException] = {}
        slow = ""
        with collecting() as self.records, _quiet():
            for example in self._examples:
                try:
                    self._try(example, definitions)
                except _TookTooLong:
                    slow = NOT_TRIED
                    break
        self.result = judge(
            self.test,
            1.0,
            self._expected,
            self.records,
            answers.forbidden(name),
            Circumstances(reason=slow),
        )

    def _try(self, example: Example, definitions: Mapping[str, Any]) -> None:
        errors = self._errors

        class Noting(observe):
            def __exit__(
                self,
                kind: type[BaseException] | None,
                error: BaseException | None,
                trace: TracebackType | None,
            ) -> bool:
                if error is not None:
                    errors[self.name] = error
                return super().__exit__(kind, error, trace) and kind is not _TookTooLong

        names = {**_names(), **definitions, **KEEPING, "observe": Noting}
        with _at_most(SECONDS):
            exec(compiled(example.source, f"<{example.name}>"), names)

    def tried(self, result: CellResult) -> tuple[Tried, ...]:
        """The examples with their verdicts, in order."""
        found = {record.name: record for record in map(decode, self.records)}
        each = zip(self._examples, result.checks, map(decode, self._expected), strict=True)
        return tuple(
            Tried(example, check, expected, found.get(example.name), self._said(example, expected))
            for example, check, expected in each
        )

    def _said(self, example: Example, expected: Record) -> str:
        """The exception that nobody asked for, in its own words."""
        error = self._errors.get(example.name)
        if isinstance(error, _TookTooLong):
            return SLOW
        if error is None or expected.raised is not None:
            return ""
        lines = [each.line for each in traceback.extract_tb(error.__traceback__) if _is_own(each)]
        where = f", in the line: {lines[-1]}" if lines else ""
        text = str(error).strip().splitlines()
        return f"raises {type(error).__name__}{': ' + text[0] if text else ''}{where}"

    def unwritten(self) -> str:
        """The definition whose stub was met; empty where none was, or something passes."""
        if any(check.passed for check in self.result.checks):
            return ""
        return next(filter(None, map(stub, self._errors.values())), "")


@cache
def _names() -> dict[str, Any]:
    """What an example may use besides the definitions."""
    names: dict[str, Any] = {}
    exec(NAMES, names)
    return names


def _is_own(frame: traceback.FrameSummary) -> bool:
    """Whether a line is the student's, not a library's and not the example's."""
    return bool(frame.line) and not is_library(frame.filename) and frame.name != "<module>"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the student's code prints, and warns of, away from the table."""
    nowhere = io.StringIO()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        yield


@contextlib.contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """End the block after so many seconds of this process's work, where the platform can."""
    if not hasattr(signal, "SIGPROF") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise _TookTooLong

    before = {number: signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(ASLEEP_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _used(value: Any, names: set[str]) -> frozenset[str]:
    """Which of these names the code of a function, or of a class's methods, refers to."""
    todo: list[Any] = [value]
    found: set[str] = set()
    while todo:
        each = todo.pop()
        if isinstance(each, type):
            todo += vars(each).values()
        elif isinstance(each, types.FunctionType):
            todo.append(each.__code__)
        elif isinstance(each, types.CodeType):
            found |= names & set(each.co_names)
            todo += each.co_consts
    return frozenset(found)
