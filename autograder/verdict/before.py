"""What versions failed when they were last tried, beside what a submission fails now.

It says which are likely. Whether one is it, only its evidence on the inputs of today says: on these
a check may pass by chance that failed on others.
"""

from __future__ import annotations

from collections.abc import Mapping

from autograder.verdict.versions import Swap

EACH, MOST = 4, 2  # of so many failed checks one may be another by chance, of all at most these


class Before:
    """The checks that versions failed, and those that the submission fails."""

    def __init__(self, tried: Mapping[Swap, frozenset[str]], failed: frozenset[str]) -> None:
        self._tried, self._failed = tried, failed
        self._by_chance = min(MOST, len(failed) // EACH)

    def is_alike(self, swap: Swap) -> bool:
        """Whether it failed just what the submission fails."""
        return self._tried.get(swap) == self._failed

    def is_near(self, swap: Swap) -> bool:
        """Whether it did but for chance, or was never tried."""
        return len(self._of(swap) ^ self._failed) <= self._by_chance

    def may_be_more(self, swap: Swap) -> bool:
        """Whether it failed what the submission fails and one check more, but for chance."""
        fails = self._of(swap)
        lacking, more = self._failed - fails, fails - self._failed
        return len(lacking) <= self._by_chance and len(more) <= 1 + self._by_chance

    def may_be_part(self, swap: Swap) -> bool:
        """Whether it failed something, and nothing but what the submission fails."""
        fails = self._of(swap)
        return bool(fails) and fails <= self._failed

    def may_be_all(self, *swaps: Swap) -> bool:
        """Whether these together failed all that the submission fails."""
        return self._failed <= frozenset().union(*map(self._of, swaps))

    def _of(self, swap: Swap) -> frozenset[str]:
        return self._tried.get(swap, self._failed)
