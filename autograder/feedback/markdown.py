"""Markdown into HTML that is safe to show and needs no network: formulas become MathML."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import tostring

from latex2mathml.converter import convert_to_element
from mistune.plugins.table import render_table
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from autograder.submission.pictures import attached, lifted, source_of

LONGEST_FORMULA = 2_000
LONGEST_TEXT = 50_000  # beyond, what looks for formulas takes minutes
MOST_ENVIRONMENTS = 200  # for each that begins, its end is looked for in all that follows
_COLOURED = ("python", "py", "python3")
_IMG = re.compile(r"<img\b[^<>]*>", re.I)
_ATTRIBUTE = re.compile(r"""\b(src|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I)


class _Renderer(IPythonRenderer):
    """HTML in the text is shown as text, but for pictures that the notebook brings along.

    A picture that lies elsewhere is not fetched: its words and its address stand there. So do those
    of a link where there are to be no `links`.
    """

    def __init__(self, pictures: Mapping[str, Mapping[str, str]], links: bool) -> None:
        super().__init__(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)
        self._pictures = pictures
        self._links = links

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if self._links:
            return str(super().link(text, url, title))
        address = html.escape(html.unescape(url))
        return text if text in (address, url) else f"{text} [{address}]"

    def block_code(self, code: str, info: str | None = None) -> str:
        language = (info or "").strip().lower()
        # Of other languages, which a text may choose among hundreds, some take minutes to colour.
        return str(super().block_code(code, info if language in _COLOURED else None))

    def table(self, text: str) -> str:
        # A wide table is scrolled sideways, not the page, and by the keyboard too.
        return f'<div class="wide" tabindex="0">{render_table(self, text)}</div>\n'

    def task_list_item(self, text: str, checked: bool = False) -> str:
        # A box to tick would be an input without a name, and nobody could tick it.
        return f"<li>{'☑' if checked else '☐'} {text}</li>\n"

    def block_math(self, body: str) -> str:
        return _formula(body, "block")

    def inline_math(self, body: str) -> str:
        return _formula(body, "inline")

    def latex_environment(self, name: str, body: str) -> str:
        return _formula(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")

    def image(self, text: str, url: str, *_: Any, **__: Any) -> str:
        source = source_of(url, self._pictures)
        words = html.escape(html.unescape(re.sub(r"<[^>]*>", "", text)))
        if source is None:
            return f"[a picture that is not shown: {words} {html.escape(html.unescape(url))}]"
        return f'<img alt="{words}" src="{source}">'

    def inline_html(self, html: str) -> str:
        return self._with_pictures(html)

    def block_html(self, html: str) -> str:
        return f"<p>{self._with_pictures(html.strip())}</p>\n"

    def _with_pictures(self, text: str) -> str:
        pieces = _IMG.split(text)
        shown = [html.escape(pieces[0])]
        for tag, after in zip(_IMG.findall(text), pieces[1:], strict=True):
            given = {m[1].lower(): m[2] or m[3] or m[4] or "" for m in _ATTRIBUTE.finditer(tag)}
            shown += [self.image(given.get("alt", ""), given.get("src", "")), html.escape(after)]
        return "".join(shown)


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


def rendered(
    text: str, attachments: Mapping[str, Mapping[str, str]] | None = None, links: bool = True
) -> str:
    """The HTML of a Markdown cell with the pictures that it has; of one that takes long, its text.

    What strangers wrote has no `links`: who reads it has more to lose than a click.
    """
    text, inside = lifted(text)
    if len(text) > LONGEST_TEXT or text.count(r"\begin") > MOST_ENVIRONMENTS:
        return f"<pre>{html.escape(text)}</pre>"
    renderer = _Renderer({**attached({"attachments": attachments}), **inside}, links)
    return str(MarkdownWithMath(renderer=renderer).render(text))
