"""What one process of `workbook try` does: it runs wrong versions, and says what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograder.authoring.at_the_desk import ExamplesRun
from autograder.authoring.authored import Authored
from autograder.authoring.in_process import InProcess
from autograder.authoring.tried_before import Gave
from autograder.authoring.wrong import Wrong, failed_in, named_by_table, named_in
from autograder.kernel.versions import defined


@dataclass(frozen=True)
class TriedVersion:
    """What came of one wrong version: the checks that catch it, its names, examples that show it.

    `called` are the names by rows of the table, `promise` those of promises that are broken.
    """

    wrong: Wrong
    caught_by: tuple[str, ...]
    called: tuple[str, ...]
    promise: tuple[str, ...]
    shown_by: tuple[str, ...]

    @property
    def is_a_pair(self) -> bool:
        """Whether it is several mistakes at once, whose names only `workbook prove` looks for."""
        return len(self.wrong.names) > 1

    @property
    def is_right(self) -> bool:
        """Whether it is caught and called as the table says."""
        return bool(self.caught_by) and (self.is_a_pair or self.called == self.wrong.names)


class Trial:
    """One assignment's definitions, each version run in its own test cell and in the examples.

    `process` knows what was run before.
    """

    def __init__(self, authored: Authored, process: InProcess) -> None:
        self._authored, self._process, self._shown = authored, process, ExamplesRun(authored)
        self._alone = InProcess(authored, alone=True, known=process.known)

    def reference(self, definition: str) -> Sequence[bytes]:
        """What the reference gives in the test cell of a definition."""
        test = f"test-{definition}"
        return self._process.run(defined(self._authored.module), only=test)[test]

    def gave(self, wrong: Wrong) -> Gave:
        """What a wrong version gives."""
        cell = self._process.run(defined(wrong.source), only=wrong.test)[wrong.test]
        return Gave(cell, self._shown.evidence(wrong) if wrong.is_misconception else ())

    def tried(self, given: Sequence[tuple[Wrong, Gave]]) -> list[TriedVersion]:
        """What came of versions that were run."""
        found = []
        for wrong, gave in given:
            cell = self._alone.known[wrong.test, wrong.swap]
            result = self._alone.diagnosed(wrong.source, {wrong.test: cell})[wrong.test]
            called = named_by_table(result, self._authored)
            promise = tuple(name for name in named_in(result) if name not in called)
            shown = self._shown.by(wrong, gave.examples) if gave.examples else ()
            found.append(TriedVersion(wrong, tuple(failed_in(result)), called, promise, shown))
        return found
