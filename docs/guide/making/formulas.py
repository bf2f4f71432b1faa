"""The directive `formulas`: the formula sheet from formulas.toml.

Names of arguments are compared with the definition's own, in solutions/, without running it.
"""

from __future__ import annotations

import ast
import math
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from making.course import ROOT, course, notebooks
from making.exercises import Made

FILE = Path(__file__).parents[1] / "formulas.toml"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Formula:
    """A formula and the definition that computes it; a row of `letters` is as in the file."""

    title: str
    notebook: str
    definition: str
    latex: str
    says: str
    letters: list[list[str]]
    example: str = ""

    @property
    def strangers(self) -> list[str]:
        """The arguments named that are none of the definition's."""
        known = arguments(self.notebook).get(self.definition, frozenset())
        return [row[1] for row in self.letters if row[1] and row[1] not in known]

    @property
    def text(self) -> str:
        """What the sheet says of it, as MyST."""
        rows = "\n".join(
            f"| {letter} | {f'`{argument}`' if argument else ''} | {f'`{shape}`' if shape else ''} "
            f"| {meaning} |"
            for letter, argument, shape, meaning in self.letters
        )
        heading = notebooks()[self.notebook].heading
        built = f"`{self.definition}` in [{heading}](../exercises.md#{self.notebook})"
        shown = f"Try it: `{self.example}` is `{self.result}`." if self.example else ""
        return f"""\
{self.says}

$$
{self.latex}
$$

| letter | argument | shape | meaning |
| :-- | :-- | :-- | :-- |
{rows}

{shown} Built as {built}.
"""

    @property
    def result(self) -> object:
        """What its example gives."""
        return eval(self.example, {"math": math})


def formulas(file: Path = FILE) -> list[Formula]:
    """The formulas, in the order of the file."""
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["formula"]
    return [Formula(**row) for row in rows]


@cache
def arguments(notebook: str) -> dict[str, frozenset[str]]:
    """The arguments of each definition of a notebook; of a class, those of all its methods."""
    module = course().assignments[notebook].module.replace(".", "/")
    tree = ast.parse((ROOT / f"{module}.py").read_text(encoding="utf-8"))
    found: dict[str, frozenset[str]] = {}
    for each in tree.body:
        if isinstance(each, ast.FunctionDef | ast.ClassDef):
            inside = (node for node in ast.walk(each) if isinstance(node, ast.arg))
            found[each.name] = frozenset(node.arg for node in inside)
    return found


class Formulas(Made):
    """A section for each formula."""

    def run(self) -> list[nodes.Node]:
        """Write the sections."""
        made: list[nodes.Node] = []
        for each in formulas():
            for name in each.strangers:
                log.warning("%s: %s has no argument %r", FILE.name, each.definition, name)
            anchor = "formula-" + each.title.lower().replace(" ", "-").replace(",", "")
            made.append(self.section(anchor, each.title, each.text))
        return made


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("formulas", Formulas)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
