"""A test cell that records besides what the definition was given in one of its checks.

The rewritten cell runs with the reference alone: of the same seed, its inputs are the submission's.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Set
from pathlib import Path

from autograder.reference.checks import check_of

GIVEN = "given in: "  # and the name of the check
RECORDER = Path(__file__).with_name("recorder.py")
BEGINNING = "_given_calls.clear()\n_given_now.append(True)"
ENDING = """
_given_now.clear()
with observe({name!r}, points=0) as _given_seen:
    _given_seen.calls = _given_calls
"""


def block_of(source: str, check: str) -> str | None:
    """The text of one check, None where the cell has none of this name."""
    for node in ast.parse(source).body:
        if check_of(node) == check:
            return ast.get_source_segment(source, node)
    return None


def recording(source: str, definition: str, checks: Collection[str]) -> str:
    """The cell with one observation more behind each of the checks, of the calls in it."""
    tree = ast.parse(source)
    calls = _Calls(_made_by(tree, definition))
    body = ast.parse(RECORDER.read_text(encoding="utf-8")).body
    for each in tree.body:
        node = calls.visit(each)
        name = check_of(node)
        if isinstance(node, ast.With) and name in checks:
            node.body[:0] = ast.parse(BEGINNING).body
            body += [node, *ast.parse(ENDING.format(name=f"{GIVEN}{name}")).body]
        else:
            body.append(node)
    return ast.unparse(ast.fix_missing_locations(ast.Module(body, [])))


def _made_by(tree: ast.AST, definition: str) -> Set[str]:
    """The definition's name, and those that stand for what it made."""
    names = {definition}
    while True:
        found = {
            target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            and any(
                isinstance(e, ast.Call) and _root(e.func) in names for e in ast.walk(node.value)
            )
            for each in node.targets
            for target in ast.walk(each)
            if isinstance(target, ast.Name)
        }
        if found <= names:
            return names
        names |= found


class _Calls(ast.NodeTransformer):
    def __init__(self, names: Set[str]) -> None:
        self._names = names

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if _root(node.func) not in self._names:
            return node
        text = ast.Constant(ast.unparse(node.func))
        noted = ast.Call(ast.Name("_given_to", ast.Load()), [text, node.func], [])
        return ast.Call(noted, node.args, node.keywords)


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
