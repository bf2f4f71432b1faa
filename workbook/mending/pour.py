"""Pours the student's text into a fresh copy of the released notebook; loses nothing of it.

What the grader would not take stays as a note or as a cell of the student's own.
"""

from __future__ import annotations

import nbformat
from nbformat import NotebookNode

from autograder.course.assignment import grade_id_of, is_solution
from autograder.submission.cells import plain
from workbook.mending.cells import beside, book_cell, note, own_cell
from workbook.mending.ownership import Ownership

Kept = list[tuple[int, NotebookNode]]  # by the positions at which the student had them


def poured(student: Ownership) -> NotebookNode:
    """The mended notebook, in which nothing is left to mend."""
    notebook = _once(student)
    # What is left of a cell that two solutions stood in may itself be in pieces, or not written.
    for _ in student.book.cells:
        again = _once(Ownership(student.name, notebook))
        if again == notebook:
            break
        notebook = again
    return notebook


def _once(student: Ownership) -> NotebookNode:
    book = student.book
    raw = student.content["cells"]
    filled = []
    kept: dict[int, Kept] = {}
    for index, cell in enumerate(book.cells):
        text, kept[index] = _filled(student, index)
        parts = [*student.positions.get(index, []), *student.put_back.get(index, {})]
        sources = [(student.cells[position]["source"], raw[position]) for position in parts]
        filled.append(book_cell(cell, text, sources))
    gone = {position for parts in student.put_back.values() for position in parts}
    for position, text in student.rest.items():
        if plain(text) or position not in gone:
            theirs = student.cells[position]
            own = own_cell(raw[position], theirs["cell_type"], theirs["source"], text)
            kept.setdefault(student.slot(position), []).append((position, own))
    return _bound(book, student, filled, kept)


def _bound(
    book: NotebookNode, student: Ownership, filled: list[NotebookNode], kept: dict[int, Kept]
) -> NotebookNode:
    """The book's cells, each followed by what is kept there, as a notebook."""
    cells: list[NotebookNode] = []
    taken = {cell.id for cell in book.cells}
    for index in range(-1, len(filled)):
        cells += filled[index : index + 1] if index >= 0 else []
        for position, cell in sorted(kept.get(index, []), key=lambda each: each[0]):
            count = 0
            while cell.id in taken:
                cell.id = f"own-{position}" + f"-{count}" * (count > 0)
                count += 1
            taken.add(cell.id)
            cells.append(cell)
    notebook: NotebookNode = nbformat.from_dict(
        {
            "cells": cells,
            "metadata": book.metadata,
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )
    return notebook


def _filled(student: Ownership, index: int) -> tuple[str, Kept]:
    """The text of one of the book's cells, and what of the student's is kept beside it."""
    book = student.book.cells[index]
    name = grade_id_of(book)
    found = student.positions.get(index, [])
    texts = {position: student.cells[position]["source"] for position in found}
    if not is_solution(book):
        # What nobody grades, everybody may change.
        wanted = book.source if name else next(iter(texts.values()), book.source)
        return wanted, [
            (position, beside(book, text))
            for position, text in texts.items()
            if text != wanted and not all_in(text, book.source)
        ]
    if book.cell_type == "code":
        text, left_over = student.code(index, str(name), book)
        return text, [(position, note(name, piece)) for position, piece in left_over.items()]
    texts |= student.put_back.get(index, {})
    written = [text for text in texts.values() if plain(text) not in ("", plain(book.source))]
    return "\n\n".join(reversed(dict.fromkeys(reversed(written)))) or book.source, []


def all_in(text: str, book: str) -> bool:
    """Whether a changed copy of one of the book's cells holds no line of the student's."""
    lines = {line.strip() for line in book.splitlines()} | {""}
    return all(line.strip() in lines for line in text.splitlines())
