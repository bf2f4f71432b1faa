"""Parts of a test cell's hidden code: single checks, and what each of them costs."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from functools import cache, lru_cache

from autograder.reading.statements import read

LEAST_SECONDS = 0.001  # of a check; what is less than can be counted is not nothing


def only(source: str, checks: Collection[str]) -> str:
    """The code with these of its checks, and those that they stand on."""
    return _only(source, frozenset(checks))


@lru_cache(maxsize=256)  # of many versions, the same checks are lacking
def _only(source: str, checks: frozenset[str]) -> str:
    names = [name for name, *_ in _statements(source)]
    if not checks <= {*names}:
        return source
    kept = needed(source, checks)
    body = ast.parse(source).body
    nodes = [n for n, name in zip(body, names, strict=True) if name is None or name in kept]
    return ast.unparse(ast.Module(nodes, []))


def needed(source: str, checks: Collection[str]) -> frozenset[str]:
    """These checks, and those that make what they read."""
    statements = _statements(source)
    found = frozenset(checks)
    while True:
        lacking = {
            each for name, reads, _ in statements if name is None or name in found for each in reads
        }
        more = {name for name, _, binds in statements if name is not None and lacking & binds}
        if more <= found:
            return found
        found |= more


@lru_cache(maxsize=64)  # test cells, each of which is asked about for every wrong version
def _statements(source: str) -> tuple[tuple[str | None, frozenset[str], frozenset[str]], ...]:
    """Of each statement the check that it is, the names that it takes from others, and makes."""
    found = []
    for node in ast.parse(source).body:
        names = read(node)
        made = frozenset(names.binds)
        found.append((check_of(node), frozenset(names.reads) - made, made))
    return tuple(found)


@lru_cache(maxsize=32)
def without_comments(source: str) -> str:
    """The same code, of which no line is anything but code."""
    return ast.unparse(ast.parse(source))


def costs(source: str, taken: Mapping[str, float]) -> dict[str, float]:
    """What each check costs when it is run alone, with those that it stands on."""
    least = {name: max(seconds, LEAST_SECONDS) for name, seconds in taken.items()}
    return {name: sum(least[each] for each in needed(source, [name])) for name in taken}


@cache
def keeps_state(source: str) -> bool:
    """Whether what a definition does may depend on calls before, beyond the objects that it makes.

    Such a one is to be looked at in all checks of a cell, one after the other.
    """
    return any(
        _keeps(node)
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    )


def _keeps(definition: ast.FunctionDef | ast.ClassDef) -> bool:
    every = list(ast.walk(definition))
    functions = [node for node in every if isinstance(node, ast.FunctionDef)]
    made_once: list[ast.AST] = [each for node in functions for each in ast.walk(node.args)]
    if isinstance(definition, ast.ClassDef):
        made_once += [node.value for node in definition.body if isinstance(node, ast.Assign)]
    return (
        any(isinstance(node, ast.Global | ast.Nonlocal) for node in every)
        or any(isinstance(node, ast.List | ast.Dict | ast.Set | ast.Call) for node in made_once)
        or any("cache" in ast.unparse(each) for n in functions for each in n.decorator_list)
        or any(isinstance(n, ast.Name) and n.id in (definition.name, "globals") for n in every)
    )


def check_of(node: ast.stmt) -> str | None:
    """The name of the check that a statement is, None where it is none."""
    if not isinstance(node, ast.With):
        return None
    match node.items[0].context_expr:
        case ast.Call(func=ast.Name(id="observe"), args=[ast.Constant(value=str(name)), *_]):
            return name
    return None
