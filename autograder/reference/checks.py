"""Parts of a test cell's hidden code: single checks, and what each of them costs."""

from __future__ import annotations

import ast
from collections.abc import Collection
from functools import cache

from autograder.reading.statements import read

TAKEN = "what the checks took"
TIMED = """
import time
import autograder.observe as observing
from autograder.observe import observe

taken = {{}}

class Timed(observe):
    def __enter__(self):
        self.began = time.process_time()
        return super().__enter__()

    def __exit__(self, *error):
        try:
            return super().__exit__(*error)
        finally:
            taken[self.name] = time.process_time() - self.began

observing.observe = Timed
try:
{source}
finally:
    observing.observe = observe
with observe({name!r}) as seen:
    seen.taken = taken
"""


def only(source: str, checks: Collection[str]) -> str:
    """The code with these of its checks; as it is where they do not stand by themselves."""
    tree = ast.parse(source)
    names = [_check(node) for node in tree.body]
    kept: list[ast.stmt] = []
    left_out: list[ast.stmt] = []
    for node, name in zip(tree.body, names, strict=True):
        (kept if name is None or name in checks else left_out).append(node)
    inside = [read(node) for node in kept]
    made = {name for node in left_out for name in read(node).binds}
    own = {name for each in inside for name in each.binds}
    if not {*checks} <= {*names} or any((made - own) & each.reads for each in inside):
        return source
    return ast.unparse(ast.Module(kept, []))


def timed(source: str) -> str:
    """The code, and behind it an observation named `TAKEN`: the processor seconds of each check."""
    body = ast.unparse(ast.parse(source))  # in which no line of a text begins as code does
    return TIMED.format(source="\n".join(f"    {line}" for line in body.splitlines()), name=TAKEN)


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


def _check(node: ast.stmt) -> str | None:
    """The name of the check that a statement is."""
    if not isinstance(node, ast.With):
        return None
    match node.items[0].context_expr:
        case ast.Call(func=ast.Name(id="observe"), args=[ast.Constant(value=str(name)), *_]):
            return name
    return None
