"""Finds, in the source, what a definition takes from a library although it is to be built here.

What runs unseen by this is seen by the observations, which note the operators that ran; each
covers ways around the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from autograder.reading.mentions import HIDDEN, UNSEEN, mentions, run_texts
from autograder.reading.scopes import Statement
from autograder.reading.standing import Cell, GlobalNames, standing


class DefinitionSource:
    """What one definition is made of where its test cell stands.

    `definitions` are those that answer for themselves, `own_modules` lie beside the notebook and
    are no library.
    """

    def __init__(
        self,
        name: str,
        cells: Sequence[Cell],
        definitions: Iterable[str],
        own_modules: Iterable[str] = (),
    ) -> None:
        self.name = name
        self._definitions = frozenset(definitions)
        modules = frozenset(own_modules)
        self._standing: GlobalNames = standing(cells, name, modules)
        self._library = self._standing.library(modules)
        self._reached: dict[Statement, None] = {}
        self._names: set[str] = set()
        self._others: set[str] = set()
        self._follow()

    def _follow(self) -> None:
        """Gather the student's statements that it is made of, but for other definitions."""
        todo = [self.name]
        while todo:
            name = todo.pop()
            if name in self._names:
                continue
            self._names.add(name)
            for statement in self._made_of(name):
                if statement not in self._reached:
                    self._reached[statement] = None
                    todo += sorted(self._reads(statement))

    def _made_of(self, name: str) -> Iterator[Statement]:
        is_other = name in self._definitions and name != self.name
        if is_other:
            self._others.add(name)
        for statement in self._standing.statements.get(name, ()):
            cell = self._standing.origin[statement]
            # A helper in another definition's cell may have this name as well.
            is_helper = cell.kind == "solution" and cell.name != name
            if cell.kind != "given" and (not is_other or is_helper):
                yield statement

    def _reads(self, statement: Statement) -> set[str]:
        texts = run_texts(self._library, statement) or ()
        return statement.reads.union(*(text.reads for text in texts))

    @cached_property
    def others(self) -> frozenset[str]:
        """The other definitions that it uses by itself or through helpers."""
        return frozenset(self._others)

    @cached_property
    def library_names(self) -> list[str]:
        """The library names that it or its helpers mention, dotted, as far as they matter.

        What cannot be seen is given as a phrase.
        """
        found = mentions(self._library, [*self._reached, *self._standing.patches])
        return [*found.all(), *([HIDDEN] if self._is_bound_unseen() else [])]

    def _is_bound_unseen(self) -> bool:
        """Whether one of its names may be another than it seems."""
        if not self._standing.is_blind:
            return False
        origin, of = self._standing.origin, self._standing.statements
        own = (origin[each].kind == "own" for name in self._names for each in of.get(name, ()))
        names = self._names - self._definitions | {self.name}
        return any(own) or not all(map(self._standing.is_bound, names))


def first_forbidden(names: Iterable[str], forbidden: Sequence[str]) -> str | None:
    """The first of the names that must not be used; letter case and underscores do not count."""
    parts, names = [_bare(part) for part in forbidden], list(names)
    together = _bare(" ".join(names))
    if not {*UNSEEN} & {*names} and not any(part in together for part in parts):
        return None
    for name in names:
        if (name in UNSEEN and parts) or any(part in _bare(name) for part in parts):
            return name
    return None


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


def read_definitions(
    cells: Sequence[Cell], definitions: Iterable[str], own_modules: Iterable[str] = ()
) -> dict[str, DefinitionSource]:
    """What each of these definitions is made of."""
    names, modules = list(definitions), list(own_modules)
    return {name: DefinitionSource(name, cells, names, modules) for name in names}


def messages(
    cells: Iterable[Cell | str],
    forbidden: Mapping[str, Sequence[str]],
    own_modules: Iterable[str] = (),
) -> dict[str, str]:
    """For each definition that takes what is forbidden there, the sentence that says so.

    Of code without a cell nothing is known but that it is run in this order.
    """
    every = [Cell(each) if isinstance(each, str) else each for each in cells]
    return messages_of(read_definitions(every, forbidden, own_modules), forbidden)


def messages_of(
    found: Mapping[str, DefinitionSource], forbidden: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """For each definition that takes what is forbidden there, the sentence that says so.

    What another one takes that it uses counts here where it is forbidden here only.
    """
    said: dict[str, str] = {}
    for name, parts in forbidden.items():
        names = iter(found[name].library_names)
        call = first_forbidden(names, parts)
        for other in sorted(used(found, name)) if call is None else ():
            call = call or first_forbidden(
                (
                    n
                    for n in found[other].library_names
                    if not first_forbidden([n], forbidden[other])
                ),
                parts,
            )
        if call is not None:
            said[name] = message_of(call)
    return said


def used(found: Mapping[str, DefinitionSource], name: str) -> frozenset[str]:
    """The definitions that one uses, directly or through others."""
    todo, seen = [name], set[str]()
    while todo:
        more = (found[todo.pop()].others & found.keys()) - seen
        seen |= more
        todo += more
    return frozenset(seen - {name})


def message_of(name: str) -> str:
    """The sentence for a name that must not be used."""
    if name in UNSEEN:
        return f"uses {name}, so that it cannot be seen what it calls; write the call out"
    shown = name if re.fullmatch(r"[\w.:]{1,80}", name, re.ASCII) else "a function"
    return f"calls {shown}, which is to be built here, not called"
