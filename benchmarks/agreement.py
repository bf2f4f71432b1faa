"""Compares the points of both sides, test cell by test cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from benchmarks.submissions import RIGHT, WRONG, MadeWork, needed, points

Scores = Mapping[tuple[str, str, str], float | None]
DEPENDENT = "dependent"


@dataclass
class Tally:
    """Which side gave a test cell all its points."""

    both: int = 0
    neither: int = 0
    only_stock: int = 0
    only_workbook: int = 0

    @property
    def total(self) -> int:
        """How many test cells."""
        return self.both + self.neither + self.only_stock + self.only_workbook

    def add(self, workbook: bool, stock: bool) -> None:
        """Count one test cell."""
        if workbook == stock:
            self.both += workbook
            self.neither += not workbook
        else:
            self.only_workbook += workbook
            self.only_stock += stock


@dataclass
class Agreement:
    """How the test cells came out that both sides judged.

    The outcome of `known` cells is: all points where the definition is the solution, none where it
    is a stub. In `wrong` cells the definition is a documented mistake. In `dependent` ones it is
    the solution, but it or its visible tests call one that is not: stock nbgrader gives all or
    nothing there, `workbook grade` may give a part or judge the definition for itself.
    """

    known: int = 0
    agreed: int = 0
    wrong: Tally = field(default_factory=Tally)
    dependent: Tally = field(default_factory=Tally)
    disagreements: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether cells of known outcome agree and stock refuses no mistake that we accept."""
        return not self.disagreements and self.known > 0


def compared(works: Iterable[MadeWork], ours: Scores, stock: Scores) -> Agreement:
    """Compare the test cells of these submissions."""
    found = Agreement()
    for work in works:
        for name, most in points(work.assignment).items():
            key = (work.student, work.assignment, f"test-{name}")
            pair = ours.get(key), stock.get(key)
            full = [score == most for score in pair]
            state = _state(work, name)
            agreed = None not in pair
            if state == DEPENDENT:
                found.dependent.add(*full)
            elif state == WRONG:
                found.wrong.add(*full)
                agreed = agreed and full != [True, False]
            else:
                expected = most if state == RIGHT else 0.0
                agreed = pair == (expected, expected)
                found.known += 1
                found.agreed += agreed
            if not agreed:
                found.disagreements.append(
                    f"{' '.join(key)} ({state}, {most:g} points): "
                    f"workbook grade {_said(pair[0])}, stock {_said(pair[1])}"
                )
    return found


def _state(work: MadeWork, name: str) -> str:
    """How a definition stands, and where it is right, whether all that it needs is right too."""
    own = work.states[name]
    if own != RIGHT:
        return own
    needs = {work.states[other] for other in needed(work.assignment)[name]}
    return RIGHT if needs == {RIGHT} else DEPENDENT


def _said(score: float | None) -> str:
    return "nothing" if score is None else f"{score:g}"
