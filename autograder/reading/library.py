"""What the expressions of a notebook stand for, as far as they come from a library; nothing is run.

Seen are imported names under any alias, `getattr` with a text that can be worked out, modules
fetched by name, and code in a text.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.machinery import PathFinder

from autograder.reading.names import SCOPES, local, parsed

MODULE_GETTERS = {"__import__", "import_module"}
RUNNERS = {"eval", "exec"}
BUILTIN_RUNNERS = {f"builtins.{name}" for name in RUNNERS}
HIDDEN = "code in a text that is put together while it runs"
COMPUTED = "a function by a name that is put together while it runs"
NESTED = "an expression that is nested too deeply to be read"
UNSEEN = (HIDDEN, COMPUTED, NESTED)
# Names can double with every line, and the grader's memory is not that of the sandbox.
LONGEST_TEXT = 1_000


class Library:
    """What the names of a notebook stand for, as far as they come from imports."""

    def __init__(self, statements: Sequence[ast.stmt], own_modules: frozenset[str]) -> None:
        self._own_modules = own_modules
        self._paths = {"__builtins__": "builtins"}
        self._texts: dict[str, str] = {}
        self._read: set[str] = set()
        for _ in range(2):  # an alias of an alias may stand before it
            for each in statements:
                if isinstance(each, SCOPES):  # from here on the name is the notebook's own
                    self._paths.pop(each.name, None)
                    self._texts.pop(each.name, None)
                else:
                    self._learn(each)

    def _learn(self, statement: ast.stmt) -> None:
        nodes = list(ast.walk(statement))
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.split(".")[0]
                    self._learn_one(alias.asname or first, alias.name if alias.asname else first)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self._learn_one(alias.asname or alias.name, f"{node.module}.{alias.name}")
        for _ in range(2):
            for node in nodes:
                if isinstance(node, ast.Assign | ast.NamedExpr):
                    with suppress(RecursionError):  # then what it stands for is not known
                        self._assigned(node)

    def _learn_one(self, name: str, path: str) -> None:
        first = path.split(".")[0]
        if first not in self._own_modules or _installed(first):
            self._paths[name] = path

    def _assigned(self, node: ast.Assign | ast.NamedExpr) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        path, text = self.path(node.value), self._text(node.value)
        for target in targets:
            if isinstance(target, ast.Name):
                if path is not None:
                    self._paths[target.id] = path
                if text is not None:
                    self._texts[target.id] = text

    def _within(self, scope: ast.stmt) -> Library:
        """The same inside a function or class, where names can stand for something else."""
        own = local(scope)
        inside = Library([], self._own_modules)
        inside._paths = {name: path for name, path in self._paths.items() if name not in own}
        inside._texts = {name: text for name, text in self._texts.items() if name not in own}
        inside._learn(scope)
        return inside

    def mentioned(self, statement: ast.stmt) -> list[str]:
        """The library names in a statement, and what cannot be seen through."""
        self._read.clear()
        try:
            if isinstance(statement, SCOPES):
                return self._within(statement)._mentioned(statement)
            return self._mentioned(statement)
        except RecursionError:
            return [NESTED]

    def _mentioned(self, statement: ast.stmt) -> list[str]:
        found = []
        types = _types(statement)
        for node in ast.walk(statement):
            if node in types:
                continue
            if isinstance(node, ast.Call) and self._runs(node):
                text = self._text(node.args[0])
                found += [HIDDEN] if text is None else self._in_text(text)
            elif isinstance(node, ast.expr) and (path := self.path(node)):
                found.append(path)
        return found

    def _runs(self, node: ast.Call) -> bool:
        """Whether it runs a text; an object of one's own may have a method called `eval`."""
        if isinstance(node.func, ast.Name):
            return node.func.id in RUNNERS and bool(node.args)
        return self.path(node.func) in BUILTIN_RUNNERS and bool(node.args)

    def _in_text(self, text: str) -> list[str]:
        if text in self._read:  # or texts that run each other twice would double the work
            return []
        self._read.add(text)
        return [name for statement in parsed([text]) for name in self._mentioned(statement)]

    def path(self, node: ast.expr) -> str | None:
        """The dotted name of what an expression stands for, if that comes from a library."""
        if isinstance(node, ast.Name):
            return self._paths.get(node.id)
        if isinstance(node, ast.Attribute):
            inside = self.path(node.value)
            return f"{inside}.{node.attr}"[-LONGEST_TEXT:] if inside else None
        if isinstance(node, ast.IfExp):
            return self.path(node.body) or self.path(node.orelse)
        if isinstance(node, ast.Subscript):
            return self._item(node)
        return self._call(node) if isinstance(node, ast.Call) else None

    def _call(self, node: ast.Call) -> str | None:
        name = _called(node)
        if name in MODULE_GETTERS and node.args:
            return self._text(node.args[0]) or COMPUTED
        if name in ("getattr", "attrgetter", "methodcaller") and node.args:
            of = self.path(node.args[0]) if name == "getattr" else "operator"
            text = self._text(node.args[-1 if name != "getattr" else min(1, len(node.args) - 1)])
            if of is not None:
                return f"{of}.{text}" if text is not None else COMPUTED
        return None

    def _item(self, node: ast.Subscript) -> str | None:
        """`vars(module)["name"]`, `module.__dict__["name"]`, `sys.modules["name"]`."""
        value, text = node.value, self._text(node.slice)
        if isinstance(value, ast.Call) and _called(value) == "vars" and value.args:
            of = self.path(value.args[0])
        elif isinstance(value, ast.Attribute) and value.attr in ("__dict__", "modules"):
            of = self.path(value.value)
        else:
            return None
        if of is None:
            return None
        return f"{of}.{text}" if text is not None else COMPUTED

    def _text(self, node: ast.expr) -> str | None:
        """The text that an expression of literals makes, or None."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.Name):
            return self._texts.get(node.id)
        parts: list[ast.expr] = []
        between = ""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            parts = [node.left, node.right]
        elif isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.FormattedValue) else p for p in node.values]
        elif isinstance(node, ast.Call) and _called(node) == "join" and len(node.args) == 1:
            joined = node.args[0]
            of = node.func.value if isinstance(node.func, ast.Attribute) else None
            text = self._text(of) if of is not None else None
            if text is not None and isinstance(joined, ast.List | ast.Tuple):
                parts, between = list(joined.elts), text
        texts = [self._text(part) for part in parts]
        known = [text for text in texts if text is not None]
        size = sum(len(text) + len(between) for text in known)
        seen = parts and len(known) == len(texts) and size <= LONGEST_TEXT
        return between.join(known) if seen else None


@cache
def _installed(module: str) -> bool:
    """Whether a module is the environment's, which comes before a file that was handed in."""
    places = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
    return module in sys.stdlib_module_names or bool(PathFinder.find_spec(module, places))


def _types(statement: ast.stmt) -> set[ast.AST]:
    """The nodes that only name a type: in annotations and in `isinstance`."""
    named: list[ast.expr | None] = []
    for node in ast.walk(statement):
        if isinstance(node, ast.arg | ast.AnnAssign):
            named.append(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            named.append(node.returns)
        elif isinstance(node, ast.Call) and _called(node) == "isinstance":
            named += node.args[1:]
    return {part for each in named if each is not None for part in ast.walk(each)}


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""
