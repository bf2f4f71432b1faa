"""Wrong versions of the reference definitions that the test cells must catch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One mistake: in the source of `definition`, `old` (found once) becomes `new`.

    An empty `old` replaces the whole definition. `listed` says which documented mistake it is.
    """

    definition: str
    id: str
    listed: str
    old: str
    new: str
