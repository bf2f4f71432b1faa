"""Pictures that matplotlib draws in a notebook, with the words that the book has for them.

JupyterLab can say nothing of a plain PNG; as HTML it has an alternative text.
"""

from __future__ import annotations

import html
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

from autograder.errors import DeskError
from workbook.material import names, released, text


def install() -> None:
    """Show the figures of this kernel with words; outside IPython nothing is done."""
    ipython: Any = sys.modules.get("IPython")
    try:
        shell = ipython.get_ipython()
        pictures = Pictures(shell.display_formatter.formatters["image/png"])
        # Not "text/html" alone: a first import of pyplot clears what is registered there.
        bundles = shell.display_formatter.mimebundle_formatter
        bundles.for_type_by_name("matplotlib.figure", "Figure", pictures.bundle)
        shell.events.register("pre_run_cell", pictures.remember)
    except (AttributeError, KeyError):  # no shell, or one of another kind: plain pictures
        return


@dataclass
class Pictures:
    """What is shown of a figure: `png` is IPython's formatter, `running` the text of the cell."""

    png: Any
    running: str = ""

    def remember(self, info: Any) -> None:
        """Keep the text of the cell that is about to run."""
        self.running = info.raw_cell or ""

    def bundle(self, figure: Any) -> dict[str, str] | None:
        """The figure as an HTML image; None, where nothing is known of it."""
        words = _words_of_cells().get(self.running.strip()) or titles(figure)
        if not words:
            return None
        try:
            drawn = self.png.lookup(figure)(figure)
        except Exception:  # no PNG is asked for, or the PNG's own attempt says why there is none
            return None
        # Of a high resolution, metadata say in which size it is to be shown.
        data, size = drawn if isinstance(drawn, tuple) else (drawn, {})
        if not isinstance(data, str):
            return None
        sized = "".join(f' {side}="{size[side]}"' for side in ("width", "height") if side in size)
        source = f"data:image/png;base64,{data}"
        return {"text/html": f'<img alt="{html.escape(words)}" src="{source}"{sized}>'}


def titles(figure: Any) -> str:
    """The titles of a figure and of its axes, in order."""
    own = [axes.get_title(side) for axes in figure.axes for side in ("left", "center", "right")]
    return ". ".join(title for title in (figure.get_suptitle(), *own) if title)


@cache
def _words_of_cells() -> dict[str, str]:
    """The words for what a released cell draws, by the text of the cell."""
    try:
        cells = [cell for name in names() for cell in released(name)["cells"]]
        drawing = [cell for cell in cells if "alt" in cell["metadata"]]
        return {text(cell).strip(): cell["metadata"]["alt"] for cell in drawing}
    except (DeskError, OSError, ValueError, KeyError):  # titles still say something
        return {}
