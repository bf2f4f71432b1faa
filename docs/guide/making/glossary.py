"""The glossary from glossary.toml, and a warning for each term that no other page links to.

Pages link to a term by Sphinx's own role, {term}`query` or {term}`queries <query>`; a link to a
term that is not there is a warning of Sphinx's, and so fails a build in which warnings do.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from making.course import notebooks
from making.exercises import Made

FILE = Path(__file__).parents[1] / "glossary.toml"
PAGES = {"sheets/glossary", "sheets/concept-map"}  # which list terms, and so do not use them
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Term:
    """A word of the trade; `introduced` is the notebook that builds it, empty if none does."""

    name: str
    says: str
    letters: str = ""
    introduced: str = ""
    see: tuple[str, ...] = ()

    @property
    def entry(self) -> str:
        """Its entry of the glossary, as MyST."""
        more = [f"*Written* `{self.letters}`."] if self.letters else []
        if self.introduced:
            heading = notebooks()[self.introduced].heading
            more.append(f"*Built in* [{heading}](../exercises.md#{self.introduced}).")
        if self.see:
            more.append("*See also* " + ", ".join(f"{{term}}`{each}`" for each in self.see) + ".")
        return "\n  ".join([self.name, self.says, *more])


def terms(file: Path = FILE) -> dict[str, Term]:
    """The terms by name, in the order of the alphabet.

    Raises: ValueError, when two have the same name.
    """
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["term"]
    found = {row["name"]: Term(**{**row, "see": tuple(row.get("see", ()))}) for row in rows}
    if len(found) < len(rows):
        raise ValueError(f"{file.name} has a term twice")
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))


class Terms(Made):
    """The whole glossary."""

    def run(self) -> list[nodes.Node]:
        """Write it by Sphinx's own directive."""
        entries = "\n\n".join(each.entry for each in terms().values())
        text = f":::{{glossary}}\n{entries}\n:::"
        return self.parsed(text)


def _linked(env: BuildEnvironment) -> dict[str, set[str]]:
    """The terms that each page links to; kept with the environment from build to build."""
    kept: dict[str, set[str]] = vars(env).setdefault("guide_terms", {})
    return kept


def _collect(app: Sphinx, tree: nodes.document) -> None:
    links = tree.findall(pending_xref)
    named = {each["reftarget"].lower() for each in links if each["reftype"] == "term"}
    _linked(app.env)[app.env.docname] = named


def _purge(_: Sphinx, env: BuildEnvironment, page: str) -> None:
    _linked(env).pop(page, None)


def _merge(_: Sphinx, env: BuildEnvironment, pages: list[str], other: BuildEnvironment) -> None:
    _linked(env).update({page: _linked(other)[page] for page in pages if page in _linked(other)})


def _check(_: Sphinx, env: BuildEnvironment) -> None:
    named: set[str] = set()
    for page, links in _linked(env).items():
        named |= set() if page in PAGES else links
    for term in terms():
        if term.lower() not in named:
            log.warning("glossary.toml defines %r, which no page links to", term)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive and the check."""
    app.add_directive("terms", Terms)
    app.connect("doctree-read", _collect)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("env-check-consistency", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
