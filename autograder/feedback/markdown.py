"""Markdown into HTML that is safe to show and needs no network: formulas become MathML."""

from __future__ import annotations

import html
import re
from typing import Any
from xml.etree.ElementTree import tostring

from latex2mathml.converter import convert_to_element
from markupsafe import Markup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

LONGEST_FORMULA = 2_000
LONGEST_TEXT = 50_000  # beyond, what looks for formulas takes minutes


class _Renderer(IPythonRenderer):
    """HTML in the text is shown as text; pictures, which may lie elsewhere, as their words."""

    def __init__(self) -> None:
        super().__init__(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)

    def block_math(self, body: str) -> str:
        return _formula(body, "block")

    def inline_math(self, body: str) -> str:
        return _formula(body, "inline")

    def latex_environment(self, name: str, body: str) -> str:
        return _formula(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")

    def image(self, text: str, *_: Any, **__: Any) -> str:
        return html.escape(text)


def _formula(body: str, display: str) -> str:
    try:
        if len(body) > LONGEST_FORMULA:
            raise ValueError("too long")
        formula = convert_to_element(body, display=display)
        for part in formula.iter():  # what follows a link or asks another place
            for name in ("href", "style", "class", "id"):
                part.attrib.pop(name, None)
        if display == "block":
            # A long formula is scrolled sideways, which the keyboard can do where the focus is.
            formula.set("tabindex", "0")
        # Symbols are references to characters, which are to stay; all else is text, also a tag.
        return re.sub(r"&amp;(#x\w+;)", r"&\1", tostring(formula, encoding="unicode"))
    except Exception:  # whatever a student wrote between two dollars
        return f"<code>{html.escape(body)}</code>"


def rendered(text: str) -> str:
    """The HTML of a Markdown cell; of a very long one, its text."""
    if len(text) > LONGEST_TEXT:
        return f"<pre>{html.escape(text)}</pre>"
    return str(MarkdownWithMath(renderer=_Renderer()).render(text))


def with_code(text: str) -> Markup:
    """One line of text, escaped, in which what stands between backticks is code."""
    pieces = re.split(r"`([^`]+)`", text)
    return Markup().join(
        Markup("<code>{}</code>").format(piece) if number % 2 else piece
        for number, piece in enumerate(pieces)
    )
