"""This package as a wheel, made of what is installed: a clone is not needed for it."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
from pathlib import Path

import autograder
import workbook
from autograder.gradescope.zipped import zipped

DISTRIBUTION = "transformer-workbook"
PACKAGES = (autograder, workbook)
# The notebooks of students, which nothing there needs, and what Python makes again.
LEFT_OUT = {"material", "__pycache__"}
WHEEL = """Wheel-Version: 1.0
Generator: transformer-workbook
Root-Is-Purelib: true
Tag: py3-none-any
"""


def wheel() -> tuple[str, bytes]:
    """A wheel of both packages without the notebooks, and what it has to be called."""
    installed = importlib.metadata.distribution(DISTRIBUTION)
    called = f"{DISTRIBUTION.replace('-', '_')}-{installed.version}"
    about = f"{called}.dist-info"
    files = {name: content for each in PACKAGES for name, content in _files(each.__file__).items()}
    for name in ("METADATA", "entry_points.txt"):
        files[f"{about}/{name}"] = (installed.read_text(name) or "").encode()
    files[f"{about}/WHEEL"] = WHEEL.encode()
    record = [f"{name},sha256={_hash(content)},{len(content)}" for name, content in files.items()]
    files[f"{about}/RECORD"] = "\n".join([*record, f"{about}/RECORD,,", ""]).encode()
    return f"{called}-py3-none-any.whl", zipped(files)


def _files(front: str | None) -> dict[str, bytes]:
    """The files of a package by their paths in a wheel."""
    root = Path(front or "").parent
    paths = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(root.parent)): path.read_bytes()
        for path in paths
        if LEFT_OUT.isdisjoint(path.relative_to(root).parts)
    }


def _hash(content: bytes) -> str:
    digest = hashlib.sha256(content).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
