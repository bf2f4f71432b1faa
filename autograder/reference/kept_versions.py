"""What wrong versions gave, kept beside the evidence of the reference, for all workers and runs."""

from __future__ import annotations

import glob
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from autograder.course.replace import share_folder
from autograder.verdict.evidence import decode
from autograder.verdict.versions import Swap

FOLDER = ".workbook/wrong-versions"
WAIT_SECONDS = 2.0  # for another worker that writes
TABLES = """
CREATE TABLE IF NOT EXISTS given
    (test TEXT, swap TEXT, name TEXT, record BLOB, PRIMARY KEY (test, swap, name)) WITHOUT ROWID;
"""

T = TypeVar("T")


@dataclass(frozen=True)
class KeptVersions:
    """A file of a course; where it cannot be read or written, all is made anew, without a word.

    `shared` lets the group use it.
    """

    path: Path
    shared: bool = False

    def find(self, test: str, swaps: Sequence[Swap]) -> dict[Swap, list[bytes]]:
        """The records that are known of these versions in a test cell."""
        question = "SELECT record FROM given WHERE test = ? AND swap = ?"

        def asked(database: sqlite3.Connection) -> dict[Swap, list[bytes]]:
            each = {s: database.execute(question, (test, json.dumps(s))).fetchall() for s in swaps}
            return {swap: [record for (record,) in rows] for swap, rows in each.items() if rows}

        return self._with(asked, {}) if swaps and self.path.is_file() else {}

    def keep(self, test: str, each: Mapping[Swap, Iterable[bytes]]) -> None:
        """Add what versions gave in a test cell."""
        rows = [
            (test, json.dumps(swap), decode(record).name, record)
            for swap, evidence in each.items()
            for record in evidence
        ]
        self._add("INSERT OR IGNORE INTO given VALUES (?, ?, ?, ?)", rows)

    def _add(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        def added(database: sqlite3.Connection) -> None:
            with database:
                database.executemany(statement, rows)

        self._with(added, None)

    def _with(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=WAIT_SECONDS)) as database:
                database.execute("PRAGMA synchronous = OFF")  # what is lost is made anew
                database.executescript(TABLES)
                if self.shared:
                    share_folder(self.path.parent)
                    os.chmod(self.path, 0o660)
                return work(database)
        except sqlite3.OperationalError:
            return otherwise  # another one writes, there is no space, or no right to
        except sqlite3.DatabaseError:
            with suppress(OSError):
                self.path.unlink()
            return otherwise
        except OSError:
            return otherwise


def kept_versions(root: Path, name: str, fingerprint: str, seed: int, shared: bool) -> KeptVersions:
    """Where versions of one assignment are kept, by the digest of all they depend on and the seed.

    What was kept for another content or seed goes.
    """
    kept = KeptVersions(root / FOLDER / f"{name}.{fingerprint}.{seed}", shared)
    for path in kept.path.parent.glob(f"{glob.escape(name)}.*"):
        if not path.name.startswith(kept.path.name):
            with suppress(OSError):
                path.unlink()
    return kept
