"""What `workbook release` gives students beside the notebook: the results of public examples.

Of each definition: what the reference makes of the public examples, and what its wrong versions
make of them, so that `check` can say at the student's desk what grading would say. No code of the
reference, no hidden test and nothing that these compute is in it.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from autograder.course.assignment import Assignment, headings
from autograder.course.catalogue import Catalogue
from autograder.course.public_examples import Example, read_examples, source_of
from autograder.errors import CourseError
from autograder.reference.answer_key import AnswerKey
from autograder.release.mistakes import slip
from autograder.verdict.evidence import decode
from autograder.verdict.versions import Swap, version_of

SCHEMA = 1
AT_ONCE = 64
SEED = 0  # what `observe` takes where no grading run has set another


class ObservedVersions(Protocol):
    """Wrong versions of a reference, run where a piece of source observes them."""

    @property
    def catalogue(self) -> Catalogue:
        """The misconceptions that versions are made of."""

    def evidence(self, source: str, swaps: Sequence[Swap]) -> dict[Swap, list[bytes]]:
        """What the source observes of each version; those that cannot be made are left out."""


def public_answers(key: AnswerKey, examples: str) -> dict[str, Any]:
    """The results of an assignment's public examples, of which `examples` is the TOML.

    Raises: CourseError, when they cannot be used or the reference fails one.
    """
    wrong = replace(key.wrong, seed=SEED, kept=None, _taken={}, _ended=set(), _drawn={})
    return answers_of_examples(key.assignment, wrong, examples)


def answers_of_examples(
    assignment: Assignment,
    wrong: ObservedVersions,
    examples: str,
    only: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The same from versions that are run on `SEED`, wherever they are run, of all or some.

    Raises: CourseError, when the examples cannot be used or the reference fails one.
    """
    definitions = [name.removeprefix("test-") for name in assignment.tests]
    read = read_examples(examples, definitions)
    answers = {
        name: _answers(assignment, wrong, name, [e for e in read if e.definition == name])
        for name in (definitions if only is None else only)
        if any(example.definition == name for example in read)
    }
    named = {id for each in answers.values() for id in each["versions"]}
    return {
        "schema": SCHEMA,
        "title": assignment.notebook.metadata.get("workbook", {}).get("title", assignment.name),
        "headings": headings(assignment.notebook.cells),
        "misconceptions": [
            asdict(each) for each in wrong.catalogue.misconceptions if each.id in named
        ],
        "definitions": answers,
    }


def _answers(
    assignment: Assignment, wrong: ObservedVersions, name: str, examples: Sequence[Example]
) -> dict[str, Any]:
    """What the reference and its wrong versions make of one definition's examples."""
    test, source = f"test-{name}", source_of(examples)
    forbidden = assignment.forbidden(assignment.tests[test])
    right = wrong.evidence(source, [()])[()]
    for record in version_of(test, right, right, forbidden).fails:
        raise CourseError(f"the reference of {name} fails the public example {record!r}")
    for each in map(decode, right):
        if said := slip(each):
            raise CourseError(f"the public example {each.name!r} of {name}: {said}")
    # Those of what it uses are left out: they are seen, and blamed, at their own definition.
    swaps: list[Swap] = [(each.id,) for each in wrong.catalogue.of(name)]
    records: dict[str, int] = {}  # many versions give the same wrong result
    versions: dict[str, list[int]] = {}
    for start in range(0, len(swaps), AT_ONCE):
        found = wrong.evidence(source, swaps[start : start + AT_ONCE])
        for (id,), evidence in found.items():
            fails = version_of(test, right, evidence, forbidden).fails
            failing = [_text(_slim(each)) for each in evidence if decode(each).name in fails]
            if failing:
                versions[id] = [records.setdefault(text, len(records)) for text in failing]
    return {
        "examples": [asdict(example) for example in examples],
        "forbidden": forbidden,
        "expected": [_text(_slim(record)) for record in right],
        "records": list(records),
        "versions": versions,
    }


def _slim(record: bytes) -> bytes:
    """The record without the list of library calls, which nobody compares and takes most room."""
    (length,) = struct.unpack("<Q", record[:8])
    header = json.loads(record[8 : 8 + length])
    inside = {**json.loads(header["__metadata__"]["record"]), "calls": []}
    inside.pop("seconds", None)  # nobody's, and never the same
    header["__metadata__"]["record"] = json.dumps(inside, separators=(",", ":"))
    slim = json.dumps(header, separators=(",", ":")).encode()
    slim += b" " * (-len(slim) % 8)  # as safetensors aligns what follows
    return struct.pack("<Q", len(slim)) + slim + record[8 + length :]


def _text(record: bytes) -> str:
    return base64.b64encode(record).decode("ascii")
