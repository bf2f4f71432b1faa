"""A proof: what was shown for one notebook, and the digest of everything that it depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from autograder.authoring.depends import parts_of
from autograder.authoring.findings import Findings
from autograder.course.assignment import Assignment
from autograder.course.course import Course
from autograder.course.tried import Failing, path_of

SCHEMA = 2  # raised when a proof asks more than before


@dataclass(frozen=True)
class Proof:
    """The content of `release/proofs/NAME.json` but for its seal.

    `depends_on` holds a digest of each part of what was proved, `counts` what was shown of it and
    `failing` which checks each misconception fails.
    """

    notebook: str
    seeds: int
    counts: Mapping[str, int]
    depends_on: Mapping[str, str]
    failing: Failing = field(default_factory=dict)
    schema: int = SCHEMA

    def of(self, found: Findings) -> Proof:
        """The same proof with what was found."""
        counts = dict(sorted(found.counts.items()))
        return replace(self, counts=counts, failing=found.failing)

    @property
    def seal(self) -> str:
        """The digest of the content: an edited proof does not bear its own."""
        content = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def begun(course: Course, assignment: Assignment, seeds: int) -> Proof:
    """A proof of an assignment as it is now, of which nothing is counted yet."""
    return Proof(assignment.name, seeds, {}, parts_of(course, assignment))


def write(course: Course, proof: Proof) -> Path:
    """Write a proof with its seal."""
    path = path_of(course, proof.notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {**asdict(proof), "seal": proof.seal}
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> Proof | None:
    """The proof in a file; None where it is not one that was written here, or was edited."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        seal = content.pop("seal")
        proof = Proof(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return proof if proof.seal == seal else None


def out_of_date(course: Course, assignment: Assignment) -> str:
    """Why the proof of an assignment does not count, with what to run; empty where it does."""
    path = path_of(course, assignment.name)
    mend = f"run: workbook prove {assignment.name}"
    if not path.is_file():
        return f"{path} is not there; {mend}"
    proof = read(path)
    if proof is None or proof.notebook != assignment.name:
        return f"{path} was edited: a proof is written by proving; {mend}"
    if proof.schema != SCHEMA:
        return f"{path} is of a time when less was proved; {mend}"
    now = parts_of(course, assignment)
    changed = [
        part for part in {**now, **proof.depends_on} if now.get(part) != proof.depends_on.get(part)
    ]
    if changed:
        return f"{path} is stale, as it is of another {' and '.join(changed)}; {mend}"
    return ""
