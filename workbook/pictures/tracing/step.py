"""One step of the way: what goes on from it, and what was found wrong in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from workbook.pictures.tracing.mistakes import Mistake, named
from workbook.pictures.tracing.written import CallResult, tensor, wrong

Matrices = tuple[Tensor, ...]
LIKELY = "Likely cause: "


@dataclass
class Fault:
    """What is wrong with one function, and the columns or matrices that show it."""

    name: str
    said: str
    where: list[str]

    def __str__(self) -> str:
        where = ", ".join(filter(None, self.where))
        return f"{self.name}{f' ({where})' if where else ''}: {self.said}"


@dataclass
class TracedStep:
    """One step: the student's functions in it, matrices side by side, what torch gets for them."""

    key: str
    functions: list[str] = field(default_factory=list)
    shown: Matrices = ()
    right: Matrices = ()
    faults: list[Fault] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Whether something that goes on from here is not what torch gets."""
        return any(wrong(right, shown) for shown, right in zip(self.shown, self.right, strict=True))

    def fault(self, name: str, said: str, where: str = "") -> None:
        """Note what is wrong with a function; the same fault in two columns is one."""
        for each in self.faults:
            if each.name == name and _cause(each.said) == _cause(said):
                each.where.append(where)
                return
        self.faults.append(Fault(name, said, [where]))

    def note(self, name: str, outcome: CallResult, where: str = "") -> None:
        """Say why a call gave no result, if it gave none."""
        if outcome.missing is None and name not in self.functions:
            self.functions.append(name)
        elif outcome.missing == "raised":
            self.fault(name, f"it stopped with {outcome.said}", where)
        elif outcome.missing == "to do":
            remark = f"{name} is still to do."
            if remark not in self.remarks:
                self.remarks.append(remark)


class Steps(dict[str, TracedStep]):
    """The steps by their keys; a result is blamed on the step in which it goes wrong."""

    def take(
        self,
        key: str,
        name: str,
        outcome: CallResult,
        local: Tensor,
        right: Tensor,
        candidates: Sequence[Mistake],
        where: str = "",
    ) -> Tensor | None:
        """What goes on from a call, if it fits: the result, wrong or not.

        A result is at fault unless it is what torch makes of the same inputs, `local`, or of the
        sentence, `right`.
        """
        step = self[key]
        step.note(name, outcome, where)
        if outcome.missing:
            return None
        found = tensor(outcome.value)
        said = wrong(local, outcome.value)
        if said and wrong(right, outcome.value):
            likely = named(found, candidates) if found is not None else None
            blamed = self[likely.step] if likely else step
            because = f". {LIKELY}{likely.said(name)}" if likely else ""
            blamed.fault(name, f"{said}{because}.", where)
            if list(self).index(blamed.key) > list(self).index(key):
                # It was right so far, and only stands in another one's place.
                return None
        if found is None or found.shape != right.shape or found.dtype != right.dtype:
            return None
        return found


def _cause(said: str) -> str:
    """The likely cause, if there is one: the numbers before it differ between columns."""
    return said.split(LIKELY)[-1]
