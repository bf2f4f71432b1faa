"""The templates of pages: everything is escaped, and what is not given is an error."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from autograder.feedback.code_in_text import with_code
from autograder.verdict.standing import cents

PAGE_STYLE = Path(__file__).with_name("page.css")  # what every page begins with


def templates(folder: Path) -> Environment:
    """The templates of a folder, with the filters of every page."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(with_code=with_code, cents=cents)
    return environment


def styles(*paths: Path) -> Markup:
    """Style sheets one after the other, to stand in a page."""
    return Markup("\n".join(path.read_text(encoding="utf-8") for path in paths))
