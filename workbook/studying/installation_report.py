"""Whether a student has what the notebooks need, and what to do where not."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from autograder.doctor import Finding, package
from workbook import material
from workbook.result_table import Marked, Table, Words

DISTRIBUTION = "transformer-workbook"
PACKAGES = (
    "torch",
    "numpy",
    "matplotlib",
    "jupyterlab",
    "ipykernel",
    "nbgrader",
    "nbval",
    "pytest",
)


@dataclass(frozen=True)
class Installation:
    """What was found; a notebook or terminal shows it as a table."""

    findings: tuple[Finding, ...]

    @property
    def is_fine(self) -> bool:
        """Whether nothing has to be done."""
        return all(finding.fine for finding in self.findings)

    def _table(self) -> Table:
        wrong = sum(not finding.fine for finding in self.findings)
        columns = ["what", "found", "state", "what to do"]
        rows: list[list[Words]] = [
            [each.what, each.found, "fine", None]
            if each.fine
            else [each.what, each.found, Marked("to mend", "strong"), each.remedy]
            for each in self.findings
        ]
        if self.is_fine:
            columns, rows = columns[:3], [row[:3] for row in rows]
        said = "everything is there" if self.is_fine else f"{wrong} to mend"
        return Table(
            f"Installation: {said}",
            columns,
            rows,
            ["Grading needs a sandbox as well. It is only needed for grading, not by you."],
        )

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def __repr__(self) -> str:
        return repr(self._table())


def installation(folder: str | Path = ".") -> Installation:
    """Look at Python, the packages, and the notebooks in `folder`."""
    return Installation((_python(), *map(_package, PACKAGES), _notebooks(Path(folder))))


def _python() -> Finding:
    fine = sys.version_info >= (3, 11)
    return Finding("Python", platform.python_version(), fine, "install Python 3.11 or newer")


def _package(name: str) -> Finding:
    """A package, in a version that the notebooks' own requirements allow."""
    wanted = _requirements().get(name, Requirement(name))
    found = package(name)
    fine = found.fine and wanted.specifier.contains(found.found, prereleases=True)
    remedy = f'in a terminal: python -m pip install "{wanted.name}{wanted.specifier}"'
    return Finding(name, found.found, fine, f"{remedy}; then restart the kernel")


def _requirements() -> dict[str, Requirement]:
    try:
        stated = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:  # run from a copy of the code
        return {}
    return {
        requirement.name: requirement
        for requirement in map(Requirement, stated)
        if requirement.marker is None
    }


def _notebooks(folder: Path) -> Finding:
    names = material.names()
    there = [name for name in names if (folder / name / f"{name}.ipynb").is_file()]
    return Finding(
        "notebooks",
        f"{len(there)} of {len(names)} in this folder",
        bool(there),
        "in a terminal: workbook start puts them into a folder; work there",
    )
