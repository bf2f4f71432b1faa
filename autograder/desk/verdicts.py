"""What one's own definitions make of the public examples, judged and diagnosed as in grading."""

from __future__ import annotations

import contextlib
import io
import signal
import threading
import types
from collections.abc import Iterator, Mapping
from typing import Any

from autograder.desk.answers import Answers
from autograder.diagnose import Case, diagnose
from autograder.judge import judge
from autograder.observe import collecting
from autograder.public_examples import NAMES, Example
from autograder.verdict import CellResult

SECONDS = 5  # for one example; the reference takes milliseconds
SLOW = f"did not end within {SECONDS} seconds"


class _TookTooLong(BaseException):
    """No student's `except Exception` catches it."""


def verdict(
    answers: Answers, definition: str, namespace: Mapping[str, Any]
) -> tuple[CellResult, list[bytes]]:
    """The verdict on a definition in `namespace`, and the evidence that it rests on.

    What it uses is looked at as well, so that a mistake is blamed where it is made.
    """
    defined = [name for name in answers.definitions if name in namespace]
    used = {name: _used(namespace[name], set(defined) - {name}) for name in defined}
    concerned = [n for n in defined if n == definition or n in _reached(definition, used)]
    results, found = {}, {}
    for name in concerned:
        test = f"test-{name}"
        found[test], slow = _evidence(answers.examples(name), namespace, defined)
        results[test] = judge(
            test, 1.0, answers.expected(name), found[test], answers.forbidden(name), slow
        )
    case = Case(
        results=results,
        reference={f"test-{name}": answers.expected(name) for name in concerned},
        found=found,
        forbidden={f"test-{name}": answers.forbidden(name) for name in concerned},
        student_uses={name: _reached(name, used) for name in concerned},
        reference_uses=answers.uses,
    )
    test = f"test-{definition}"
    return diagnose(case, answers)[test], found[test]


def _evidence(
    examples: list[Example], namespace: Mapping[str, Any], defined: list[str]
) -> tuple[list[bytes], str]:
    """One record an example, and why some may be missing."""
    names: dict[str, Any] = {}
    exec(NAMES, names)
    names |= {name: namespace[name] for name in defined}
    slow = ""
    with collecting() as records, contextlib.redirect_stdout(io.StringIO()):
        for example in examples:
            try:
                with _at_most(SECONDS):
                    exec(compile(example.source, f"<{example.name}>", "exec"), dict(names))
            except _TookTooLong:
                slow = SLOW
                break
    return records, slow


@contextlib.contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """End the block after so many seconds, where the platform can."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise _TookTooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


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


def _reached(name: str, used: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """What a definition uses, directly or through others."""
    reached: set[str] = set()
    todo = [name]
    while todo:
        new = used.get(todo.pop(), frozenset()) - reached
        reached |= new
        todo += new
    return frozenset(reached - {name})
