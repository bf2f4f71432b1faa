"""What the names in a statement stand for, by Python's own rules; nothing is run.

The scopes are those of the standard library's `symtable`; where several on one line cannot be told
apart, a name is global if it is in any.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, eq=False)
class Scope:
    """A function, class, lambda or comprehension inside a statement; the module has no parent."""

    tables: tuple[symtable.SymbolTable, ...] = ()
    parent: Scope | None = None
    is_class: bool = False

    def owner(self, name: str) -> Scope | None:
        """The scope that a name read or bound here lives in; None is the module."""
        scope: Scope | None = self
        while scope is not None and scope.parent is not None:
            found = [symbol for table in scope.tables if (symbol := _symbol(table, name))]
            if any(symbol.is_global() for symbol in found):
                return None
            if any(symbol.is_local() for symbol in found) and (scope is self or not scope.is_class):
                return scope
            scope = scope.parent
        return None


def _symbol(table: symtable.SymbolTable, name: str) -> symtable.Symbol | None:
    return table.lookup(name) if name in table.get_identifiers() else None


MODULE = Scope()


@dataclass(eq=False)
class Statement:
    """One statement at the top of a cell.

    `scopes` has the scope of every name in it, `reads` are the global names
    that it reads, `binds` those that it may bind, `values` what each name is bound to, by the scope
    that it lives in: expressions, and None for what cannot be said.
    """

    node: ast.stmt
    scopes: dict[ast.AST, Scope] = field(default_factory=dict)
    reads: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    imports: dict[tuple[Scope | None, str], set[str]] = field(default_factory=dict)
    values: dict[tuple[Scope | None, str], list[ast.expr | None]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    is_readable: bool = True

    @cached_property
    def nodes(self) -> Sequence[ast.AST]:
        """All nodes of its tree."""
        return tuple(ast.walk(self.node))

    def scope_of(self, node: ast.AST) -> Scope:
        """The scope of a name; the module's, where no more is known."""
        return self.scopes.get(node, MODULE)

    def bind(self, name: str, scope: Scope, value: ast.expr | None = None) -> None:
        """Note that a name is bound there."""
        owner = scope.owner(name)
        self.values.setdefault((owner, name), []).append(value)
        if owner is None:
            self.binds.add(name)

    def take(self, name: str, path: str, scope: Scope) -> None:
        """Note that a name is imported there."""
        owner = scope.owner(name)
        self.imports.setdefault((owner, name), set()).add(path)
        self.values.setdefault((owner, name), []).append(None)
        if owner is None:
            self.binds.add(name)
