"""A table in a text file of which single cells are changed, and no other byte.

`csv` reads the same values, but does not say where they stand, and would write every cell its own
way.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import CourseError

DELIMITERS = (",", ";", "\t")
QUOTE = '"'
# What a spreadsheet program writes: OLE and zip.
_WORKBOOKS = (b"\xd0\xcf\x11\xe0", b"PK\x03\x04")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class RawCell:
    """A value, and the part of the text that it is written in."""

    value: str
    start: int
    end: int
    is_quoted: bool


@dataclass(frozen=True)
class RawTable:
    """The lines of a file as cells; `mark` are the bytes in front that say how it is encoded."""

    text: str
    rows: Sequence[Sequence[RawCell]]
    delimiter: str
    encoding: str
    mark: bytes

    def filled(self, values: Mapping[tuple[int, int], str]) -> bytes:
        """The file's bytes with other values in these cells, by row and column."""
        parts, done = [], 0
        for row, column in sorted(values):
            cell = self.rows[row][column]
            parts += [self.text[done : cell.start], self._written(values[row, column], cell)]
            done = cell.end
        parts.append(self.text[done:])
        return self.mark + _encoded("".join(parts), self.encoding)

    def _written(self, value: str, cell: RawCell) -> str:
        if cell.is_quoted or any(each in value for each in (self.delimiter, QUOTE, "\r", "\n")):
            return f"{QUOTE}{value.replace(QUOTE, 2 * QUOTE)}{QUOTE}"
        return value


def read_raw_table(path: Path) -> RawTable:
    """Read a table with commas, semicolons or tabs, in UTF-8, UTF-16 or an encoding of one byte.

    Raises: CourseError, when it is none.
    """
    content = path.read_bytes()
    if content.startswith(_WORKBOOKS):
        raise CourseError(
            f"{path} is a spreadsheet program's file, where a text with commas or tabs is "
            "expected: export it anew as delimited text (CSV)"
        )
    mark, encoding = _encoding(content)
    try:
        text = _decoded(content[len(mark) :], encoding)
    except UnicodeDecodeError:
        raise CourseError(
            f"{path} begins as {encoding.upper()} and is none further on: export it anew"
        ) from None
    if not text.strip():
        raise CourseError(f"{path} is empty: export it anew")
    delimiter = _delimiter(path, text)
    return RawTable(text, _rows(path, text, delimiter), delimiter, encoding, mark)


def _encoding(content: bytes) -> tuple[bytes, str]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return mark, encoding
    # Without a mark, letters of a header in UTF-16 have every second byte empty.
    begin = content[:64]
    if begin[1::2] and not any(begin[1::2]):
        return b"", "utf-16-le"
    if begin[::2] and not any(begin[::2]):
        return b"", "utf-16-be"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return b"", "latin-1"  # any byte is a letter of it, so that what is foreign comes back
    return b"", "utf-8"


def _decoded(content: bytes, encoding: str) -> str:
    return content.decode(encoding, "surrogatepass" if encoding.startswith("utf-16") else "strict")


def _encoded(text: str, encoding: str) -> bytes:
    return text.encode(encoding, "surrogatepass" if encoding.startswith("utf-16") else "strict")


def _delimiter(path: Path, text: str) -> str:
    """What cuts the first line into the most cells."""
    cells = {each: len(_row(path, text, 0, each)[0]) for each in DELIMITERS}
    most = max(cells.values())
    found = [each for each, count in cells.items() if count == most]
    if most == 1 or len(found) > 1:
        raise CourseError(
            f"the first line of {path} is expected to name columns, between commas, semicolons or "
            "tabs: export it anew as delimited text (CSV)"
        )
    return found[0]


def _rows(path: Path, text: str, delimiter: str) -> list[list[RawCell]]:
    rows, place = [], 0
    while place < len(text):
        row, place = _row(path, text, place, delimiter)
        rows.append(row)
    return rows


def _row(path: Path, text: str, place: int, delimiter: str) -> tuple[list[RawCell], int]:
    """The cells of the line that begins at a place, and where the next one begins."""
    cells = []
    while True:
        cell = _cell(path, text, place, delimiter)
        cells.append(cell)
        end = text[cell.end : cell.end + 1]
        if end != delimiter:
            return cells, cell.end + (2 if text.startswith("\r\n", cell.end) else 1)
        place = cell.end + 1


def _cell(path: Path, text: str, start: int, delimiter: str) -> RawCell:
    value, place = "", start
    is_quoted = text.startswith(QUOTE, start)
    if is_quoted:
        parts, place = [], start + 1
        while True:
            closing = text.find(QUOTE, place)
            if closing < 0:
                line = text.count("\n", 0, start) + 1
                raise CourseError(
                    f"line {line} of {path} opens a quotation mark that nothing closes: "
                    "export it anew"
                )
            parts.append(text[place:closing])
            place = closing + 1
            if not text.startswith(QUOTE, place):
                break
            parts.append(QUOTE)
            place += 1
        value = "".join(parts)
    end = place
    while end < len(text) and text[end] not in (delimiter, "\r", "\n"):
        end += 1
    return RawCell(value + text[place:end], start, end, is_quoted)
