"""The texts that expressions of literals make, as far as they can be worked out."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from itertools import product

from autograder.reading.scopes import Scope, Statement

# Names can double with every line, and the grader's memory is not that of the sandbox.
LONGEST_TEXT = 1_000
MOST = 16  # things that one name may stand for


class Texts:
    """What names say where the global ones are bound by `globals`.

    `around` are the statements and scopes in which the code of a text is run.
    """

    def __init__(
        self, globals: Mapping[str, Sequence[Statement]], around: Sequence[tuple[Statement, Scope]]
    ) -> None:
        self._globals = globals
        self._around = around
        self._known: dict[ast.expr, frozenset[str] | None] = {}

    def of(self, statement: Statement, node: ast.expr) -> frozenset[str] | None:
        """All texts that an expression may make; None where it is not known."""
        if node not in self._known:
            self._known[node] = None  # a name that says itself says nothing
            found = self._found(statement, node)
            is_small = found and len(found) <= MOST and max(map(len, found)) <= LONGEST_TEXT
            self._known[node] = frozenset(found) if found and is_small else None
        return self._known[node]

    def _found(self, statement: Statement, node: ast.expr) -> set[str] | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return {node.value}
        if isinstance(node, ast.Name):
            return self._of_name(statement, node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._joined(statement, [node.left, node.right], frozenset({""}))
        if isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.FormattedValue) else p for p in node.values]
            return self._joined(statement, parts, frozenset({""}))
        if isinstance(node, ast.Call) and len(node.args) == 1:
            joined, by = node.args[0], node.func
            if isinstance(by, ast.Attribute) and by.attr == "join":
                between = self.of(statement, by.value)
                if between and isinstance(joined, ast.List | ast.Tuple):
                    return self._joined(statement, joined.elts, between)
        return None

    def _joined(
        self, statement: Statement, parts: Sequence[ast.expr], between: frozenset[str]
    ) -> set[str] | None:
        texts = [text for part in parts if (text := self.of(statement, part)) is not None]
        if not parts or len(texts) < len(parts):
            return None
        size = sum(max(map(len, text)) + max(map(len, between)) for text in texts)
        count = len(between)
        for text in texts:
            count *= len(text)
        if size > LONGEST_TEXT or count > MOST:
            return None
        return {each.join(some) for each in between for some in product(*texts)}

    def _of_name(self, statement: Statement, node: ast.Name) -> set[str] | None:
        """All that a name may say; None where one of its values is no text that is known."""
        owner = statement.scope_of(node).owner(node.id)
        places = [(statement, owner)]
        if owner is None:
            places += [(outer, scope.owner(node.id)) for outer, scope in self._around]
            places += [(each, None) for each in self._globals.get(node.id, ())]
        found: set[str] = set()
        for place, scope in dict.fromkeys(places):
            for value in place.values.get((scope, node.id), ()):
                words = self.of(place, value) if value is not None else None
                if words is None:
                    return None
                found |= words
        return found or None
