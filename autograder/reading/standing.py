"""What the global names of a notebook stand for where one of its test cells stands.

A graded name stands for what its solution cell defined, whatever cells of the student's own bind
it to further down: the kernel puts it back before it runs a cell of the book.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from autograder.reading.library import Library
from autograder.reading.mentions import run_texts
from autograder.reading.names import is_python, parsed
from autograder.reading.reaching import called_on, changed, is_reaching, patches
from autograder.reading.scopes import Statement
from autograder.reading.statements import read

MOST_KEPT = 4_000  # characters of a cell; read, each takes a hundred times its room
OF_PYTHON = {*dir(builtins), "__name__", "__file__", "display", "get_ipython", "In", "Out", "_"}


@dataclass(frozen=True)
class Cell:
    """A code cell of a rebuilt notebook.

    `kind` is "given" for the instructor's, "own" for the student's own, "solution" or "test"; the
    last two are of the definition `name`. `keeps` says that the solution cell defines its name,
    `has_stopped` that what stands in it may not have been run to its end.
    """

    source: str
    kind: str = "own"
    name: str = ""
    keeps: bool = False
    has_stopped: bool = False

    @cached_property
    def statements(self) -> list[Statement]:
        """Its statements, read once; an instructor's once for all submissions."""
        is_kept = self.kind == "given" and len(self.source) <= MOST_KEPT
        return list((_given if is_kept else _statements)(self.source))


def _statements(source: str) -> tuple[Statement, ...]:
    return tuple(map(read, parsed([source])))


_given = lru_cache(maxsize=64)(_statements)


@dataclass
class GlobalNames:
    """The global names where a test cell stands.

    `statements` may have bound each name, `origin` are their cells, `patches` change a library,
    `stars` are the modules of which all is imported; `is_blind` says that names may have been bound
    unseen.
    """

    statements: dict[str, list[Statement]] = field(default_factory=dict)
    origin: dict[Statement, Cell] = field(default_factory=dict)
    patches: list[Statement] = field(default_factory=list)
    stars: list[str] = field(default_factory=list)
    is_blind: bool = False

    def library(self, own_modules: frozenset[str]) -> Library:
        """What the names stand for as far as they come from a library."""
        return Library(self.statements, self.stars, own_modules)

    def is_bound(self, name: str) -> bool:
        """Whether something in sight binds a name."""
        return name in self.statements or name in OF_PYTHON or bool(self.stars)


def standing(cells: Sequence[Cell], test: str, own_modules: frozenset[str]) -> GlobalNames:
    """The names where the test cell of a definition stands; at the end, where there is none."""
    found = GlobalNames()
    kept: set[str] = set()
    for cell in cells:
        if cell.kind == "test":
            if cell.name == test:
                break
            continue
        if cell.kind == "solution" and cell.keeps:
            kept.add(cell.name)
            found.statements.pop(cell.name, None)
        _Reader(found, cell, kept).read()
    library = found.library(own_modules)
    for statement, cell in list(found.origin.items()):
        if cell.kind != "given":
            try:
                _look_around(found, library, statement, kept if cell.kind == "own" else set())
            except RecursionError:
                statement.is_readable, found.is_blind = False, True
    return found


def _look_around(to: GlobalNames, library: Library, statement: Statement, kept: set[str]) -> None:
    """Add what a statement does to names and libraries by other ways than to bind a name."""
    texts = run_texts(library, statement)
    to.is_blind = to.is_blind or texts is None or is_reaching(library, statement)
    for inside in texts or ():
        to.origin[inside] = to.origin[statement]
        for name in inside.binds - kept:
            to.statements.setdefault(name, []).append(inside)
    if patches(library, statement):
        to.patches.append(statement)


class _Reader:
    """Adds what one cell binds."""

    def __init__(self, to: GlobalNames, cell: Cell, kept: Iterable[str]) -> None:
        self._to = to
        self._cell = cell
        left = {cell.name} if cell.kind == "solution" and not cell.keeps else set()
        self._left = left if cell.kind == "solution" else set(kept)

    def read(self) -> None:
        """Add the names, and what may be bound unseen."""
        is_run_so_far = is_python(self._cell.source) and not self._cell.has_stopped
        for statement in self._cell.statements:
            self._to.origin[statement] = self._cell
            self._to.stars += statement.stars
            for name in statement.binds - self._left:
                before = self._to.statements.setdefault(name, [])
                if is_run_so_far and self._is_sure(statement, name):
                    before.clear()
                before.append(statement)
            called = filter(self._is_own_object, called_on(statement))
            for name in {*changed(statement), *called} - statement.binds:
                self._to.statements.setdefault(name, []).append(statement)
            is_run_so_far = is_run_so_far and self._is_sure(statement, "")

    def _is_own_object(self, name: str) -> bool:
        """Whether a name is of something that the student made, not of a module."""
        made = self._to.statements.get(name, ())
        return bool(made) and not any((None, name) in each.imports for each in made)

    def _is_sure(self, statement: Statement, name: str) -> bool:
        """Whether a statement cannot fail, and if it binds the name, binds it anew."""
        node = statement.node
        if isinstance(node, ast.FunctionDef):
            return name in ("", node.name) and self._is_plain(node)
        if isinstance(node, ast.ClassDef):
            bases = all(self._is_known(each) for each in node.bases)
            inside = (n for n in node.body if not isinstance(n, ast.Pass))
            plain = all(isinstance(n, ast.FunctionDef) and self._is_plain(n) for n in inside)
            bare = not node.keywords and not node.decorator_list
            return name in ("", node.name) and bases and plain and bare
        return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)

    def _is_known(self, base: ast.expr) -> bool:
        """Whether it is the class that the book's cells call so."""
        given = (
            self._to.origin[each].kind == "given" for each in self._to.statements.get("nn", ())
        )
        return ast.unparse(base) == "nn.Module" and all(given)

    @staticmethod
    def _is_plain(node: ast.FunctionDef) -> bool:
        """Whether nothing but the binding happens where a function is defined."""
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += filter(None, (arguments.vararg, arguments.kwarg))
        defaults = filter(None, (*arguments.defaults, *arguments.kw_defaults))
        return (
            not node.decorator_list
            and node.returns is None
            and all(each.annotation is None for each in every)
            and all(isinstance(each, ast.Constant) for each in defaults)
        )
