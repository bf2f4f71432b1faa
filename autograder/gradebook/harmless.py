"""Text that a spreadsheet shows and does not compute."""

from __future__ import annotations

# A tab or a line end in front is passed over by some, and the formula behind it is found.
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(text: str | None) -> str | None:
    """A text for a cell of ours, with a `'` in front where it would be a formula."""
    return f"'{text}" if text and text.lstrip(" ").startswith(_BEGINS_A_FORMULA) else text
