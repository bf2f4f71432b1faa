"""The directives `exercises` and `misconceptions`: the notebooks, told by themselves.

```{exercises}
```

```{misconceptions} 03-multi-head-attention split_heads
:limit: 5
```
"""

from __future__ import annotations

import re
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from making.course import Definition, Mistake, Notebook, mistakes, notebooks
from making.looked_up import looked_up

SHOWN = 12  # of each definition, on the page of the exercises


def escaped(text: str) -> str:
    """Words that are no Markdown, but for what stands between backticks."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if place % 2 else re.sub(r"([\\*_$<>\[\]{}#|~])", r"\\\1", part)
        for place, part in enumerate(parts)
    )


def listed(found: tuple[Mistake, ...], limit: int | None = None) -> str:
    """Wrong ideas as a Markdown list, and how many more there are."""
    own = [each for each in found if not each.is_of_any_code]
    shown = own[:limit]
    lines = [f"- **{escaped(each.name)}** {escaped(each.effect)}" for each in shown]
    more = len(own) - len(shown)
    general = len(found) - len(own)
    also = [f"{more} more of this kind"] * (more > 0) + [
        f"{general} that one can make in any code: another dtype, something changed in place, an "
        "error that names no argument"
    ] * (general > 0)
    if also and shown:
        lines += ["", f"The grader also knows {', and '.join(also)}."]
    return "\n".join(lines)


def section(book: Notebook) -> str:
    """What the guide says of one notebook, as MyST."""
    known = notebooks()
    before = ", ".join(
        f"[{known[name].heading}](exercises.md#{name})" for name in book.prerequisites
    )
    on = ", ".join(book.paths)
    rows = "\n".join(_row(book.name, each) for each in book.definitions)
    drops = "\n\n".join(
        f"::::{{dropdown}} People get this wrong: `{name}`\n{listed(found, SHOWN)}\n::::"
        for name, found in mistakes(book.name).items()
        if any(not each.is_of_any_code for each in found)
    )
    return f"""\
{book.objective}

- **Time:** about {book.minutes} minutes, for {book.points:g} points
- **Before this:** {before or "nothing"}
- **On the paths:** {on}
- **Open it:** `workbook start --notebook {book.name}`<span data-notebook="{book.name}"></span>

| you write | what it does | points |
| :-- | :-- | --: |
{rows}

{drops}
"""


def _row(book: str, each: Definition) -> str:
    summary = "an answer in your own words" if each.is_answer else escaped(each.summary)
    found = "; ".join(f"[{title}]({to})" for title, to in looked_up().get((book, each.name), ()))
    look = f" *Look it up:* {found}." if found else ""
    return f"| `{each.name}` | {summary}{look} | {each.points:g} |"


class Made(SphinxDirective):
    """A directive that writes MyST."""

    def parsed(self, text: str) -> list[nodes.Node]:
        """The nodes of a piece of MyST without headings."""
        made = nodes.Element()
        made.document = self.state.document
        self.state.nested_parse(StringList(text.splitlines(), source=__file__), 0, made)
        return list(made.children)

    def section(self, name: str, heading: str, text: str) -> nodes.section:
        """A section with this very name as its anchor: docutils would drop leading digits."""
        made = nodes.section(ids=[name], names=[name])
        self.state.document.note_explicit_target(made)
        made += nodes.title("", heading)
        made += self.parsed(text)
        return made


class Exercises(Made):
    """A section for every notebook, with the notebook's name as its anchor."""

    def run(self) -> list[nodes.Node]:
        """Write the sections."""
        return [self._of(book) for book in notebooks().values()]

    def _of(self, book: Notebook) -> nodes.section:
        """One section; the row of each definition is an anchor too, behind the notebook's name."""
        made = self.section(book.name, book.heading, section(book))
        body = next(made.findall(nodes.tbody))
        for row, each in zip(body.children, book.definitions, strict=True):
            row["ids"].append(f"{book.name}.{each.name}")
        return made


class Misconceptions(Made):
    """What people get wrong in one definition of a notebook."""

    required_arguments = 2
    option_spec: ClassVar = {"limit": directives.positive_int}

    def run(self) -> list[nodes.Node]:
        """Write the list.

        Raises: an error of the page, when there is no such notebook or definition.
        """
        name, definition = self.arguments
        if name not in notebooks() or definition not in mistakes(name):
            raise self.error(f"there is no {definition} in a notebook {name}")
        told = listed(mistakes(name)[definition], self.options.get("limit"))
        to = f"{'../' * self.env.docname.count('/')}exercises.html#{name}.{definition}"
        return self.parsed(f'In <a href="{to}"><code>{definition}</code></a>:\n\n{told}')


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("exercises", Exercises)
    app.add_directive("misconceptions", Misconceptions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
