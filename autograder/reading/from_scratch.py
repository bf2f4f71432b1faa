"""Finds, in the source, what a definition takes from a library although it is to be built here.

What runs unseen by this is seen by the observations, which note the operators that ran; each
covers ways around the other.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence

from autograder.reading.library import UNSEEN, Library
from autograder.reading.names import made, parsed, uses


def library_names(
    sources: Sequence[str], definitions: Iterable[str], own_modules: Iterable[str] = ()
) -> dict[str, list[str]]:
    """For each definition, the library names that it or its helpers mention, dotted.

    A name put together at run time is given as a phrase. Other definitions are not followed:
    each answers for itself. `own_modules` lie beside the notebook and are no library.
    """
    statements = parsed(sources)
    library = Library(statements, frozenset(own_modules))
    direct: dict[str, list[str]] = {}
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        found = library.mentioned(statement)
        for name in made(statement):
            direct.setdefault(name, []).extend(found)
    own = set(definitions)
    helpers = uses(sources, own, without=own)
    return {
        name: [
            *direct.get(name, []),
            *(
                each
                for used in sorted(helpers.get(name, frozenset()) - own)
                for each in direct.get(used, [])
            ),
        ]
        for name in own
    }


def first_forbidden(names: Iterable[str], forbidden: Sequence[str]) -> str | None:
    """The first of the names that must not be used; letter case and underscores do not count."""
    parts = [_bare(part) for part in forbidden]
    for name in names:
        if (name in UNSEEN and parts) or any(part in _bare(name) for part in parts):
            return name
    return None


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


def messages(
    sources: Sequence[str],
    forbidden: Mapping[str, Sequence[str]],
    own_modules: Iterable[str] = (),
) -> dict[str, str]:
    """For each definition that takes what is forbidden there, the sentence that says so."""
    mentioned = library_names(sources, forbidden, own_modules)
    found = {name: first_forbidden(mentioned[name], parts) for name, parts in forbidden.items()}
    return {name: message_of(each) for name, each in found.items() if each is not None}


def message_of(name: str) -> str:
    """The sentence for a name that must not be used."""
    if name in UNSEEN:
        return f"uses {name}, so that it cannot be seen what it calls; write the call out"
    shown = name if re.fullmatch(r"[\w.:]{1,80}", name, re.ASCII) else "a function"
    return f"calls {shown}, which is to be built here, not called"
