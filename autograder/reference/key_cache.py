"""Evidence of the reference, kept by the digest of all it depends on, with the seed it is of."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.course.replace import share_folder

Evidence = Mapping[str, list[bytes]]
FOLDER = ".workbook/answer-keys"


@dataclass(frozen=True)
class KeyCache:
    """A folder of the course; what it cannot read or write is made anew, without a word.

    `shared` lets the group use it.
    """

    root: Path
    shared: bool = False

    def find(self, fingerprint: str, seed: int | None) -> tuple[int, Evidence] | None:
        """The seed and the evidence kept for a digest; of this seed, if one is given."""
        try:
            kept = json.loads(self._path(fingerprint).read_bytes())
            if seed not in (None, kept["seed"]):
                return None
            evidence = {
                name: [base64.b64decode(record, validate=True) for record in records]
                for name, records in kept["evidence"].items()
            }
            return int(kept["seed"]), evidence
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def keep(self, fingerprint: str, seed: int, evidence: Evidence) -> None:
        """Keep the evidence of one reference in place of what was kept for its digest."""
        content = {
            "seed": seed,
            "evidence": {
                name: [base64.b64encode(record).decode() for record in records]
                for name, records in evidence.items()
            },
        }
        path = self._path(fingerprint)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
                json.dump(content, new)
            if self.shared:
                os.chmod(new.name, 0o660)
                for folder in (path.parent, path.parent.parent):
                    share_folder(folder)
            os.replace(new.name, path)
        except OSError:
            return

    def _path(self, fingerprint: str) -> Path:
        return self.root / FOLDER / f"{fingerprint}.json"
