"""A line of text in which some words are code."""

from __future__ import annotations

import re

from markupsafe import Markup


def with_code(text: str) -> Markup:
    """One line of text, escaped, in which what stands between backticks is code."""
    pieces = re.split(r"`([^`]+)`", text)
    return Markup().join(
        Markup("<code>{}</code>").format(piece) if number % 2 else piece
        for number, piece in enumerate(pieces)
    )
