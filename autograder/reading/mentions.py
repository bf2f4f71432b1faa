"""What statements take from libraries, by name or by ways around a name; nothing is run.

A module that is handed around as a value may be meant wherever an attribute is read of what is not
known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from autograder.reading.library import COMPUTED, Library, called
from autograder.reading.names import parsed
from autograder.reading.packages import is_module
from autograder.reading.scopes import MODULE, Statement
from autograder.reading.statements import read

RUNNERS = {"eval", "exec"}
# What looks things up; under another name it would do so unseen.
LOOKING = {*RUNNERS, "compile", "getattr", "vars", "globals", "locals", "__import__"}
INSIDES = ("__dict__", "__getattribute__", "__getattr__")
HIDDEN = "code in a text that is put together while it runs"
NESTED = "an expression that is nested too deeply to be read"
UNSEEN = (HIDDEN, COMPUTED, NESTED)
# What runs there is not seen by the observations, which look at the thread of the tests.
ELSEWHERE = {"threading", "_thread", "concurrent", "multiprocessing", "asyncio", "subprocess"}
MOST_CIRCLES = 8


@dataclass
class Mentions:
    """What statements take from libraries: dotted names, and what cannot be seen through.

    `modules` are handed around as values, `loose` are attributes read of what is not known, `own`
    those that the student's code gives to things.
    """

    names: list[str] = field(default_factory=list)
    modules: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)

    def all(self) -> Iterator[str]:
        """All that may be meant."""
        yield from self.names
        if "sys" in self.modules and "modules" in self.loose:
            yield COMPUTED
        for module in sorted(self.modules):
            yield from (f"{module}.{each}" for each in sorted(self.loose))
        if any(name.split(".")[0] in ELSEWHERE for name in self.names):
            yield from (f"Tensor.{each}" for each in sorted(self.loose - self.own))


def mentions(library: Library, statements: Iterable[Statement]) -> Mentions:
    """What statements mention, and the code in the texts that they run."""
    statements = list(statements)
    for _ in range(MOST_CIRCLES):
        reader = _Reader(library)
        for statement in statements:
            reader.read(statement)
        if not library.again():
            return reader.found
    reader.found.names.append(NESTED)
    return reader.found


def run_texts(library: Library, statement: Statement) -> list[Statement] | None:
    """The statements in the texts that a statement runs; None where one is not known."""
    found: list[Statement] = []
    for node in statement.nodes:
        if isinstance(node, ast.Call) and called(node) in RUNNERS and node.args:
            if isinstance(node.func, ast.Attribute) and not library.paths(statement, node.func):
                continue  # a method of one's own
            texts = library.texts.of(statement, node.args[0])
            if texts is None:
                return None
            found += (read(each) for text in sorted(texts) for each in parsed([text]))
    return found


class _Reader:
    def __init__(self, library: Library) -> None:
        self._library = library
        self._texts: set[str] = set()
        self.found = Mentions()

    def read(self, statement: Statement) -> None:
        """Add what a statement mentions."""
        try:
            if statement.is_readable:
                self._read(statement)
                return
        except RecursionError:
            pass
        self.found.names.append(NESTED)

    def _read(self, statement: Statement) -> None:
        types, quiet, looked = _types(statement), _quiet(statement), _looked_into(statement)
        for node in statement.nodes:
            if node in types:
                continue
            if isinstance(node, ast.Call) and self._runs(statement, node):
                texts = self._library.texts.of(statement, node.args[0])
                self.found.names += [] if texts else [HIDDEN]
                for text in texts or ():
                    self._in_text(text, statement, node)
            elif isinstance(node, ast.expr):
                self._expression(statement, node, node in quiet)
                is_looking = node not in looked and self._is_looking(statement, node)
                self.found.names += [COMPUTED] if is_looking else []
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.found.own.add(node.name)

    def _expression(self, statement: Statement, node: ast.expr, is_quiet: bool) -> None:
        paths = self._library.paths(statement, node)
        self.found.names += sorted(paths)
        if not is_quiet and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            self.found.modules |= {path for path in paths if is_module(path)}
        if isinstance(node, ast.Attribute):
            if not isinstance(node.ctx, ast.Load):
                self.found.own.add(node.attr)
            elif not self._library.paths(statement, node.value):
                self.found.loose.add(node.attr)

    def _is_looking(self, statement: Statement, node: ast.expr) -> bool:
        """Whether anything could be found by it in a module."""
        if isinstance(node, ast.Name):
            return node.id in LOOKING and statement.scope_of(node).owner(node.id) is None
        if isinstance(node, ast.Attribute) and node.attr in INSIDES:
            return bool(self._library.paths(statement, node.value))
        if isinstance(node, ast.Call) and called(node) == "vars" and node.args:
            return bool(self._library.paths(statement, node.args[0]))
        return "sys.modules" in self._library.paths(statement, node)

    def _runs(self, statement: Statement, node: ast.Call) -> bool:
        """Whether it runs a text; an object of one's own may have a method called `eval`."""
        if not node.args:
            return False
        if isinstance(node.func, ast.Name) and node.func.id in RUNNERS:
            return statement.scope_of(node.func).owner(node.func.id) is None
        found = self._library.paths(statement, node.func)
        return any(f"builtins.{name}" in found for name in RUNNERS)

    def _in_text(self, text: str, statement: Statement, node: ast.Call) -> None:
        if text in self._texts:  # or texts that run each other twice would double the work
            return
        self._texts.add(text)
        scopes = (statement.scope_of(n) for n in ast.walk(node) if n in statement.scopes)
        self._library.around.append((statement, next(scopes, MODULE)))
        for each in parsed([text]):
            self.read(read(each))
        self._library.around.pop()


