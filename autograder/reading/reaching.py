"""What a statement does to things that it does not bind: to others' objects, to the notebook."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.reading.library import Library, called
from autograder.reading.scopes import Statement

# Through these, code reaches the names of the whole notebook unseen.
REACHING = {"user_ns", "user_global_ns", "user_module", "run_cell", "run_code", "f_globals"}
REACHING |= {"__globals__", "f_builtins"}
MAGICS = {"run_line_magic", "run_cell_magic", "system", "magic"}
LOOKING = {"get", "keys", "items", "values", "copy"}


def changed(statement: Statement) -> set[str]:
    """The global names whose objects it may change: `name.attribute = ...` and the like."""
    return {name for node in _stored_into(statement) for name in _global_names(statement, node)}


def called_on(statement: Statement) -> set[str]:
    """The global name whose method is all that it calls: `name.append(...)`."""
    node = statement.node
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        return _global_names(statement, call.func.value)
    return set()


def patches(library: Library, statement: Statement) -> bool:
    """Whether it puts something into a library."""
    return any(library.paths(statement, node) for node in _stored_into(statement))


def is_reaching(library: Library, statement: Statement) -> bool:
    """Whether it may bind names of the notebook unseen."""
    harmless: set[ast.AST] = set()
    for node in statement.nodes:
        if isinstance(node, ast.Compare):
            harmless |= {node.left, *node.comparators}
        elif (isinstance(node, ast.Attribute) and node.attr in LOOKING | MAGICS) or (
            isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)
        ):
            harmless.add(node.value)
    return any(
        _is_reaching(library, statement, node) for node in statement.nodes if node not in harmless
    )


def _is_reaching(library: Library, statement: Statement, node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(each.name == "__main__" for each in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.module == "__main__"
    if isinstance(node, ast.Constant):
        return node.value == "__main__"
    if isinstance(node, ast.Attribute):
        of = library.paths(statement, node)
        return node.attr in REACHING or "sys.modules" in of
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
        scope = statement.scope_of(node.func)
        at_top = scope.parent is None and node.func.id in ("locals", "vars")
        return at_top or node.func.id in ("globals", "get_ipython")
    return False


def _stored_into(statement: Statement) -> Iterator[ast.expr]:
    """The objects into which it stores."""
    for node in statement.nodes:
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            yield node.value
        elif isinstance(node, ast.Call) and called(node) == "setattr" and node.args:
            yield node.args[0]


def _global_names(statement: Statement, node: ast.expr) -> set[str]:
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return {each.id for each in names if statement.scope_of(each).owner(each.id) is None}
