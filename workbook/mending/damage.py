"""What happened to a notebook: what, where, what it would cost, and what mending does."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from autograder.course.assignment import grade_id_of, is_solution, is_test
from autograder.submission.cells import plain
from workbook.mending.conflict import sides
from workbook.mending.opened import Opened
from workbook.mending.ownership import Ownership

SHOWN = 6  # of the places of one finding


@dataclass(frozen=True)
class Damage:
    """One kind of damage; an empty `mending` means that only the student can do something."""

    what: str
    where: tuple[str, ...]
    cost: str
    mending: str

    def __str__(self) -> str:
        more = len(self.where) - SHOWN
        where = ", ".join(self.where[:SHOWN]) + (f" and {more} more" if more > 0 else "")
        lines = [f"{self.what}: {where}" if where else self.what, f"  Cost: {self.cost}"]
        return "\n".join([*lines, f"  Mending: {self.mending}"] if self.mending else lines)


def of_the_file(opened: Opened) -> Iterator[Damage]:
    """What ails the file, whatever its cells are."""
    right = opened.right_path
    if opened.path.name != right.name:
        cost = "it would not be handed in, as nbgrader looks for that name only."
        if right.exists():
            cost += f" {right.name} is here as well: keep the one that is yours under that name."
        yield Damage(
            f"The file is not called {right.name}",
            (opened.path.name,),
            cost,
            "" if right.exists() else "gives it that name.",
        )
    if opened.sides:
        yield Damage(
            "Git left a merge conflict in the file, and JupyterLab cannot open it",
            (),
            "all of it; nobody can grade it.",
            "takes the side above each =======, or the one below where that is no notebook; keeps "
            "both as files. In a merge yours is above; in a rebase or after a stash, below.",
        )
    if opened.raw.startswith(BOM_UTF8):
        yield Damage(
            "The file begins with a byte order mark, and JupyterLab cannot open it",
            (),
            "you cannot open it, nor can nbgrader's Validate; the grader reads over it.",
            "leaves it out.",
        )


def of_the_cells(student: Ownership) -> list[Damage]:
    """What ails the cells, in the order of what it would cost."""
    found = [
        *_gone(student),
        _twice(student),
        _changed(student),
        _renamed(student),
        _conflict(student),
    ]
    return [finding for finding in found if finding is not None]


def _gone(student: Ownership) -> Iterator[Damage | None]:
    """Cells that are not there, and solutions that stand elsewhere."""
    book = student.book.cells
    elsewhere = {
        index: [f"{grade_id_of(book[index])} (cell {p + 1})" for p in sorted(parts)]
        for index, parts in student.put_back.items()
    }
    yield _finding(
        "A solution stands in another cell, and its own is gone or not written",
        [where for places in elsewhere.values() for where in places],
        "perhaps its points; a cell that is not written undoes a definition above it.",
        "puts it into its own cell.",
    )
    lost = [
        cell
        for index, cell in enumerate(book)
        if is_solution(cell) and index not in student.positions and index not in elsewhere
    ]
    yield _finding(
        "A cell that you write is gone",
        [str(grade_id_of(cell)) for cell in lost],
        "its points, as there is nothing to grade.",
        "puts the cell back as it was released; no text of yours was found that belongs there.",
    )


def _twice(student: Ownership) -> Damage | None:
    """Cells that the student writes and that stand more than once, whole or in halves."""
    book = student.book.cells
    return _finding(
        "A cell that you write is there more than once or in pieces",
        [
            f"{grade_id_of(book[index])} (cells {' and '.join(str(p + 1) for p in found)})"
            for index, found in student.positions.items()
            if len(found) > 1 and is_solution(book[index])
        ],
        "perhaps its points: all of it counts, and the last definition is in force.",
        "makes one cell of it; what another text undoes is kept below it as a note.",
    )


def _changed(student: Ownership) -> Damage | None:
    """Edits in given code, with which something else is tested here than in the grader."""
    where = []
    for index, found in student.positions.items():
        book = student.book.cells[index]
        if grade_id_of(book) and book.cell_type == "code" and not is_solution(book):
            kind = "test cell" if is_test(book) else "locked cell"
            where += [
                f"{grade_id_of(book)} ({kind}, cell {position + 1})"
                for position in found
                if plain(student.cells[position]["source"]) != plain(book.source)
            ]
    return _finding(
        "A cell that is not yours was changed",
        where,
        "perhaps points: what passes here is not what the grader tests.",
        "restores it; what you wrote there stays in a cell or a note of your own below it.",
    )


def _renamed(student: Ownership) -> Damage | None:
    """Cells that nbgrader would not know any more."""
    book = student.book.cells
    return _finding(
        "The name by which nbgrader knows a cell (its grade_id) is lost or changed",
        [
            f"{grade_id_of(book[index])} (cell {position + 1})"
            for index, (position, *pieces) in sorted(student.positions.items())
            if not pieces
            and (is_solution(book[index]) or is_test(book[index]))
            and student.cells[position]["grade_id"] != grade_id_of(book[index])
        ],
        "perhaps its points: Validate and nbgrader's own grading do not know the cell.",
        "restores it.",
    )


def _conflict(student: Ownership) -> Damage | None:
    """What a merge leaves in a cell, where the program that merged knows notebooks."""
    return _finding(
        "Lines of a merge conflict stand in a cell: keep the text that is right, and delete the "
        "lines that begin with <<<<<<<, ======= and >>>>>>>",
        [
            f"cell {position + 1}"
            for position, cell in enumerate(student.cells)
            if cell["cell_type"] == "code" and sides(cell["source"].encode())
        ],
        "its points, as it is no Python.",
        "",
    )


def _finding(what: str, where: Iterable[str], cost: str, mending: str) -> Damage | None:
    places = tuple(where)
    return Damage(what, places, cost, mending) if places else None
