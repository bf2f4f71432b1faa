"""What `workbook release` recorded of public examples, as judge and diagnosis read it."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from autograder.course.catalogue import Catalogue, Misconception
from autograder.course.public_examples import Example
from autograder.verdict.agreement import agree
from autograder.verdict.evidence import Record, decode
from autograder.verdict.verdict import Drawing
from autograder.verdict.versions import Swap, Version, part_of
from workbook import material


@dataclass(frozen=True, eq=False)
class Answers:
    """The public examples of one notebook's definitions, and what versions of them give."""

    name: str
    data: Mapping[str, Any]
    _records: dict[tuple[str, int], Record] = field(default_factory=dict)

    @property
    def definitions(self) -> list[str]:
        """The definitions that have public examples, in order."""
        return list(self.data["definitions"])

    def examples(self, definition: str) -> list[Example]:
        """The examples of a definition, in order."""
        return [Example(**each) for each in self.data["definitions"][definition]["examples"]]

    def expected(self, definition: str) -> list[bytes]:
        """What the reference gives, one record an example."""
        return _bytes(self.data["definitions"][definition]["expected"])

    def forbidden(self, definition: str) -> list[str]:
        """Parts of the names of library functions that the definition must not call."""
        return list(self.data["definitions"][definition]["forbidden"])

    def heading(self, cell: str) -> str:
        """The heading in the notebook that a cell stands under."""
        return str(self.data["headings"].get(cell, ""))

    @cached_property
    def catalogue(self) -> Catalogue:
        """The misconceptions that public examples can show; nothing of the reference's code."""
        entries = tuple(Misconception(**each) for each in self.data["misconceptions"])
        return Catalogue(misconceptions=entries)

    def seconds(self, test: str) -> Mapping[str, float]:
        """None: all that is known of versions is at hand."""
        return {}

    def failing(self, test: str) -> Mapping[Swap, frozenset[str]]:
        """Nothing, as looking at a version costs nothing."""
        return {}

    def versions(
        self, test: str, swaps: Sequence[Swap], checks: Collection[str] | None = None
    ) -> Mapping[Swap, Version]:
        """What was recorded of these versions; two misconceptions together are not."""
        definition = test.removeprefix("test-")
        recorded = self.data["definitions"][definition]["versions"]
        found: dict[Swap, Version] = {}
        for swap in swaps:
            if len(swap) == 1 and swap[0] in recorded:
                each = [self._record(definition, number) for number in recorded[swap[0]]]
                records = {record.name: record for record in each}
                found[swap] = part_of(Version(frozenset(records), records), checks)
        return found

    def _record(self, definition: str, number: int) -> Record:
        known = self._records
        if (definition, number) not in known:
            text = self.data["definitions"][definition]["records"][number]
            known[definition, number] = decode(base64.b64decode(text))
        return known[definition, number]

    def like(self, one: Misconception) -> list[Misconception]:
        """Others of the same definition that give the same results on every example."""
        test = f"test-{one.definition}"
        every = {**self.versions(test, [(each.id,) for each in self.catalogue.of(one.definition)])}
        right = {each.name: each for each in map(decode, self.expected(one.definition))}
        wrong = every.pop((one.id,))
        same = [id for (id,), each in every.items() if alike(wrong, each, right)]
        return [self.catalogue.by_id[id] for id in same]

    def pictures(self, swap: Swap) -> Sequence[Drawing]:
        """None: the examples show their numbers themselves."""
        return ()


def _bytes(texts: Sequence[str]) -> list[bytes]:
    return [base64.b64decode(text) for text in texts]


@cache
def every() -> tuple[Answers, ...]:
    """The answers of all notebooks, in order."""
    return tuple(Answers(name, material.answers(name)) for name in material.names())


def alike(one: Version, other: Version, right: Mapping[str, Record]) -> bool:
    """Whether two versions give the same evidence wherever one of them is wrong."""
    return one.fails == other.fails and all(
        agree(one.records[name], other.records[name], right[name]) for name in one.fails
    )
