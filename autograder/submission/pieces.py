"""Python text in pieces: what belongs together, what undoes what, what defines a name.

Read from the source, never run.
"""

from __future__ import annotations

import ast
import functools
import re
import warnings
from collections.abc import Callable, Collection, Sequence

from autograder.reading.names import made
from autograder.submission.cells import plain

MAGIC = re.compile(r"^(\s*)[%!].*$", re.M)  # lines that only IPython understands


def statements(text: str) -> list[ast.stmt] | None:
    """The statements at the top of a cell, or None where it is no Python."""
    for readable in dict.fromkeys((text, MAGIC.sub(r"\1pass", text))):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a student's doubtful escapes
                return ast.parse(readable).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


@functools.lru_cache(maxsize=4096)  # the book's cells are asked for once for each student
def defines(text: str) -> frozenset[str]:
    """The names that a cell makes at its top."""
    return frozenset(name for statement in statements(text) or [] for name in _made(statement))


def _made(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.split(".")[0] for alias in statement.names]
    return made(statement)


def belong_together(first: str, second: str) -> bool:
    """Whether two cells were one: at least one is no Python, and both together are."""
    if statements(first) is not None and statements(second) is not None:
        return False
    return statements(f"{first}\n{second}") is not None


def one_cell(name: str, pieces: Sequence[str], untouched: str) -> tuple[str, list[str]]:
    """The text that a solution cell gets from its pieces, and the pieces that are left over.

    As when the notebook is run, the last definition is in force. A piece is left over when it is
    no Python, or when all that it makes is made again below.
    """
    whole: list[str] = []
    for piece in pieces:
        if whole and belong_together(whole[-1], piece):
            whole[-1] += f"\n{piece}"
        elif plain(piece):
            whole.append(piece)
    written = [piece for piece in whole if plain(piece) != plain(untouched)]
    whole = list(reversed(dict.fromkeys(reversed(written))))
    good = [piece for piece in whole if statements(piece) is not None]
    if len(whole) > 1 and not any(name in defines(piece) for piece in good):
        return "\n\n".join(whole), []
    if not good:
        return "".join(whole), []
    taken = []
    for position, piece in enumerate(good):
        below = {made for later in good[position + 1 :] for made in defines(later)}
        if not (defines(piece) and defines(piece) <= below):
            taken.append(piece)
    return "\n\n".join(taken), [piece for piece in whole if piece not in taken]


def split_off(text: str, names: Collection[str]) -> tuple[dict[str, str], str]:
    """The parts of a cell that define these names, and the rest of it.

    A cell that defines only one of them is that part as a whole, with its helpers.
    """
    found = defines(text) & set(names)
    if not found:
        return {}, text
    if len(found) == 1:
        return dict.fromkeys(found, text), ""
    return _cut(text, lambda each: next((made for made in _made(each) if made in found), None))


def split_off_added(text: str, names: Collection[str], book: str) -> tuple[dict[str, str], str]:
    """The same of one of the book's cells: of what was added, definitions and imports go along."""
    given = {ast.dump(statement) for statement in statements(book) or []}
    kinds = ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
    added = [
        each
        for each in statements(text) or []
        if isinstance(each, kinds) and ast.dump(each) not in given
    ]
    found = [made for each in added for made in _made(each) if made in names]
    if not found:
        return {}, text
    of = {
        each.lineno: next((made for made in _made(each) if made in found), found[0])
        for each in added
    }
    return _cut(text, lambda each: of.get(each.lineno))


def _cut(text: str, of: Callable[[ast.stmt], str | None]) -> tuple[dict[str, str], str]:
    """The statements at the top by what they are `of`, with the comments above them; the rest."""
    lines = text.splitlines()
    parts: dict[str, list[str]] = {}
    rest: list[str] = []
    begin = 0
    for statement in statements(text) or []:
        end = statement.end_lineno or statement.lineno
        name = of(statement)
        (rest if name is None else parts.setdefault(name, [])).extend(lines[begin:end])
        begin = max(begin, end)
    return {name: "\n".join(part) for name, part in parts.items()}, "\n".join(rest + lines[begin:])
