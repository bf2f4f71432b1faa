"""What assignments are judged by: answer keys, and the keys of ordinary ones, which need no run."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from autograder.course.assignment import Assignment
from autograder.course.course import Course
from autograder.errors import CourseError, WorkersKilledError
from autograder.grading.dispatch import dispatch
from autograder.grading.grade import Key
from autograder.grading.workers import Workers
from autograder.ordinary.key import ordinary_key
from autograder.ordinary.rule import is_ordinary
from autograder.reference.answer_key import AnswerKey, answer_key, reference_evidence
from autograder.reference.fingerprint import fingerprint
from autograder.reference.kept_versions import kept_versions
from autograder.reference.key_cache import Evidence, KeyCache
from autograder.reference.package import Package, package_of


@dataclass(frozen=True)
class Seeds:
    """Which seed a run takes: the one that is `given`, a `fresh` one, or that of the last run."""

    given: int | None = None
    fresh: bool = False


def answer_keys(
    course: Course,
    assignments: Sequence[Assignment],
    workers: Workers,
    seeds: Seeds,
    faults: dict[str, str] | None = None,
) -> dict[str, Key]:
    """The key of each assignment; its reference runs where none is kept for its content.

    Raises: CourseError, when a reference does not run and no `faults` take the reason, by name;
    SandboxUnavailableError.
    """
    cache = KeyCache(course.root, course.is_shared)
    keys: dict[str, Key] = {}
    missing: list[tuple[Assignment, Package, str, int]] = []
    for assignment in dict.fromkeys(assignments):
        with _kept_for(assignment, faults):
            if is_ordinary(course, assignment):
                keys[assignment.name] = ordinary_key(assignment, course.config)
                continue
            package = package_of(course, assignment)
            content = fingerprint(course, assignment, package)
            kept = None if seeds.fresh else cache.find(content, seeds.given)
            if kept is None:
                seed = secrets.randbelow(2**31) if seeds.given is None else seeds.given
                assert assignment.notebook  # read here: where the reference runs, source/ is not
                missing.append((assignment, package, content, seed))
            else:
                keys[assignment.name] = _key(course, assignment, content, *kept, package)

    def call(task: tuple[Assignment, Package, str, int]) -> tuple[Any, ...]:
        assignment, package, _, seed = task
        return reference_evidence, assignment, package.modules, seed

    for (assignment, package, content, seed), future in dispatch(missing, call, workers):
        with _kept_for(assignment, faults):
            if isinstance(future.exception(), WorkersKilledError):
                raise CourseError(f"running the reference of {assignment.name} ended two workers")
            evidence = future.result()
            cache.keep(content, seed, evidence)
            keys[assignment.name] = _key(course, assignment, content, seed, evidence, package)
    return keys


def _key(
    course: Course,
    assignment: Assignment,
    content: str,
    seed: int,
    evidence: Evidence,
    package: Package,
) -> AnswerKey:
    kept = kept_versions(course.root, assignment.name, content, seed, course.is_shared)
    return answer_key(assignment, course.config, seed, evidence, package, kept)


@contextmanager
def _kept_for(assignment: Assignment, faults: dict[str, str] | None) -> Iterator[None]:
    """Note what is wrong with one assignment, where it should stop no other."""
    try:
        yield
    except CourseError as error:
        if faults is None:
            raise
        faults[assignment.name] = str(error)
