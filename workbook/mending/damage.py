"""What happened to a notebook: what, where, what it would cost, and what mending does."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from autograder.course.assignment import grade_id_of, is_solution, is_test
from autograder.submission.rebuild import plain
from workbook.mending.cells import is_stray, restored, restored_whole
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
            "none, the grader reads over it; but nbgrader's Validate cannot.",
            "leaves it out.",
        )


def of_the_cells(student: Ownership) -> list[Damage]:
    """What ails the cells, in the order of what it would cost."""
    found = [
        *_gone(student),
        *_twice(student),
        _changed(student),
        _another_type(student),
        _moved(student),
        _metadata(student),
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
    gone = [i for i in range(len(book)) if i not in student.positions and i not in elsewhere]
    lost = [i for i in gone if is_solution(book[i])]
    yield _finding(
        "A cell that you write is gone",
        [str(grade_id_of(book[i])) for i in lost],
        "its points, as there is nothing to grade.",
        "puts the cell back as it was released; no text of yours was found that belongs there.",
    )
    yield _finding(
        "Cells of the book are gone",
        [str(book[i].id) for i in gone if i not in lost],
        "none, the grader has its own copy; but you do not see what is tested or explained.",
        "puts them back.",
    )


def _twice(student: Ownership) -> Iterator[Damage | None]:
    """Cells that stand more than once, whole or in halves."""
    several = {i: found for i, found in student.positions.items() if len(found) > 1}
    labels = {
        i: f"{grade_id_of(student.book.cells[i])} (cells {' and '.join(str(p + 1) for p in found)})"
        for i, found in several.items()
    }
    code = {index: (name, cell) for index, name, cell in student.solutions() if index in several}
    left_over = {i for i, (name, cell) in code.items() if student.code(i, name, cell)[1]}
    yield _finding(
        "A cell that you write is there more than once, with different texts",
        [label for i, label in labels.items() if i in left_over],
        "perhaps its points: all of it counts, and the last definition is in force.",
        "takes the last definition; keeps the other text below it as a note.",
    )
    rest = [i for i in several if i not in left_over]
    yield _finding(
        "A cell that you write is there twice or in pieces",
        [labels[i] for i in rest if is_solution(student.book.cells[i])],
        "none if the pieces together are what you meant; one half alone does not run.",
        "makes one cell of them.",
    )
    yield _finding(
        "A cell of the book is there twice or in pieces",
        [labels[i] for i in rest if not is_solution(student.book.cells[i])],
        "none, the grader has its own copy.",
        "leaves one.",
    )


def _changed(student: Ownership) -> Damage | None:
    """Edits where one is not to write."""
    where = []
    for index, found in student.positions.items():
        book = student.book.cells[index]
        if grade_id_of(book) and not is_solution(book) and len(found) == 1:
            text = student.cells[found[0]]["source"]
            if plain(text) != plain(book.source):
                kind = "test cell" if is_test(book) else "locked cell"
                where.append(f"{grade_id_of(book)} ({kind}, cell {found[0] + 1})")
    return _finding(
        "A cell that is not yours was changed",
        where,
        "none, the grader has its own copy; but what you see here is not what is tested.",
        "restores it; what you wrote there stays in a cell or a note of your own below it.",
    )


def _another_type(student: Ownership) -> Damage | None:
    where = []
    for index, found in student.positions.items():
        wanted = student.book.cells[index].cell_type
        for position in found:
            is_type = student.cells[position]["cell_type"]
            if is_type != wanted:
                where.append(f"{_label(student, index, position)} is {is_type}, not {wanted}")
    return _finding(
        "A cell has another type",
        where,
        "none, the grader takes the text; but here it is not run as it should be.",
        "gives the type back.",
    )


def _moved(student: Ownership) -> Damage | None:
    where = [
        _label(student, index, found[0])
        for index, found in sorted(student.positions.items())
        if len(found) == 1 and found[0] not in student.in_order
    ]
    return _finding(
        "A cell stands in another place than in the book",
        where,
        "none, the grader has the book's order; but here the notebook may fail from the top.",
        "moves it back.",
    )


def _metadata(student: Ownership) -> Damage | None:
    """What nbgrader and our tools know a cell by."""
    raw = student.content["cells"]
    where = []
    for position, index in enumerate(student.places):
        theirs = raw[position].get("metadata")
        if index is None:
            if is_stray(raw[position]):
                where.append(f"cell {position + 1}, your own")
        elif restored(theirs, student.book.cells[index].metadata) != theirs:
            where.append(_label(student, index, position))
    whole = student.content.get("metadata")
    if restored_whole(whole, student.book.metadata) != whole:
        where.append("the notebook itself")
    return _finding(
        "What nbgrader knows a cell by (its metadata or tags) is lost or changed",
        where,
        "none, the grader has its own copy; but Validate in JupyterLab may say something else.",
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


def _label(student: Ownership, index: int, position: int) -> str:
    cell = student.book.cells[index]
    return f"{grade_id_of(cell) or cell.id} (cell {position + 1})"


def _finding(what: str, where: Iterable[str], cost: str, mending: str) -> Damage | None:
    places = tuple(where)
    return Damage(what, places, cost, mending) if places else None
