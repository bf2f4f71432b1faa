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
        for test in {each.test for each in wrong}:
            keys = {_key(each): each for each in wrong if each.test == test}
            cells = self.cells.find(test, [*keys])
            examples = self.examples.find(test, [*cells])
            for key, cell in cells.items():
                if key in examples or not keys[key].is_misconception:
                    found[keys[key].swap] = Gave(cell, examples.get(key, []))
        return found

    def keep(self, gave: Mapping[Wrong, Gave]) -> None:
        """Add what versions gave."""
        for test in {each.test for each in gave}:
            own = {_key(each): given for each, given in gave.items() if each.test == test}
            self.cells.keep(test, {key: given.cell for key, given in own.items()})
            self.examples.keep(test, {key: given.examples for key, given in own.items()})


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
