"""Reads one statement: in which scope each of its names stands, and what is bound to it."""

from __future__ import annotations

import ast
import symtable
from collections import defaultdict
from collections.abc import Iterator, Mapping

from autograder.reading.scopes import MODULE, Scope, Statement

# What symtable calls the scopes without a name.
NAMELESS = {
    ast.ListComp: "listcomp",
    ast.SetComp: "setcomp",
    ast.DictComp: "dictcomp",
    ast.GeneratorExp: "genexpr",
}

Tables = Mapping[tuple[str, int], list[symtable.SymbolTable]]


def read(node: ast.stmt) -> Statement:
    """The names of a statement; where Python would refuse it, they are taken for global."""
    try:
        # Written anew, each scope but the shortest stands on a line of its own.
        text = ast.unparse(node)
        (node,) = ast.parse(text).body
    except (RecursionError, SyntaxError, ValueError, MemoryError):
        return _unread(node)
    statement = Statement(node)
    try:
        module = symtable.symtable(text, "cell", "exec")
        tables: Tables = _tables(module)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        module, tables = None, {}
    try:
        _Reader(statement, tables).visit(node)
    except RecursionError:
        return _unread(node)
    return statement


def _unread(node: ast.stmt) -> Statement:
    """A statement of which no more is known than the names in it."""
    found = Statement(node, is_readable=False)
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            (found.reads if isinstance(each.ctx, ast.Load) else found.binds).add(each.id)
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.binds.add(each.name)
    return found


def _tables(top: symtable.SymbolTable) -> Tables:
    found: dict[tuple[str, int], list[symtable.SymbolTable]] = defaultdict(list)
    todo = [top]
    while todo:
        table = todo.pop()
        found[table.get_name().strip("<>"), table.get_lineno()].append(table)
        todo += table.get_children()
    return found


class _Reader(ast.NodeVisitor):
    """Notes for each name of a statement in which scope it stands."""

    def __init__(self, statement: Statement, tables: Tables) -> None:
        self._to = statement
        self._tables = tables
        self._scope = MODULE
        self._known: dict[tuple[Scope, str, int], Scope] = {}
        self._class = ""

    def _named(self, name: str) -> str:
        """A name as Python knows it: a private one begins with its class."""
        is_private = self._class and name.startswith("__") and not name.endswith("__")
        return f"_{self._class}{name}" if is_private else name

    def _bind(self, name: str, value: ast.expr | None = None) -> None:
        self._to.bind(self._named(name), self._scope, value)

    def _inside(self, name: str, node: ast.AST, parts: Iterator[ast.AST | None]) -> None:
        outer = self._scope
        line = int(getattr(node, "lineno", 0))
        if (outer, name, line) not in self._known:
            tables = tuple(self._tables.get((name, line), ()))
            self._known[outer, name, line] = Scope(tables, outer, isinstance(node, ast.ClassDef))
        self._scope = self._known[outer, name, line]
        for part in parts:
            if part is not None:
                self.visit(part)
        self._scope = outer

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, name: str
    ) -> None:
        arguments = node.args
        named = [*arguments.posonlyargs, *arguments.args]
        others = [*arguments.kwonlyargs, *filter(None, (arguments.vararg, arguments.kwarg))]
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)
        for argument in (*named, *others):
            if argument.annotation is not None:
                self.visit(argument.annotation)

        def inside() -> Iterator[ast.AST | None]:
            values: dict[str, ast.expr | None] = {}
            pairs = zip(reversed(named), reversed(arguments.defaults), strict=False)
            values |= {argument.arg: value for argument, value in pairs}
            keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            values |= {argument.arg: value for argument, value in keywords}
            for argument in (*named, *others):
                self._bind(argument.arg)
                if values.get(argument.arg) is not None:
                    self._bind(argument.arg, values[argument.arg])
            yield from node.body if isinstance(node.body, list) else [node.body]

        self._inside(name, node, inside())

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name)
        for each in (*node.decorator_list, *filter(None, [node.returns])):
            self.visit(each)
        self._function(node, node.name)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node, "lambda")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name)
        for each in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(each)
        outer, self._class = self._class, node.name.lstrip("_")
        self._inside(node.name, node, iter(node.body))
        self._class = outer

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> None:
        first, *more = node.generators
        self.visit(first.iter)
        parts: list[ast.AST] = [first.target, *first.ifs, *more]
        parts += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._inside(NAMELESS[type(node)], node, iter(parts))

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_Name(self, node: ast.Name) -> None:
        node.id = self._named(node.id)
        self._to.scopes[node] = self._scope
        owner = self._scope.owner(node.id)
        if not isinstance(node.ctx, ast.Load):
            self._bind(node.id)
        elif owner is None or owner.is_class:  # until a class binds it, it is the module's
            self._to.reads.add(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._assigned(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
        self._assigned(node.target, node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._assigned(node.target, node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name) and self._scope.owner(node.target.id) is None:
            self._to.reads.add(node.target.id)

    def _assigned(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            target.id = self._named(target.id)
            self._to.scopes[target] = self._scope
            # A walrus in a comprehension binds outside of it, which its table calls global or free.
            self._bind(target.id, value)
        else:
            self.visit(target)

    def _bound_by_name(self, name: str | None) -> None:
        if name is not None:
            self._bind(name)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._bound_by_name(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self._bound_by_name(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self._bound_by_name(node.rest)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            first = alias.name.split(".")[0]
            path = alias.name if alias.asname else first
            self._to.take(alias.asname or first, path, self._scope)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self._to.stars.append(node.module or "")
            else:
                self._to.take(
                    alias.asname or alias.name, f"{node.module}.{alias.name}", self._scope
                )
