"""Pictures in a student's text: attached to the cell, inside the text as data, or in a file."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

# In an <img>, a browser runs and fetches nothing of any of these.
TYPES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
}
Pictures = dict[str, dict[str, str]]  # by name, then by type, in base64, as in a cell's attachments

_DATA = re.compile(r"data:(image/[\w.+-]+)(?:;[\w=.-]+)*;base64,([A-Za-z0-9+/=%]+)")
_ADDRESS = re.compile(r"""\]\(\s*<?([^)>"'\n]{1,300})|\bsrc\s*=\s*["']?([^"'>\s]{1,300})""")


def attached(cell: Mapping[str, Any]) -> Pictures:
    """The pictures that are attached to a cell, as far as they are some."""
    theirs = cell.get("attachments")
    found: Pictures = {}
    for name, kinds in theirs.items() if isinstance(theirs, Mapping) else ():
        for kind, data in kinds.items() if isinstance(kinds, Mapping) else ():
            text = "".join(map(str, data)) if isinstance(data, list) else str(data)
            if kind in TYPES.values() and _is_base64(text):
                found.setdefault(str(name), {})[kind] = "".join(text.split())
    return found


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError):
        return False


def lifted(text: str) -> tuple[str, Pictures]:
    """A text in which pictures that it holds as data are attached to it instead."""
    found: Pictures = {}

    def lift(match: re.Match[str]) -> str:
        kind, data = match[1].replace("image/jpg", "image/jpeg"), unquote(match[2])
        if kind not in TYPES.values() or not _is_base64(data):
            return match[0]
        name = f"in-the-text-{len(found) + 1}"
        found[name] = {kind: data}
        return f"attachment:{name}"

    return _DATA.sub(lift, text), found


def in_files(text: str, files: Mapping[str, bytes]) -> Pictures:
    """The pictures that a text shows out of files that were handed in with it, by their paths."""
    found: Pictures = {}
    for address in _addresses(text):
        content = files.get(unquote(address).removeprefix("./"))
        kind = TYPES.get(address.rpartition(".")[2].lower())
        if content and kind:
            found[address] = {kind: base64.b64encode(content).decode()}
    return found


def _addresses(text: str) -> Iterator[str]:
    for match in _ADDRESS.finditer(text):
        yield (match[1] or match[2]).strip()


def source_of(address: str, pictures: Mapping[str, Mapping[str, str]]) -> str | None:
    """What an <img> shows for an address in a text, or None where that is no picture at hand."""
    name = address.removeprefix("attachment:")
    kinds = pictures.get(name) or pictures.get(unquote(name)) or {}
    kind = next((kind for kind in TYPES.values() if kind in kinds), None)
    return f"data:{kind};base64,{kinds[kind]}" if kind else None


def joined(text: str, pictures: Pictures, taken: Pictures, position: int) -> tuple[str, Pictures]:
    """A text and its pictures beside those `taken`: what has the name of another is renamed."""
    renamed: Pictures = {}
    for name, kinds in pictures.items():
        new = f"{position}-{name}" if taken.get(name, kinds) != kinds else name
        for form in dict.fromkeys((name, name.replace(" ", "%20"))):
            text = text.replace(f"attachment:{form}", f"attachment:{new}") if new != name else text
        renamed[new] = kinds
    return text, renamed
