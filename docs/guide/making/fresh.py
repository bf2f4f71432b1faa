"""What is kept from one build to the next holds only while the numbers' sources are the same.

Sphinx and myst-nb look at a page's own text alone. Its numbers come from modules, tables and
notebooks as well: when one that a page uses changes, the page is read, and its code run, again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from making.course import ROOT

GUIDE = Path(__file__).parents[1]
IMPORTS = re.compile(r"^\s*(?:from|import) making(?:\.| import )(\w+)", re.M)
USES = re.compile(r"\{([\w-]+)\}")
REGISTERS = re.compile(r"add_(?:directive|role)\(\"([\w-]+)\"")
CELLS = re.compile(r"^```\{code-cell\}.*?^```$", re.M | re.S)
FILES = re.compile(r"\"([\w-]+\.toml)\"")
# What a module reads besides files of the guide that it names.
READS = {
    "course": (
        "release/*/*.ipynb",
        "source/*.ipynb",
        "source/*/*.ipynb",
        "solutions/*.py",
        "solutions/*.toml",
        "autograder/course/families.toml",
    ),
    "concept_map": ("workbook/studying/*.py",),
    "looked_up": ("docs/guide/reference/*.md",),
    "study": ("workbook/studying/*.py", "release/*.ipynb", "release/*/*.ipynb"),
}


def modules_of(text: str) -> set[str]:
    """The modules of making/ that a page or a module imports, and those that they import."""
    found: set[str] = set()
    left = set(IMPORTS.findall(text))
    while left:
        name = left.pop()
        path = GUIDE / "making" / f"{name}.py"
        if name not in found and path.is_file():
            found.add(name)
            left |= set(IMPORTS.findall(path.read_text(encoding="utf-8")))
    return found


@cache
def registered() -> dict[str, str]:
    """Which module of making/ each directive and role of the guide comes from."""
    return {
        name: path.stem
        for path in (GUIDE / "making").glob("*.py")
        for name in REGISTERS.findall(path.read_text(encoding="utf-8"))
    }


def sources(modules: Iterable[str]) -> set[Path]:
    """The files that these modules are, and those that they read."""
    found: set[Path] = set()
    for name in modules:
        path = GUIDE / "making" / f"{name}.py"
        named = FILES.findall(path.read_text(encoding="utf-8"))
        found |= {path, *(GUIDE / file for file in named if (GUIDE / file).is_file())}
        found |= {file for pattern in READS.get(name, ()) for file in ROOT.glob(pattern)}
    return found


def digest(files: Iterable[Path]) -> str:
    """One name for the state of files, and of torch."""
    whole = hashlib.sha256(version("torch").encode())
    for path in sorted(files):
        whole.update(_digest(path, path.stat().st_mtime_ns))
    return whole.hexdigest()[:16]


@cache
def _digest(path: Path, changed: int) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def of_code(text: str) -> str:
    """The state of all that a page's cells use, besides their text."""
    cells = "\n".join(CELLS.findall(text))
    own = set(ROOT.glob("solutions/*.py")) if re.search(r"^from solutions", cells, re.M) else set()
    return digest(sources(modules_of(cells)) | own)


def of_page(text: str) -> str:
    """The state of all that a page uses: by its cells, its directives and its roles."""
    used = {registered()[name] for name in USES.findall(text) if name in registered()}
    needed = modules_of("\n".join(f"import making.{name}" for name in used))
    return of_code(text) + digest(sources(needed))


def _kept(env: BuildEnvironment) -> dict[str, str]:
    kept: dict[str, str] = vars(env).setdefault("guide_sources", {})
    return kept


def _read(app: Sphinx, page: str, content: list[str]) -> None:
    """Note the state, and write it into a cell that is not shown: kept results are found by it."""
    _kept(app.env)[page] = of_page(content[0])
    if CELLS.search(content[0]):
        cell = (
            f"```{{code-cell}} python\n:tags: [remove-cell]\n# made from {of_code(content[0])}\n```"
        )
        content[0] += f"\n\n{cell}\n"


def _outdated(
    _: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    pages = set(_kept(env)) & set(env.found_docs) - added - changed - removed
    return [
        page
        for page in sorted(pages)
        if of_page(Path(env.doc2path(page)).read_text(encoding="utf-8")) != _kept(env)[page]
    ]


def _purge(_: Sphinx, env: BuildEnvironment, page: str) -> None:
    _kept(env).pop(page, None)


def _merge(_: Sphinx, env: BuildEnvironment, pages: list[str], other: BuildEnvironment) -> None:
    _kept(env).update({page: _kept(other)[page] for page in pages if page in _kept(other)})


def setup(app: Sphinx) -> dict[str, bool]:
    """Look at what each page uses, in every build."""
    app.connect("source-read", _read)
    app.connect("env-get-outdated", _outdated)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
