"""What builds on what, from the notebooks' own prerequisites: a picture and a list."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from making.course import notebooks
from making.exercises import Made
from making.glossary import terms
from workbook.studying.concept_map import concept_map


def picture() -> str:
    """The map, in a box of its own that scrolls."""
    return (
        '<div class="guide-wide" role="group" tabindex="0" aria-label="Map of the notebooks">'
        f'<div style="min-width: 43rem">{concept_map().svg()}</div></div>'
    )


def listed() -> str:
    """The same as a list in MyST, with the words of the glossary that each notebook brings."""
    books = notebooks()
    lines = []
    for name, book in books.items():
        needed = ", ".join(
            f"[{books[each].heading}](../exercises.md#{each})" for each in book.prerequisites
        )
        leads = ", ".join(
            f"[{other.heading}](../exercises.md#{key})"
            for key, other in books.items()
            if name in other.prerequisites
        )
        words = ", ".join(f"{{term}}`{t.name}`" for t in terms().values() if t.introduced == name)
        lines += [
            f"- **[{book.heading}](../exercises.md#{name})**",
            f"  - needs {needed or 'nothing'}",
            *([f"  - leads to {leads}"] if leads else []),
            *([f"  - brings {words}"] if words else []),
        ]
    return "\n".join(lines)


class ConceptMap(SphinxDirective):
    """The picture."""

    def run(self) -> list[nodes.Node]:
        """Write it."""
        return [nodes.raw("", picture(), format="html")]


class ConceptList(Made):
    """The list."""

    def run(self) -> list[nodes.Node]:
        """Write it."""
        return self.parsed(listed())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("concept-map", ConceptMap)
    app.add_directive("concept-list", ConceptList)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
