"""Which notebook a call is about: two notebooks may ask for a definition of the same name."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.errors import DeskError
from autograder.submission.cells import plain
from workbook import material
from workbook.answering.answers import Answers, every

# Where an editor says which file the kernel belongs to: VS Code in a variable of the notebook, a
# Jupyter server in one of the environment.
OF_VS_CODE, OF_JUPYTER = "__vsc_ipynb_file__", "JPY_SESSION_NAME"


def name_of(definition: Any) -> str:
    """The name of a definition that is given by it, or itself; empty where it has none."""
    return definition if isinstance(definition, str) else getattr(definition, "__name__", "")


def answers_for(
    definition: Any, namespace: Mapping[str, Any], notebook: str | None = None, call: str = "check"
) -> Answers:
    """The answers of the notebook that asks for a definition: the named one, or the caller's.

    Raises: DeskError, when none asks for it, or several do and the caller's cannot be told.
    """
    name = name_of(definition)
    known = [_called(notebook)] if notebook is not None else every()
    asking = [each for each in known if name in each.definitions]
    if not asking:
        definitions = [each for answers in known for each in answers.definitions]
        near = difflib.get_close_matches(name, definitions, n=1)
        meant = f' Did you mean check("{near[0]}")?' if near else ""
        here = dict.fromkeys(each for each in definitions if each in namespace)
        known_here = f" Here it knows {', '.join(here)}." if here and not near else ""
        raise DeskError(f"check knows no {name or definition!r}.{meant}{known_here}")
    return _only(asking, namespace, call, f'"{name}", ')


def answers_here(namespace: Mapping[str, Any], notebook: str | None = None) -> Answers:
    """The answers of the named notebook, or of the caller's, of which something is defined.

    Raises: DeskError, when nothing is defined, or the caller's notebook cannot be told.
    """
    known = [_called(notebook)] if notebook is not None else every()
    begun = [each for each in known if any(name in namespace for name in each.definitions)]
    if not begun:
        raise DeskError("nothing is defined yet: first run a cell in which you write a function.")
    return _only(begun, namespace, "check", "")


def _called(notebook: str) -> Answers:
    """The answers of the notebook of this name, or whose name alone begins like this."""
    found = [each for each in every() if each.name == notebook] or [
        each for each in every() if each.name.startswith(str(notebook))
    ]
    if len(found) != 1:
        known = ", ".join(each.name for each in found or every())
        raise DeskError(f"{notebook!r} names no single notebook: choose one of {known}.")
    return found[0]


def _only(
    candidates: Sequence[Answers], namespace: Mapping[str, Any], call: str, asked: str
) -> Answers:
    """The one that the caller is in, by the first clue that leaves one."""
    for clue in (_by_file, _by_cells, _by_definitions):
        if len(candidates) > 1:
            candidates = clue(candidates, namespace)
    if len(candidates) > 1:
        names = [each.name for each in candidates]
        raise DeskError(
            f"{' and '.join(names)} both ask for it: say which is meant, as in "
            f'{call}({asked}notebook="{names[0]}").'
        )
    return candidates[0]


def _by_file(candidates: Sequence[Answers], namespace: Mapping[str, Any]) -> Sequence[Answers]:
    """By the name of the kernel's file or its folder, as far as the editor tells them."""
    told = [namespace.get(OF_VS_CODE), os.environ.get(OF_JUPYTER)]
    files = [Path(each) for each in told if isinstance(each, str) and each]
    for file in [*files, Path.cwd() / "any"]:  # a kernel runs in the notebook's folder
        found = [each for each in candidates if file.stem == each.name] or [
            each for each in candidates if file.parent.name == each.name
        ]
        if found:
            return found
    return candidates


def _by_cells(candidates: Sequence[Answers], namespace: Mapping[str, Any]) -> Sequence[Answers]:
    """By the cells that were run in this kernel just as the notebook has them."""
    history = namespace.get("In")
    run = {plain(str(cell)) for cell in history} if isinstance(history, list) else set()

    def count(each: Answers) -> int:
        cells = material.released(each.name)["cells"] if run else []
        return len(run & {plain(material.text(cell)) for cell in cells})

    return _most(candidates, count)


def _by_definitions(
    candidates: Sequence[Answers], namespace: Mapping[str, Any]
) -> Sequence[Answers]:
    """By how much of what a notebook asks for is defined."""
    return _most(candidates, lambda each: sum(name in namespace for name in each.definitions))


def _most(candidates: Sequence[Answers], count: Callable[[Answers], int]) -> Sequence[Answers]:
    counts = [count(each) for each in candidates]
    pairs = zip(candidates, counts, strict=True)
    return [each for each, number in pairs if number == max(counts)]
