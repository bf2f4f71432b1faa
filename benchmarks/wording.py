"""The same definition as another student would have written it: other names, other comments."""

from __future__ import annotations

import ast
import random

ENDINGS = ("now", "here", "all", "new", "part", "found", "made", "kept")
REMARKS = ("checked by hand", "as on the blackboard", "second try", "see the lecture", "works")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def reworded(text: str, student: str, rng: random.Random) -> str:
    """Rename the local variables, set the text anew and put a comment of the student's above it."""
    tree = ast.parse(text)
    kept = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for function in _outermost(tree):
        local = {
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        chosen = sorted(name for name in local - kept if not name.startswith("_"))
        _Renamed({name: f"{name}_{rng.choice(ENDINGS)}" for name in chosen}).visit(function)
    return f"# {student}: {rng.choice(REMARKS)}, {rng.randint(1, 60)} minutes\n{ast.unparse(tree)}"


def _outermost(node: ast.AST) -> list[Function]:
    found: list[Function] = []
    for child in ast.iter_child_nodes(node):
        found += [child] if isinstance(child, Function) else _outermost(child)
    return found


class _Renamed(ast.NodeTransformer):
    """Variables only: attributes, keywords and definitions are no `ast.Name`."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self._names.get(node.id, node.id)
        return node
