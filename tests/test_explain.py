"""One check explained: what it was given, what was expected and what came, all of the same run."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from autograder.course.course import Course
from autograder.explain.explain import Explanation, explain
from autograder.explain.given import block_of, recording
from autograder.explain.graded_check import graded_checks
from autograder.explain.page import page
from autograder.explain.parts import Shown
from autograder.grading.grade import run
from autograder.reference.answer_key import AnswerKey, answer_key, reference_evidence
from autograder.reference.package import package_of
from autograder.submission.cells import parse
from autograder.verdict.evidence import Array, decode
from tests import browser, mini
from tests.harness import ROOT
from tests.test_grade import results, workbook

QUARTERED = "def double(x):\n    return x / 4"
NO_ROW = "def first_row(x):\n    return x.no_such_thing"
HOSTILE = "def double(x):\n    return ['<img src=x onerror=alert(1)>']"


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    course = mini.make_course(tmp_path_factory.mktemp("explained"))
    mini.hand_in(course, "quartered", mini.submission(double=QUARTERED))
    mini.hand_in(course, "stopped", mini.submission(first_row=NO_ROW))
    mini.hand_in(course, "hostile", mini.submission(double=HOSTILE))
    mini.hand_in(course, "right", mini.submission())
    mini.hand_in(course, "broken", "no notebook")
    results(course)
    return course


def failed(course: Path, student: str, name: str = mini.NAME) -> list[Explanation]:
    of = Course(course)
    return explain(of, [each for each in graded_checks(of, student, name) if not each.passed])


def matrix(value: Shown | str | None) -> np.ndarray:
    assert isinstance(value, Shown)
    return value.matrix


def test_numbers_are_those_of_the_reference_and_of_the_submission(graded: Path) -> None:
    by_check = {each.graded.name: each for each in failed(graded, "quartered")}
    assert {"any shape", "gradient arrives"} <= by_check.keys(), by_check.keys()
    told = by_check["any shape"]
    (call,) = told.calls
    assert call.called == "double"
    (given,) = call.arguments
    assert given.name == "x"
    (part,) = told.parts
    np.testing.assert_allclose(matrix(part.expected), 2 * matrix(given.got), rtol=1e-6)
    np.testing.assert_allclose(matrix(part.got), matrix(given.got) / 4, rtol=1e-6)
    assert isinstance(part.got, Shown)
    assert part.got.marked.all()
    assert (
        told.source == 'with observe("any shape") as seen:\n    seen.output = double(randn(3, 5))'
    )


def test_what_ended_early_says_where(graded: Path) -> None:
    first = failed(graded, "stopped")[0]
    assert "raises AttributeError in `return x.no_such_thing`" in first.ended
    assert all(part.got is None for part in first.parts)


def test_the_command_explains_one_check_or_all_that_failed(graded: Path) -> None:
    done = workbook(graded, "explain", "quartered", mini.NAME, "any sh", "--to", "one.html")
    assert done.returncode == 0, done.stderr
    assert "expected output: float32 (3, 5)" in done.stdout
    assert "≠" in done.stdout
    assert (graded / "one.html").read_text().count("<h2") == 1

    done = workbook(graded, "explain", "quartered", mini.NAME)
    assert done.returncode == 0, done.stderr
    assert "double: gradient arrives: failed" in done.stdout
    assert (graded / "explain.html").read_text().count("<h2") == len(failed(graded, "quartered"))

    done = workbook(graded, "explain", "right", mini.NAME)
    assert (done.returncode, done.stdout) == (0, f"Every check of {mini.NAME} by right passed.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quartered", mini.NAME, "no such check"], "no check is called 'no such check'"),
        (["quartered", mini.NAME, "a"], "several checks are called 'a'"),
        (["nobody", mini.NAME], "no submission of nobody"),
        (["broken", mini.NAME], "nothing of it could be run; workbook table says why"),
        (["quartered", "02-none"], "02-none"),
    ],
)
def test_what_is_not_there_is_one_sentence(graded: Path, arguments: list[str], said: str) -> None:
    done = workbook(graded, "explain", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_student_has_nothing_to_explain_it_with(graded: Path, tmp_path: Path) -> None:
    """The wheel holds the command; without source/, solutions/ and a gradebook it says so."""
    shutil.copytree(graded / "submitted", tmp_path / "submitted")
    done = workbook(tmp_path, "explain", "quartered", mini.NAME, "any shape")
    assert done.returncode == 2
    assert not (tmp_path / "explain.html").exists()

    shutil.copytree(graded / "source", tmp_path / "source")
    shutil.copy(graded / "nbgrader_config.py", tmp_path)
    done = workbook(tmp_path, "explain", "quartered", mini.NAME, "any shape")
    assert done.returncode == 2
    assert "no verdict with recorded inputs" in done.stderr


def test_what_changed_since_it_was_graded_is_said(course: Path) -> None:
    mini.hand_in(course, "quartered", mini.submission(double=QUARTERED))
    results(course)
    assert {each.changed for each in failed(course, "quartered")} == {""}
    shutil.rmtree(course / "submitted")
    mini.hand_in(course, "quartered", mini.submission(double=QUARTERED + " + 1"))
    assert {each.changed for each in failed(course, "quartered")} == {"what was handed in changed"}


def test_inputs_of_a_class_and_of_its_methods_are_kept() -> None:
    source = """
