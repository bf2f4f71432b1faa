"""What `workbook try` ran before is kept: of a row that is as it was nothing is run again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.authoring.authored import Authored
from autograder.authoring.depends import parts_of
from autograder.authoring.wrong import Wrong
from autograder.reference.kept_versions import KeptVersions, kept_versions
from autograder.verdict.evidence import decode
from autograder.verdict.versions import Swap

# What a version gives depends on these, beside its own source.
OF_CELLS = ("notebook", "reference", "code of observing and judging", "torch")
OF_EXAMPLES = ("public examples", "reference", "code of observing and judging", "torch")
SEED = 0  # part of the file's name: `try` has one seed


@dataclass(frozen=True)
class Gave:
    """What one wrong version gives in its test cell, and in the public examples if it has words."""

    cell: Sequence[bytes]
    examples: Sequence[bytes]


@dataclass(frozen=True)
class TriedBefore:
    """What versions of one notebook gave, as long as what they depend on is the same."""

    cells: KeptVersions
    examples: KeptVersions

    def find(self, wrong: Sequence[Wrong]) -> dict[Swap, Gave]:
        """What is known of these versions, by their keys; only those of which all is known."""
        found = {}
        for each in wrong:
            key = _key(each)
            cell = self.cells.find(each.test, [key])
            examples = self.examples.find(each.test, [key]) if each.is_misconception else {key: []}
            if key in cell and key in examples:
                found[each.swap] = Gave(cell[key], examples[key])
        return found

    def keep(self, wrong: Wrong, gave: Gave) -> None:
        """Add what a version gave."""
        self.cells.keep(wrong.test, {_key(wrong): gave.cell})
        self.examples.keep(wrong.test, {_key(wrong): gave.examples})


def tried_before(authored: Authored) -> TriedBefore:
    """What was run of a notebook's versions; what belongs to another state of it goes."""
    course, name = authored.course, authored.name
    parts = parts_of(course, authored.assignment)
    cells, examples = (
        kept_versions(course.root, f"{name} {what}", _digest(parts, of), SEED, course.is_shared)
        for what, of in (("cells", OF_CELLS), ("examples", OF_EXAMPLES))
    )
    return TriedBefore(cells, examples)


def in_order(records: Sequence[bytes], like: Sequence[bytes]) -> list[bytes]:
    """The records in the order of the reference's; they are kept without one."""
    places = {decode(record).name: place for place, record in enumerate(like)}
    return sorted(records, key=lambda record: places.get(decode(record).name, len(places)))


def _key(wrong: Wrong) -> Swap:
    return (*wrong.swap, hashlib.sha256(wrong.source.encode()).hexdigest())


def _digest(parts: Mapping[str, str], of: Sequence[str]) -> str:
    return hashlib.sha256("".join(parts[each] for each in of).encode()).hexdigest()
