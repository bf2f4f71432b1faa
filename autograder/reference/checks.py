"""Parts of a test cell's hidden code: single checks, and what each of them costs."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from functools import cache, lru_cache

from autograder.reading.statements import read

TAKEN = "what the checks took"
# Its names are no name that a cell would give.
TIMED = """
import time as _timed_time
import autograder.observe as _timed_observing

_timed_usual, _timed_taken = _timed_observing.observe, {{}}

class _Timed(_timed_usual):
    def __enter__(self):
        self._timed_began = _timed_time.process_time()
        return super().__enter__()

    def __exit__(self, *error):
        try:
            return super().__exit__(*error)
        finally:
            _timed_taken[self.name] = _timed_time.process_time() - self._timed_began

_timed_observing.observe = _Timed
try:
{source}
finally:
    _timed_observing.observe = _timed_usual
with _timed_usual({name!r}) as seen:
    seen.taken = _timed_taken
"""


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


def timed(source: str) -> str:
    """The code, and behind it an observation named `TAKEN`: the processor seconds of each check."""
    body = without_comments(source)  # in which no line of a text begins as code does
    return TIMED.format(source="\n".join(f"    {line}" for line in body.splitlines()), name=TAKEN)


def costs(source: str, taken: Mapping[str, float]) -> dict[str, float]:
    """What each check costs when it is run alone, with those that it stands on."""
    return {name: sum(taken[each] for each in needed(source, [name])) for name in taken}


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