from autograder.observe import observe, randn
layer = Layer(3)
with observe("one") as seen:
    seen.out = layer(randn(2)).sum()
with observe("two") as seen:
    layer.eval()
    seen.out = layer.decode([1, 2])
"""
    names: dict[str, object] = {}
    code = recording(source, "Layer", ["two"]).replace("from autograder.observe", "from doubles")
    assert block_of(source, "two") == source[source.index('with observe("two"') :].strip()
    assert block_of(source, "three") is None
    assert code.count("_given_seen.calls = ") == 1
    seen: dict[str, SimpleNamespace] = {}

    @contextmanager
    def observe(name: str, points: float = 1) -> Iterator[SimpleNamespace]:
        seen[name] = SimpleNamespace()
        yield seen[name]

    class Layer(torch.nn.Module):
        def __init__(self, size: int) -> None:
            super().__init__()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

        def decode(self, ids: list[int]) -> int:
            return len(ids)

    doubles = ModuleType("doubles")
    doubles.__dict__.update(observe=observe, randn=torch.randn)
    names.update(Layer=Layer)
    sys.modules["doubles"] = doubles
    try:
        exec(code, names)
    finally:
        del sys.modules["doubles"]
    assert list(seen) == ["one", "two", "given in: two"]
    (call,) = seen["given in: two"].calls
    assert call == {"called": "layer.decode", "arguments": {"ids": [1, 2]}}


def by_itself(course: Course, name: str, seed: int) -> AnswerKey:
    """The answer key as grading makes it, of a reference that nobody looked over the shoulder."""
    (assignment,) = course.chosen([name])
    package = package_of(course, assignment)
    evidence = reference_evidence(assignment, package.modules, seed)
    return answer_key(assignment, course.config, seed, evidence, package)


def is_one_of(side: Shown | str | None, arrays: Iterable[Array]) -> bool:
    """Whether a matrix, where it is shown whole, is one of those that were recorded."""
    if not isinstance(side, Shown) or not side.is_whole:
        return True
    return any(
        side.kind == f"{array.dtype} {tuple(array.numbers.shape)}"
        and np.array_equal(
            array.numbers.ravel(), side.matrix.ravel(), array.numbers.dtype.kind == "f"
        )
        for array in arrays
    )


EXAMPLES = [("chloe", "02-causal-masking")] + [
    pytest.param(student, name, marks=pytest.mark.release)
    for student, name in [
        ("bruno", "01-scaled-dot-product-attention"),
        ("chloe", "01-scaled-dot-product-attention"),
        ("dmitri", "06-tokenization"),
        ("bruno", "07-language-model"),
        ("chloe", "08-training"),
        ("chloe", "09-generation"),
        ("dmitri", "challenge-rope"),
    ]
]


@pytest.mark.parametrize(("student", "name"), EXAMPLES)
def test_failed_checks_of_the_examples_are_as_a_run_gives_them(
    student: str, name: str, tmp_path: Path
) -> None:
    for folder in ("source", "solutions"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    work = Path("submitted") / student / name
    shutil.copytree(ROOT / "examples" / work, tmp_path / work)
    results(tmp_path)
    explained = failed(tmp_path, student, name)
    assert explained

    course = Course(tmp_path)
    key = by_itself(course, name, explained[0].graded.seed)
    handed_in = explained[0].graded.handed_in
    cells = parse(handed_in.notebook, name)
    execution, _, _ = run(key, key.rebuilder.rebuild(cells), handed_in)
    for told in explained:
        test, check = told.graded.test, told.graded.name
        (right,) = (r for r in map(decode, key.evidence[test]) if r.name == check)
        came = [r for r in map(decode, execution.evidence.get(test, [])) if r.name == check]
        assert all(is_one_of(part.expected, right.arrays.values()) for part in told.parts)
        got = [array for record in came for array in record.arrays.values()]
        assert all(is_one_of(part.got, got) for part in told.parts), check
        assert told.ended or told.refused or any(part.wrong for part in told.parts), check


@browser.needs_chromium
def test_the_page_runs_nothing_and_can_be_read_by_everybody(graded: Path) -> None:
    path = graded / "hostile.html"
    path.write_text(page(failed(graded, "hostile") + failed(graded, "quartered")))
    with browser.chromium() as started:
        view = started.new_context(viewport={"width": 360, "height": 740}).new_page()
        asked: list[str] = []
        view.on("request", lambda request: asked.append(request.url))
        view.goto(path.as_uri())
        assert asked == [path.as_uri()]
        assert view.locator("img, script").count() == 0
        assert view.get_by_text("<img src=x onerror=alert(1)>").count() >= 1
        assert view.evaluate("document.documentElement.scrollWidth") <= 360
        assert browser.serious(view) == []
