"""Copies as people disguise them: renamed, reordered, padded, with other loops, or all of it."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable

PADDING = (
    "checked = True",
    "shape_seen = None",
    "notes = [1, 2, 3]",
    'if False:\n    print("never")',
    "rest = 3 * 7 + 2",
    '_ = len("abc")',
)


def renamed(source: str, seed: int = 0) -> str:
    tree = ast.parse(source)
    parameters = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    bound = [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    new = {name: f"my_{at}" for at, name in enumerate(dict.fromkeys(bound))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in parameters:
            node.id = new.get(node.id, node.id)
    return ast.unparse(tree)


def padded(source: str, seed: int = 0) -> str:
    chance = random.Random(seed)
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.For | ast.If | ast.While):
            body = []
            for statement in node.body:
                if chance.random() < 0.4:
                    body += ast.parse(chance.choice(PADDING)).body
                body.append(statement)
            node.body = body
    return ast.unparse(ast.fix_missing_locations(tree))


def reordered(source: str, seed: int = 0) -> str:
    chance = random.Random(seed)
    tree = ast.parse(source)
    tree.body = chance.sample(tree.body, len(tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            node.body = chance.sample(node.body, len(node.body))
        elif isinstance(node, ast.FunctionDef | ast.For | ast.While):
            for at in range(len(node.body) - 1):
                first, second = node.body[at : at + 2]
                if _independent(first, second) and chance.random() < 0.7:
                    node.body[at : at + 2] = [second, first]
    return ast.unparse(tree)


def other_loops(source: str, seed: int = 0) -> str:
    tree = _Loops().visit(ast.parse(source))
    return ast.unparse(ast.fix_missing_locations(tree))


def all_at_once(source: str, seed: int = 0) -> str:
    return renamed(padded(reordered(other_loops(source), seed), seed), seed)


DISGUISES: dict[str, Callable[[str, int], str]] = {
    each.__name__: each for each in (renamed, padded, reordered, other_loops, all_at_once)
}


def partly(copied: str, own: str) -> str:
    """A work of which somewhat more than half is copied, and the rest is its author's own."""
    whole = ast.parse(copied).body
    taken: list[ast.stmt] = []
    size = sum(len(ast.unparse(statement)) for statement in whole)
    for statement in whole:
        taken.append(statement)
        if sum(len(ast.unparse(each)) for each in taken) > 0.6 * size:
            break
    names = {getattr(statement, "name", None) for statement in taken}
    rest = [each for each in ast.parse(own).body if getattr(each, "name", None) not in names]
    return ast.unparse(ast.Module([*taken, *rest], []))


def _independent(first: ast.stmt, second: ast.stmt) -> bool:
    if not (isinstance(first, ast.Assign) and isinstance(second, ast.Assign)):
        return False
    makes, reads = _names(first, ast.Store), _names(first, ast.Load)
    return not (makes & (_names(second, ast.Store) | _names(second, ast.Load))) and not (
        reads & _names(second, ast.Store)
    )


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    return {
        each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, context)
    }


class _Loops(ast.NodeTransformer):
    """A comprehension that is kept becomes a loop, a loop over a range a `while`, others count."""

    def __init__(self) -> None:
        self._count = 0

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        match node:
            case ast.Assign([ast.Name(id=name)], ast.ListComp(elt, [over])):
                add = ast.Call(ast.Attribute(ast.Name(name), "append"), [elt], [])
                body: list[ast.stmt] = [ast.Expr(add)]
                for test in over.ifs:
                    body = [ast.If(test, body, [])]
                empty = ast.Assign(node.targets, ast.List([]))
                return [empty, ast.For(over.target, over.iter, body, [])]
        return node

    def visit_For(self, node: ast.For) -> list[ast.stmt]:
        self.generic_visit(node)
        goes_on = any(isinstance(each, ast.Continue) for each in ast.walk(node))
        match node:
            case ast.For(ast.Name(id=name), ast.Call(ast.Name("range"), [*bounds])) if (
                len(bounds) <= 2 and not goes_on
            ):
                low = bounds[0] if len(bounds) == 2 else ast.Constant(0)
                target = ast.Name(name, ast.Store())
                test = ast.Compare(ast.Name(name), [ast.Lt()], [bounds[-1]])
                step = ast.AugAssign(target, ast.Add(), ast.Constant(1))
                return [ast.Assign([target], low), ast.While(test, [*node.body, step], [])]
        self._count += 1
        items, at = f"items_{self._count}", f"at_{self._count}"
        every = ast.parse(f"{items} = list(0)").body[0]
        assert isinstance(every, ast.Assign)
        assert isinstance(every.value, ast.Call)
        every.value.args = [node.iter]
        pick = ast.Assign([node.target], ast.parse(f"{items}[{at}]", mode="eval").body)
        count = ast.parse(f"range(len({items}))", mode="eval").body
        body = [pick, *node.body]
        return [every, ast.For(ast.Name(at, ast.Store()), count, body, node.orelse)]
