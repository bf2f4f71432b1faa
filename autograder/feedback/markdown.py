"""Markdown into HTML that is safe to show and needs no network: formulas become MathML."""

from __future__ import annotations

import html
from typing import Any

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

LONGEST_FORMULA = 2_000


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
        formula = str(convert(body, display=display))
    except Exception:  # whatever a student wrote between two dollars
        return f"<code>{html.escape(body)}</code>"
    # A long formula is scrolled sideways, which the keyboard can do where the focus is.
    return formula.replace("<math ", '<math tabindex="0" ', 1) if display == "block" else formula


def rendered(text: str) -> str:
    """The HTML of a Markdown cell."""
    return str(MarkdownWithMath(renderer=_Renderer()).render(text))
