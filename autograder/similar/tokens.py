"""Python source as tokens that renaming, layout, padding and another form of loop leave alike.

Local names are all one token, and so is every text; annotations, docstrings, comments, imports and
bare constants are none. A loop is a loop, in whatever form; `x += 1` is `x = x + 1`; a function of
a library is the method of the same name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograder.submission.pieces import statements

MODULES = frozenset({"torch", "F", "functional", "nn", "np", "numpy", "math"})
NOTHING = (ast.Import, ast.ImportFrom, ast.Pass, ast.Global, ast.Nonlocal)


@dataclass(frozen=True)
class Token:
    """One token, and the line that it stands in, counted from 1."""

    text: str
    line: int


def tokens(source: str) -> list[Token]:
    """The tokens of a text, none where it is no Python or too deeply nested to be read."""
    body = statements(source)
    try:
        return [] if body is None else _Reader(body).tokens
    except RecursionError:
        return []


class _Reader:
    def __init__(self, body: Sequence[ast.stmt]) -> None:
        self.tokens: list[Token] = []
        self._line = 1
        every = [node for statement in body for node in ast.walk(statement)]
        self._local = {
            *(n.id for n in every if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)),
            *(n.arg for n in every if isinstance(n, ast.arg)),
            *(n.name for n in every if isinstance(n, ast.ExceptHandler) and n.name),
        }
        self._body(body)

    def _add(self, text: str) -> None:
        self.tokens.append(Token(text, self._line))

    def _body(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            is_bare = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not is_bare and not isinstance(statement, NOTHING):
                self._read(statement)

    def _all(self, *nodes: ast.AST | Sequence[ast.AST] | None) -> None:
        for node in nodes:
            if isinstance(node, ast.AST):
                self._read(node)
            elif node is not None:
                self._all(*node)

    def _read(self, node: ast.AST) -> None:
        self._line = getattr(node, "lineno", self._line)
        match node:
            case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
                self._add(f"def{len(node.args.args)}")
                self._all(node.args.defaults)
                self._body(body)
            case ast.ClassDef(body=body):
                self._add("class")
                self._body(body)
            case ast.Lambda(body=result):
                self._add("lambda")
                self._read(result)
            case ast.For(target=target, iter=over, body=body, orelse=otherwise):
                self._add("loop")
                self._all(over, target)
                self._body([*body, *otherwise])
            case ast.While(test=test, body=body, orelse=otherwise):
                self._add("loop")
                self._read(test)
                self._body([*body, *otherwise])
            case ast.If(test=test, body=body, orelse=otherwise):
                self._add("if")
                self._read(test)
                self._body([*body, *otherwise])
            case ast.With(items=items, body=body):
                self._all([item.context_expr for item in items])
                self._body(body)
            case ast.Try(body=body, handlers=handlers, orelse=otherwise, finalbody=last):
                self._add("try")
                self._body([*body, *(s for each in handlers for s in each.body)])
                self._body([*otherwise, *last])
            case ast.Raise(exc=ast.Call(func=kind)):
                self._add("raise")
                self._read(kind)
            case _:
                self._read_simple(node)

    def _read_simple(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self._all(value, targets)
                self._add("=")
            case ast.AnnAssign(target=target, value=value):
                self._all(value, target)
                self._add("=")
            case ast.AugAssign(target=target, op=op, value=value):
                self._all(target, value)
                self._add(type(op).__name__)
                self._read(target)
                self._add("=")
            case ast.Return(value=value):
                self._all(value)
                self._add("return")
            case ast.Expr(value=value):
                self._read(value)
            case ast.BinOp(left=left, op=op, right=right):
                self._all(left, right)
                self._add(".matmul" if isinstance(op, ast.MatMult) else type(op).__name__)
            case ast.Compare(left=left, ops=ops, comparators=others):
                self._all(left, others)
                self._add(" ".join(type(op).__name__ for op in ops))
            case ast.Name(id=name):
                self._add("name" if name in self._local else name)
            case ast.Attribute(value=ast.Name(id=of), attr=name) if of in MODULES - self._local:
                self._add(f".{name}")
            case ast.Attribute(value=of, attr=name):
                self._read(of)
                self._add(f".{name}")
            case ast.Call(func=called, args=given, keywords=named):
                self._all(called, given)
                for each in named:
                    self._add(f"{each.arg}=")
                    self._read(each.value)
                self._add("()")
            case ast.Constant(value=str()) | ast.JoinedStr():
                self._add("text")
            case ast.Constant(value=value):
                self._add(repr(value))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                self._comprehension(node.generators, node.elt)
            case ast.DictComp():
                self._comprehension(node.generators, node.key, node.value)
            case ast.expr_context():
                pass
            case _:
                self._add(type(node).__name__)
                self._all(list(ast.iter_child_nodes(node)))

    def _comprehension(self, over: Sequence[ast.comprehension], *made: ast.expr) -> None:
        for each in over:
            self._add("loop")
            self._all(each.iter, each.target)
            for test in each.ifs:
                self._add("if")
                self._read(test)
        self._all(made)
