"""What a wrong version changes in the source of its definition."""

from __future__ import annotations

# Pieces of source, each as it is and as it becomes. Where it is empty, the whole becomes it.
Edits = tuple[tuple[str, str], ...]


def edited(source: str, edits: Edits) -> str | None:
    """The source with one piece after the other changed; None where one does not stand there once.

    The whole can only be written anew as the first change: it would undo an earlier one.
    """
    whole = source
    for old, new in edits:
        if whole.count(old) != 1 if old else whole != source:
            return None
        whole = whole.replace(old, new) if old else new
    return whole