def _types(statement: Statement) -> set[ast.AST]:
    """The nodes that only name a type: in annotations and in `isinstance`."""
    named: list[ast.expr | None] = []
    for node in statement.nodes:
        if isinstance(node, ast.arg | ast.AnnAssign):
            named.append(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            named.append(node.returns)
        elif isinstance(node, ast.Call) and called(node) == "isinstance":
            named += node.args[1:]
    return {part for each in named if each is not None for part in ast.walk(each)}


def _quiet(statement: Statement) -> set[ast.AST]:
    """Expressions whose value goes nowhere but where the library's reader finds it again."""
    found: list[ast.expr | None] = []
    for node in statement.nodes:
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Expr):
            found.append(node.value)
        elif isinstance(node, ast.Call):
            found.append(node.func)
            found += node.args[:1] if called(node) in ("getattr", "hasattr", "vars") else ()
        elif isinstance(node, ast.Compare):
            found += [node.left, *node.comparators]
        elif (
            isinstance(node, ast.Assign) and all(_is_found(statement, t) for t in node.targets)
        ) or (
            isinstance(node, ast.AnnAssign | ast.NamedExpr) and _is_found(statement, node.target)
        ):
            found.append(node.value)
        elif isinstance(node, ast.arguments):
            found += [*node.defaults, *node.kw_defaults]
    todo = [each for each in found if each is not None]
    quiet: set[ast.AST] = set()
    while todo:
        each = todo.pop()
        quiet.add(each)
        if isinstance(each, ast.IfExp):
            todo += [each.body, each.orelse]
        elif isinstance(each, ast.BoolOp):
            todo += each.values
    return quiet


def _looked_into(statement: Statement) -> set[ast.AST]:
    """What is called, or looked into by a name that can be seen."""
    found: set[ast.AST] = set()
    for node in statement.nodes:
        if isinstance(node, ast.Call):
            found.add(node.func)
        elif isinstance(node, ast.Subscript):
            found.add(node.value)
        elif isinstance(node, ast.Compare):
            found |= {node.left, *node.comparators}
    return found


def _is_found(statement: Statement, target: ast.expr) -> bool:
    """Whether what is bound there is found by name: a class's is an attribute as well."""
    if not isinstance(target, ast.Name):
        return False
    scope = statement.scope_of(target)
    owner = scope.owner(target.id)
    return scope.parent is None if owner is None else not owner.is_class
