"""A zip that somebody else filled: read as if every entry were meant to do harm."""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType

from autograder.course.course import is_litter
from autograder.errors import CourseError, UnreadableError, printable
from autograder.submission.handed_in import MAX_BYTES, MAX_DEPTH, MAX_NAME

MAX_ENTRIES = 100_000
MAX_DIRECTORY = 32 * 2**20  # bytes of the list of entries, which is read as a whole
# What the systems write; the others can make much of little in one step.
PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
TIGHT, TIGHT_BYTES = 200, 2**20  # no work is packed so tightly, unless it is small
_ENDS = b"PK\x05\x06"
_ENDS_64 = b"PK\x06\x07"


@dataclass(frozen=True)
class LeftOut:
    """What was not taken, as the zip calls it, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class ZipEntry:
    """One entry that may be read; its path stays where it is unpacked."""

    path: PurePosixPath
    info: zipfile.ZipInfo

    @property
    def is_notebook(self) -> bool:
        """Whether it is called so."""
        return self.path.suffix.lower() == ".ipynb"


class Archive:
    """The entries of a zip that may be read, and why the others may not; a context.

    Raises: CourseError, when it is no zip that can be read.
    """

    def __init__(self, path: Path) -> None:
        _check_size(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            ValueError,
            OverflowError,
            struct.error,
        ) as error:
            raise CourseError(f"{path} is no zip that can be read ({error})") from error
        self.entries: list[ZipEntry] = []
        self.folders: list[PurePosixPath] = []
        self.left_out: list[LeftOut] = []
        self._sort_out(self._zip.infolist())

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def _sort_out(self, infos: list[zipfile.ZipInfo]) -> None:
        alike = Counter(_alike(info) for info in infos)
        inside = _inside_another(infos)
        for info in infos:
            path = PurePosixPath(info.filename)
            why = _unsafe_name(info)
            if not why and any(is_litter(part) for part in path.parts):
                continue  # what a program left, as everywhere
            if not why and alike[_alike(info)] > 1:
                why = "the zip has several entries of this name, or of one that differs in case"
            why = why or _unsafe_kind(info) or ("it lies in another entry" * (id(info) in inside))
            if why:
                self.left_out.append(LeftOut(printable(info.orig_filename), why))
            elif info.is_dir():
                self.folders.append(path)
            else:
                self.entries.append(ZipEntry(path, info))

    def read(self, entry: ZipEntry) -> bytes:
        """The content of one.

        Raises: UnreadableError, when it is too large or broken.
        """
        name = entry.path.name
        if entry.info.file_size > MAX_BYTES:
            raise UnreadableError(f"{name} is larger than {MAX_BYTES // 2**20} MiB")
        try:
            with self._zip.open(entry.info) as opened:
                content = opened.read(MAX_BYTES + 1)
        except (
            *(zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError),
            *(RuntimeError, NotImplementedError, struct.error),
        ) as error:
            raise UnreadableError(f"{name} is broken in the zip ({error})") from error
        if len(content) != entry.info.file_size:
            raise UnreadableError(f"{name} is broken in the zip: it is not as long as it says")
        return content


def _check_size(path: Path) -> None:
    """Refuse what has more entries than can be meant, before they are read.

    Raises: CourseError, for such a zip and for what is no file.
    """
    if not path.is_file():
        raise CourseError(f"{path} is not there" if not path.exists() else f"{path} is no file")
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 2**16 - 64))
        tail = file.read()
        at = tail.rfind(_ENDS, 0, len(tail) - 18)
        if at < 0:
            raise CourseError(f"{path} is no zip: it ends early, or never was one")
        entries, length = struct.unpack_from("<HI", tail, at + 10)
        if tail[max(0, at - 20) : at].startswith(_ENDS_64):
            file.seek(max(0, size - len(tail) + at - 20 - 56))
            record = file.read(56)
            if len(record) < 56:
                raise CourseError(f"{path} is no zip: it ends early, or never was one")
            entries, length = struct.unpack_from("<QQ", record, 32)
    if entries > MAX_ENTRIES or length > MAX_DIRECTORY:
        raise CourseError(
            f"{path} lists more than {MAX_ENTRIES:,} files, or names that are far too long; "
            "download the submissions in parts"
        )


def _alike(info: zipfile.ZipInfo) -> str:
    return info.filename.rstrip("/").casefold()


def _inside_another(infos: list[zipfile.ZipInfo]) -> set[int]:
    """Entries that share bytes with another one: so a small file holds a very large one often."""
    found: set[int] = set()
    end, last = -1, None
    for info in sorted(infos, key=lambda each: each.header_offset):
        if info.header_offset < end and last is not None:
            found |= {id(info), id(last)}
        if info.header_offset + info.compress_size > end:
            end, last = info.header_offset + info.compress_size, info
    return found


def _unsafe_name(info: zipfile.ZipInfo) -> str:
    name = info.orig_filename
    parts = name.removesuffix("/").split("/")
    if not name.isprintable() or "\\" in name:
        return "its name holds a character that no file's name should hold"
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "its name is that of a place on the machine"
    if any(part in ("", ".", "..") for part in parts):
        return "its name leads out of its folder"
    encoded = name.encode("utf-8", "surrogateescape")
    if len(parts) > MAX_DEPTH or len(encoded) > MAX_NAME or any(len(p) > 250 for p in parts):
        return "its name is too long, or it lies too deep"
    return ""


def _unsafe_kind(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "it is a link, not a file"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "it is a device or the like, not a file"
    if info.flag_bits & 0x1:
        return "it is encrypted"
    if info.compress_type not in PACKED:
        return "it is packed in a way that no learning platform uses"
    if info.file_size > max(TIGHT_BYTES, TIGHT * info.compress_size):
        return f"it would be more than {TIGHT} times as large as what the zip holds of it"
    return ""
