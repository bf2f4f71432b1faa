"""What the expressions of a notebook stand for, as far as they come from a library; nothing is run.

Seen are imported names under any alias, `getattr` with a text that can be worked out, and modules
fetched by name.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence, Set

from autograder.reading.packages import installed
from autograder.reading.scopes import Scope, Statement
from autograder.reading.texts import LONGEST_TEXT, MOST, Texts

MODULE_GETTERS = {"__import__", "import_module"}
COMPUTED = "a function by a name that is put together while it runs"

Paths = frozenset[str]
NOTHING: Paths = frozenset()


class Library:
    """What expressions stand for where the global names are bound by `globals`.

    `stars` are the modules of which all is imported.
    """

    def __init__(
        self,
        globals: Mapping[str, Sequence[Statement]],
        stars: Sequence[str] = (),
        own_modules: frozenset[str] = frozenset(),
    ) -> None:
        self._globals = globals
        self._own_modules = own_modules
        self._stars = [star for star in stars if self._is_library(star)]
        self.around: list[tuple[Statement, Scope]] = []
        self.texts = Texts(globals, self.around)
        self._known: dict[object, Paths] = {}
        self._before: dict[object, Paths] = {}
        self._open: set[object] = set()
        self._is_circular = False

    def again(self) -> bool:
        """Whether names stand for each other in a circle, so that a further look may show more."""
        self._before, before = self._known, self._before
        self._known = {}
        again, self._is_circular = self._is_circular, False
        return again and self._before != before

    def paths(self, statement: Statement, node: ast.expr) -> Paths:
        """The dotted names of what an expression may stand for, if that comes from a library."""
        return self._once(node, lambda: self._found(statement, node))

    def _once(self, key: object, find: Callable[[], Set[str]]) -> Paths:
        if key in self._open:
            self._is_circular = True
            return self._before.get(key, NOTHING)
        if key not in self._known:
            self._open.add(key)
            try:
                found = find()
            finally:
                self._open.discard(key)
            self._known[key] = frozenset(found) if len(found) <= MOST else frozenset({COMPUTED})
        return self._known[key]

    def _found(self, statement: Statement, node: ast.expr) -> Set[str]:
        if isinstance(node, ast.Name):
            return self._name(statement, node)
        if isinstance(node, ast.Attribute):
            inside = self.paths(statement, node.value)
            return {f"{path}.{node.attr}"[-LONGEST_TEXT:] for path in inside}
        if isinstance(node, ast.IfExp):
            return self.paths(statement, node.body) | self.paths(statement, node.orelse)
        if isinstance(node, ast.BoolOp):
            return NOTHING.union(*(self.paths(statement, each) for each in node.values))
        if isinstance(node, ast.NamedExpr):
            return self.paths(statement, node.value)
        if isinstance(node, ast.Subscript):
            return self._item(statement, node)
        return self._call(statement, node) if isinstance(node, ast.Call) else NOTHING

    def _name(self, statement: Statement, node: ast.Name) -> Set[str]:
        name = node.id
        owner = statement.scope_of(node).owner(name)
        found = self._bound(statement, owner, name)
        if owner is not None and not owner.is_class:
            return found
        for outer, scope in self.around:
            found |= self._bound(outer, scope.owner(name), name)
        for each in self._globals.get(name, ()):
            found |= self._bound(each, None, name)
        if name not in self._globals:
            found |= {f"{star}.{name}" for star in self._stars}
            found |= {"builtins"} if name == "__builtins__" else NOTHING
        return found

    def _bound(self, statement: Statement, owner: Scope | None, name: str) -> Paths:
        """What a name that a statement binds in a scope may stand for."""

        def find() -> Set[str]:
            imports = statement.imports.get((owner, name), ())
            found = {path for path in imports if self._is_library(path)}
            for value in statement.values.get((owner, name), ()):
                found |= self.paths(statement, value) if value is not None else NOTHING
            return found

        return self._once((statement, owner, name), find)

    def _is_library(self, path: str) -> bool:
        first = path.split(".")[0]
        return first not in self._own_modules or installed(first)

    def _call(self, statement: Statement, node: ast.Call) -> Set[str]:
        name = called(node)
        if name in MODULE_GETTERS:
            return (self.texts.of(statement, node.args[0]) if node.args else None) or {COMPUTED}
        if name == "getattr" and len(node.args) > 1:
            of: Set[str] = self.paths(statement, node.args[0])
            return _items(of, self.texts.of(statement, node.args[1]))
        if name in ("attrgetter", "methodcaller") and node.args:
            return _items({"operator"}, self.texts.of(statement, node.args[-1]))
        return NOTHING

    def _item(self, statement: Statement, node: ast.Subscript) -> Set[str]:
        """`vars(module)["name"]`, `module.__dict__["name"]`, `sys.modules["name"]`."""
        value, words = node.value, self.texts.of(statement, node.slice)
        if isinstance(value, ast.Call) and called(value) == "vars" and value.args:
            return _items(self.paths(statement, value.args[0]), words)
        if isinstance(value, ast.Attribute) and value.attr == "__dict__":
            return _items(self.paths(statement, value.value), words)
        found = self.paths(statement, value) & {"sys.modules", "builtins"}
        if "sys.modules" in found:
            return words or {COMPUTED}
        return _items(found, words)


def _items(modules: Set[str], words: Set[str] | None) -> Set[str]:
    if modules and not words:
        return {COMPUTED}
    return {f"{module}.{word}" for module in modules for word in words or ()}


def called(node: ast.Call) -> str:
    """The last name of what is called; empty where it has none."""
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""
