"""Each notebook's proof is of today's files; what was proved anew is proved here once more."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from autograder.authoring.findings import Findings
from autograder.authoring.in_process import InProcess
from autograder.authoring.proof import SCHEMA, out_of_date, read, write
from autograder.authoring.prove import prove
from autograder.authoring.right import right_work, smoke
from autograder.course.course import Course
from autograder.course.tried import path_of
from tests import anew, harness

COURSE = Course(harness.ROOT)
EACH = pytest.mark.parametrize("assignment", harness.ASSIGNMENTS)
# A change of the judge makes every proof new; then one is proved here, and all by `make prove-all`.
ANEW = [
    name for place, name in enumerate(anew.proved_anew()) if place == 0 or anew.changed_itself(name)
]


@EACH
def test_the_proof_is_of_todays_files(assignment: str) -> None:
    """The message says what to run."""
    assert out_of_date(COURSE, COURSE.assignments[assignment]) == ""


@pytest.mark.parametrize("assignment", anew.a_few_now())
def test_a_smoke_run_agrees(assignment: str) -> None:
    """The reference and one style earn everything on one seed, no work nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a style that torch warns of is still right
        assert smoke(harness.process(assignment)).failures == ()


@pytest.mark.parametrize(
    ("assignment", "seed", "style"),
    [
        ("10-bert", 36, "one_hot"),
        ("challenge-flash-attention", 354, "oracle"),
    ],
)
def test_right_work_that_once_lost_a_point_by_chance_keeps_it(
    assignment: str, seed: int, style: str
) -> None:
    """On these seeds few numbers, all of them small, were compared at a tolerance of their size."""
    process = InProcess(harness.authored(assignment), seed)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert right_work(process, [style]).failures == ()


@pytest.mark.parametrize("assignment", ANEW)
def test_what_was_proved_anew_holds(assignment: str) -> None:
    """A proof that nobody made by proving has other counts, or does not hold."""
    proof = read(path_of(COURSE, assignment))
    assert proof is not None

    # In a process of its own, as the command: what is freed in this one counts as memory in a fork.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        found = fresh.submit(prove, COURSE, assignment, proof.seeds).result()

    assert found.failures == ()
    assert dict(found.counts) == dict(proof.counts)


def test_without_its_history_a_clone_proves_one_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A checkout of the last commit alone would else take every proof at its word."""
    monkeypatch.setattr(anew, "BASE", "a-commit-that-is-not-there")

    assert len(anew.proved_anew.__wrapped__()) == 1


@pytest.mark.parametrize(("part", "itself"), [("notebook", True), (anew.CODE, False)])
def test_what_changed_itself_is_proved_whatever_else_did(
    part: str, itself: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the code of judging alone is another one, one notebook stands for all."""
    name = harness.ASSIGNMENTS[0]
    before = json.loads(path_of(COURSE, name).read_text())
    before["depends_on"][part] = "another"
    monkeypatch.setattr(anew, "proved_anew", lambda: (name,))
    monkeypatch.setattr(anew, "_git", lambda *arguments: json.dumps(before))

    assert anew.changed_itself.__wrapped__(name) is itself


@EACH
def test_the_books_own_measure(assignment: str) -> None:
    """What every notebook of this book has: enough named mistakes, styles and examples."""
    proof = read(path_of(COURSE, assignment))
    assert proof is not None
    counts = proof.counts

    assert counts["caught"] == counts["misconceptions"] + counts["forms"]
    assert len({id for ids in proof.failing.values() for id in ids}) == counts["misconceptions"]
    assert counts["misconceptions"] >= 10
    assert counts["styles"] >= 4
    assert counts["pictures"] >= 1
    assert counts["shown"] == counts["misconceptions"]
    assert proof.seeds >= 5


# --- what makes a proof count no more ----------------------------------------------------------


@pytest.fixture
def proved(tmp_path: Path) -> Course:
    """A course of one notebook of this clone, with its proof."""
    name = harness.ASSIGNMENTS[0]
    shutil.copy(harness.ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(harness.SOURCE / name, tmp_path / "source" / name)
    shutil.copytree(harness.ROOT / "solutions", tmp_path / "solutions")
    course = Course(tmp_path)
    from autograder.authoring.proof import begun

    write(course, begun(course, course.assignments[name], 5).of(Findings(Counter(caught=1))))
    return course


def why(course: Course) -> str:
    fresh = Course(course.root)
    return out_of_date(fresh, fresh.assignments[harness.ASSIGNMENTS[0]])


def test_an_untouched_course_is_proved(proved: Course) -> None:
    assert why(proved) == ""


def test_a_missing_proof_says_what_to_run(proved: Course) -> None:
    path_of(proved, harness.ASSIGNMENTS[0]).unlink()

    assert "is not there" in why(proved)
    assert f"run: workbook prove {harness.ASSIGNMENTS[0]}" in why(proved)


@pytest.mark.parametrize(
    ("key", "value"), [("counts", {"caught": 2}), ("seeds", 50), ("depends_on", {}), ("seal", "")]
)
def test_an_edited_proof_is_noticed(proved: Course, key: str, value: object) -> None:
    path = path_of(proved, harness.ASSIGNMENTS[0])
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))

    assert "was edited" in why(proved)


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("source/{name}/{name}.ipynb", "notebook"),
        ("solutions/{module}.py", "reference"),
        ("solutions/{module}.toml", "table of wrong versions"),
        ("solutions/{module}.examples.toml", "public examples"),
        ("solutions/styles/{module}/loops.py", "styles"),
    ],
)
def test_a_changed_file_makes_it_stale(proved: Course, file: str, part: str) -> None:
    name = harness.ASSIGNMENTS[0]
    path = proved.root / file.format(name=name, module=harness.module_name(name))
    text = path.read_text()
    path.write_text(
        text.replace("## ", "## Now: ", 1) if path.suffix == ".ipynb" else f"{text}\n# more\n"
    )

    assert f"is stale, as it is of another {part}; run: workbook prove {name}" in why(proved)


def test_another_form_of_the_notebooks_file_does_not(proved: Course) -> None:
    """What counts is what the notebook says."""
    name = harness.ASSIGNMENTS[0]
    path = proved.root / "source" / name / f"{name}.ipynb"
    path.write_text(json.dumps(json.loads(path.read_text())))

    assert why(proved) == ""


def test_a_proof_of_less_does_not_count(proved: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.authoring.proof.SCHEMA", SCHEMA + 1)

    assert "when less was proved" in why(proved)
