"""Marks where code of a test cell writes into an object, which is kept as it was before.

Nothing tells it of a list or an array, and torch of a tensor only where it is asked about all that
is done. So the marked code calls on what it is about to write into what the observation gives it
for that.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from types import CodeType
from typing import Any

_NAME = "__keep__"  # what `observe._writes.KEEPING` has for the marked code
_SEEN = "seen"  # nearly always what an observation is called; others are told by what they are

_METHODS = frozenset(
    {
        *("append", "appendleft", "extend", "extendleft", "insert", "update", "setdefault", "add"),
        *("remove", "discard", "pop", "popleft", "popitem", "clear", "difference_update"),
        *("intersection_update", "symmetric_difference_update", "fill", "put", "move_to_end"),
        *("sort", "reverse", "rotate", "partition", "byteswap"),
    }
)
_FIRST = frozenset({"copyto", "put", "place", "putmask", "fill_diagonal", "shuffle"})
_BY_NAME = frozenset({"setattr", "delattr"})
_WITH_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)


@cache
def compiled(source: str, name: str) -> CodeType:
    """Source that is marked, to be run with what it calls among its global names."""
    return compile(ast.Module(marked(ast.parse(source).body), []), name, "exec")


def marked(statements: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements, and those inside of them, each with marks where it writes."""
    done: list[ast.stmt] = []
    for statement in statements:
        before = _mark(statement)
        for field in ("body", "orelse", "finalbody"):
            if inside := getattr(statement, field, None):
                setattr(statement, field, marked(inside))
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            part.body = marked(part.body)
        done += [ast.fix_missing_locations(ast.copy_location(each, statement)) for each in before]
        done.append(statement)
    return done


def _mark(statement: ast.stmt) -> list[ast.stmt]:
    """Mark what the statement itself writes into; return what is to be run before it."""
    before: list[ast.stmt] = []
    match statement:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            _mark_targets(targets)
        case ast.AnnAssign(target=target):
            _mark_targets([target])
        case ast.AugAssign(target=target):
            if _is_plain(target):  # a list or an array is changed, not only bound anew
                before = [ast.Expr(_call(_loaded(target)))]
            _mark_targets([target])
    for call in _calls(getattr(statement, "value", None)):
        _mark_call(call)
    for call in [*_in_place(statement)]:
        _mark_in_place(call)
    return before


def _mark_targets(targets: Sequence[ast.expr]) -> None:
    for target in targets:
        match target:
            case ast.Attribute(value=ast.Name(id=name)) if name == _SEEN:
                pass
            case ast.Attribute():
                target.value = _call(target.value, ast.Constant(target.attr))
            case ast.Subscript():
                target.value = _call(target.value)
            case ast.Tuple(elts=inside) | ast.List(elts=inside):
                _mark_targets(inside)
            case ast.Starred(value=value):
                _mark_targets([value])


def _calls(value: Any) -> Iterator[ast.Call]:
    """The call that a statement is, and those that stand in it or follow on one another."""
    if isinstance(value, ast.Call):
        yield value
        for inside in (getattr(value.func, "value", None), *value.args):
            yield from _calls(inside)
    elif isinstance(value, ast.Tuple):
        for each in value.elts:
            yield from _calls(each)


def _in_place(statement: ast.stmt) -> Iterator[ast.Call]:
    """Calls that by their name write into a tensor, but for those in statements further in."""
    left: list[ast.AST] = [statement]
    while left:
        node = left.pop()
        if isinstance(node, ast.Call) and re.search(r"[^_]_$", _name_of(node)):
            yield node
        children = ast.iter_child_nodes(node)
        left += [each for each in children if not isinstance(each, _WITH_STATEMENTS)]


def _mark_in_place(call: ast.Call) -> None:
    if isinstance(call.func, ast.Attribute):
        call.func.value = _call(call.func.value)
    if call.args and not isinstance(call.args[0], ast.Starred):
        call.args[0] = _call(call.args[0])


def _mark_call(call: ast.Call) -> None:
    function, called = call.func, _name_of(call)
    if isinstance(function, ast.Attribute) and called in _METHODS:
        function.value = _call(function.value)
    if call.args and called in _FIRST:
        call.args[0] = _call(call.args[0])
    if len(call.args) > 1 and called in _BY_NAME and isinstance(call.args[1], ast.Constant):
        call.args[0] = _call(call.args[0], call.args[1])
    for keyword in call.keywords:
        if keyword.arg == "out":
            keyword.value = _call(keyword.value)


def _name_of(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", None) or getattr(call.func, "id", ""))


def _call(*given: ast.expr) -> ast.expr:
    made = ast.Call(ast.Name(_NAME, ast.Load()), list(given), [])
    return ast.fix_missing_locations(ast.copy_location(made, given[0]))


def _loaded(target: ast.expr) -> ast.expr:
    """What an augmented assignment reads, where it stands."""
    read = ast.parse(ast.unparse(target), mode="eval").body
    for node in ast.walk(read):
        ast.copy_location(node, target)
    return read


def _is_plain(target: ast.expr) -> bool:
    """Whether to look at it twice does nothing twice."""
    match target:
        case ast.Name():
            return True
        case ast.Attribute(value=value):
            return _is_plain(value)
        case ast.Subscript(value=value, slice=ast.Constant() | ast.Name()):
            return _is_plain(value)
    return False
