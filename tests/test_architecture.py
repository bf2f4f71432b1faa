"""The lines between the packages."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.harness import ROOT

PACKAGES = ("autograder", "workbook")
GRADER = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))
INSIDE = [path for path in GRADER if path.parent.name in ("observe", "kernel")]
SOLUTIONS = sorted((ROOT / "solutions").rglob("*.py"))

# From the ground up: a room imports nothing of the rooms that stand further down in this list.
ROOMS = (
    "autograder.errors",
    "autograder.refusals",
    "autograder.options",
    "autograder.observe",
    "autograder.kernel",
    "autograder.reading",
    "autograder.course",
    "autograder.submission",
    "autograder.verdict",
    "autograder.sandbox",
    "autograder.ordinary",
    "autograder.reference",
    "autograder.gradebook",
    "autograder.grading",
    "autograder.feedback",
    "autograder.report",
    "autograder.similar",
    "autograder.marking",
    "autograder.formgrader",
    "autograder.release",
    "autograder.doctor",
    "autograder.nbgrader_plugin",
    "workbook",
    "autograder.explain",
    "autograder.authoring",
    "autograder.collecting",
    "autograder.exporting",
    "autograder.gradescope",
    "autograder.staff",
    "autograder.cli",
)

# Words of what is taught. The grader has to work for any subject.
SUBJECT = re.compile(
    r"attention|softmax|causal|\bmask|\bheads?\b|\brope\b|rotary|layer.?norm|logits|\bquery|\bkv\b",
    re.I,
)
# They follow a sentence through what notebooks 01 to 03 teach, and so have to name its steps; the
# demo is about nothing else.
PICTURES = ROOT / "workbook" / "pictures"
OF_THE_SUBJECT = {
    *(PICTURES / f"{name}.py" for name in ("attention_maps", "trace_page", "training_tables")),
    *(PICTURES / "tracing").glob("*.py"),
    *(ROOT / "workbook" / "demo").glob("*.py"),
}
# The status of a submission, a constant of libseccomp, and the names by which the desk hands out
# its pictures.
OTHER_SENSE = re.compile(
    r"needs?[ _]attention|MASKED_EQ|\bshow_attention\b|\battention_(maps|demo)\b", re.I
)


def imported(path: Path) -> set[str]:
    """The modules that a file imports, absolute."""
    package = ".".join(path.relative_to(ROOT).parent.parts)
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = f"{package}." if node.level else ""
            names.add(f"{inside}{node.module or ''}".rstrip("."))
    return names


@pytest.mark.parametrize(
    "path",
    [path for path in GRADER if path not in OF_THE_SUBJECT],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_grader_knows_nothing_of_the_subject(path: Path) -> None:
    """No word of what is taught stands in the grader's code."""
    found = SUBJECT.findall(OTHER_SENSE.sub("", path.read_text()))

    assert found == []


def test_only_the_desks_front_hands_out_what_knows_the_subject() -> None:
    """No other part of the desk or the grader needs a picture of the subject."""
    front = PICTURES.parent / "__init__.py"
    for path in GRADER:
        if path not in OF_THE_SUBJECT and PICTURES not in path.parents and path != front:
            assert not any(name.startswith("workbook.pictures") for name in imported(path)), path


def room(name: str) -> int | None:
    """Which room a module stands in, counted from the ground; None for a library's."""
    for place, each in enumerate(ROOMS):
        if name == each or name.startswith(f"{each}."):
            return place
    return None


@pytest.mark.parametrize("path", GRADER, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_runs_upwards(path: Path) -> None:
    """What a room needs lies below it, so that it can be read without those above."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    own = room(name)
    if name in PACKAGES and own is None:
        own = 0
    assert own is not None, f"{name} stands in no room: add it to ROOMS"

    upwards = [each for each in imported(path) if (room(each) or 0) > own]

    assert upwards == []


def test_the_solutions_import_nothing_of_the_grader() -> None:
    """The reference package can be read, run and copied on its own."""
    assert SOLUTIONS
    for path in SOLUTIONS:
        assert not {name.split(".")[0] for name in imported(path)} & {*PACKAGES}, path


def test_what_runs_in_the_kernel_imports_nothing_else_of_the_grader() -> None:
    """The sandbox holds `autograder.observe` and `autograder.kernel` and no other part."""
    assert INSIDE
    for path in INSIDE:
        own = [name for name in imported(path) if name.split(".")[0] in PACKAGES]
        assert all(name.startswith(("autograder.observe", "autograder.kernel")) for name in own)


def test_no_two_public_classes_share_a_name() -> None:
    """A name that is read in one room means the same in every other."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in [*GRADER, *BENCHMARKS]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))

    assert len(places) > 50
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_modules_stay_small() -> None:
    """One idea a module: under 250 lines each."""
    for path in GRADER:
        assert len(path.read_text().splitlines()) <= 250, path
