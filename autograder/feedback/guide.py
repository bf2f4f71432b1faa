"""A course's guide, where it has one, and the passages that a page of feedback leads to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

# Below the folder of released notebooks: a section for each of them, a row for each definition.
GUIDE = Path("guide", "exercises.html")


@dataclass(frozen=True)
class Guide:
    """What the guide says of one notebook; `address` is where on the web it is, if anywhere.

    Where a page is opened, a path to the guide of the machine that wrote it leads nowhere: without
    an address there is the command that opens it.
    """

    notebook: str
    address: str = ""

    def link(self, definition: str) -> str:
        """The address of what it says of a definition; empty without one."""
        if not self.address:
            return ""
        return f"{self.address.rstrip('/')}/{GUIDE.name}#{self.notebook}.{definition}"

    def command(self, definition: str) -> str:
        """What opens it at a student's desk."""
        return f"workbook guide {self.notebook}.{definition}"


def guide_of(release: Path, notebook: str, address: str = "") -> Guide | None:
    """The guide that a course gives out, if it has a section on a notebook."""
    page = release / GUIDE
    try:
        told = f'id="{notebook}"' in _text(page, page.stat().st_mtime_ns)
    except OSError:
        return None
    return Guide(notebook, address) if told else None


@lru_cache(maxsize=1)
def _text(page: Path, changed: int) -> str:
    return page.read_text(encoding="utf-8")
