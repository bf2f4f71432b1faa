"""A mistake costs the points of the definition that it is in, not of those that stand on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from autograder.course.course import Course
from autograder.grading import by_itself
from autograder.grading.grade import grade
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.workers import ThisProcess
from autograder.reference import wrong_versions
from autograder.reference.answer_key import AnswerKey
from autograder.sandbox import kernel_server
from autograder.sandbox.execution import Execution
from autograder.submission.handed_in import read_handed_in
from autograder.verdict.present import as_text
from autograder.verdict.verdict import CellResult
from tests import mini
from tests.harness import ROOT

NAME = "01-chain"
SOLUTIONS = {
    "double": "def double(x):\n    # The reference of double.\n    return 2 * x",
    "quadruple": (
        "def quadruple(x):\n    # The reference of quadruple.\n    return double(double(x))"
    ),
    "halved": "def halved(x):\n    # The reference of halved.\n    return quadruple(x) / 8",
}
TEST = """### BEGIN HIDDEN TESTS
from autograder.observe import observe, randn

with observe("float32") as seen:
    seen.output = {name}(randn(3, 5))
with observe("float64") as seen:
    seen.output = {name}(randn(7, dtype=torch.float64))
### END HIDDEN TESTS
"""
TRIPLED = "def double(x):\n    return 3 * x"
ONCE = "def quadruple(x):\n    return double(x)"
STUB = "def double(x):\n    raise NotImplementedError"
HELPER = "def plain(x):\n    return x\n\n" + TRIPLED
HELPED = "def quadruple(x):\n    return double(plain(double(x)))"
OTHERS = "def double(x):\n    return torch.softmax(x, 0)"
LIBRARY = "def quadruple(x):\n    return double(double(x)) + 0 * torch.softmax(x, 0)"
# Right only where it finds the answer to this very question anywhere in its process.
SEARCHING = """
def quadruple(x):
    import os
    from IPython import get_ipython
    texts = [str(line) for line in get_ipython().user_ns["In"]]
    for folder in {os.getcwd(), "/tmp"}:
        for path, _, files in os.walk(folder):
            for file in files:
                if file.endswith((".py", ".ipynb", ".toml")):
                    texts.append(open(os.path.join(path, file), errors="replace").read())
    wanted = "The reference of " + "quadruple"
    return 4 * x if any(wanted in text for text in texts) else double(x)
"""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> AnswerKey:
    """The answer key of three definitions, each of which stands on the one before."""
    root = tmp_path_factory.mktemp("course")
    notebook = mini.notebook()
    first, test = (
        next(c for c in notebook.cells if c.id == id) for id in ("double", "test-double")
    )
    cells = notebook.cells[:2]
    for name, source in SOLUTIONS.items():
        for cell, text, id in (
            (first, source.replace("\n    ", "\n    ### BEGIN SOLUTION\n    ", 1), name),
            (test, TEST.format(name=name), f"test-{name}"),
        ):
            new = nbformat.from_dict({**cell, "id": id, "source": text})
            new.metadata = nbformat.from_dict(
                {"nbgrader": {**cell.metadata["nbgrader"], "grade_id": id}}
            )
            if id == name:
                new.source += "\n    ### END SOLUTION"
            cells.append(new)
    notebook.cells = cells
    (root / "source" / NAME).mkdir(parents=True)
    (root / "solutions").mkdir()
    nbformat.write(notebook, root / "source" / NAME / f"{NAME}.ipynb")
    (root / "solutions" / "chain.py").write_text(
        "import torch\n\n" + "\n\n".join(SOLUTIONS.values()) + "\n"
    )
    (root / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    course = Course(root)
    return answer_keys(course, course.chosen([NAME]), ThisProcess(), Seeds(given=7))[NAME]


def verdicts(key: AnswerKey, folder: Path, own: str = "", **sources: str) -> dict[str, CellResult]:
    notebook = nbformat.read(key.assignment.path, as_version=4)
    for cell in notebook.cells:
        cell.source = sources.get(cell.id, SOLUTIONS.get(cell.id, cell.source))
    if own:
        notebook.cells.append(new_code_cell(own))
    path = folder / f"{NAME}.ipynb"
    nbformat.write(notebook, path)
    found = grade(key, read_handed_in(path, NAME)).tests
    return {test.removeprefix("test-"): result for test, result in found.items()}


@pytest.mark.parametrize(
    ("sources", "points", "on_right"),
    [
        ({}, (4, 4, 4), ((), (), ())),
        # One wrong number is one mistake.
        ({"double": TRIPLED}, (0, 4, 4), ((), ("double",), ("double",))),
        ({"double": STUB}, (0, 4, 4), ((), ("double",), ("double",))),
        # Two mistakes are two; what stands on both is still right.
        (
            {"double": TRIPLED, "quadruple": ONCE},
            (0, 0, 4),
            ((), (), ("double", "quadruple")),
        ),
        # Helpers that stand in the cell of the wrong one are there.
        (
            {"double": HELPER, "quadruple": HELPED},
            (0, 4, 4),
            ((), ("double",), ("double",)),
        ),
        # A call that is not allowed is held against the one that makes it.
        ({"double": OTHERS}, (0, 4, 4), ((), ("double",), ("double",))),
        ({"double": TRIPLED, "quadruple": LIBRARY}, (0, 0, 4), ((), (), ("double", "quadruple"))),
        # Nothing of what is asked for can be found there.
        (
            {"double": TRIPLED, "quadruple": SEARCHING},
            (0, 0, 4),
            ((), (), ("double", "quadruple")),
        ),
    ],
)
def test_each_definition_is_worth_what_it_does(
    key: AnswerKey, tmp_path: Path, sources: dict[str, str], points: Any, on_right: Any
) -> None:
    """Whatever the earlier ones do; and the verdict says how it was judged."""
    found = verdicts(key, tmp_path, **sources)

    assert tuple(result.score for result in found.values()) == points
    assert tuple(result.on_right for result in found.values()) == on_right
    for result in found.values():
        said = re.findall("once more with a right ([a-z and]+) in place of yours", as_text(result))
        assert said == ([" and ".join(result.on_right)] if result.on_right else [])


def test_what_a_second_run_prints_reaches_nobody(key: AnswerKey, tmp_path: Path) -> None:
    """Messages are of the first run, in which nothing of the reference is."""
    telling = (
        "def quadruple(x):\n"
        "    from IPython import get_ipython\n"
        "    text = ''.join(get_ipython().user_ns['In'])\n"
        "    print(text)\n"
        "    found = 'The reference of ' + 'double' in text\n"
        "    return double(double(x))[: 2 if found and x.ndim > 1 else None]"
    )

    found = verdicts(key, tmp_path, double=TRIPLED, quadruple=telling)

    assert [check.passed for check in found["quadruple"].checks] == [False, True]
    assert [check.message for check in found["quadruple"].checks] == [
        "output: shape (3, 5) is right; 15 of 15 entries differ; all are 2.25 times what they "
        "should be",
        "right, with a right double in place of yours",
    ]


@pytest.mark.parametrize(
    ("sources", "kernels"),
    [({"double": TRIPLED}, 1), ({"double": TRIPLED, "quadruple": ONCE}, 2)],
)
def test_those_that_stand_on_the_same_share_a_kernel(
    key: AnswerKey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sources: dict[str, str],
    kernels: int,
) -> None:
    """And who stands on a right one more has one of its own, without that one's answer before."""
    asked: list[tuple[str, ...]] = []
    real = by_itself.evidence_anew

    def counted(*given: Any, **named: Any) -> dict[str, list[bytes]]:
        asked.append(given[4])
        return real(*given, **named)

    monkeypatch.setattr(by_itself, "evidence_anew", counted)

    found = verdicts(key, tmp_path, **sources)

    assert len(asked) == kernels == len({*asked})
    assert found["halved"].score == 4


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One for each kernel that was started for definitions by themselves."""
    found: list[None] = []
    real = by_itself.execute

    def counted(*given: Any, **named: Any) -> Execution:
        found.append(None)
        return real(*given, **named)

    monkeypatch.setattr(by_itself, "execute", counted)
    return found


BEFORE = """
runs = globals().get("runs", 0) + 1
dtype = torch.zeros(1).dtype
"""
AFTER = """
torch.set_default_dtype(torch.float64)
def quadruple(x):
    return double(double(x)) if (runs, dtype) == (1, torch.float32) else x
"""
ONLY_ONCE = """
if hasattr(torch, "only_once"):
    raise RuntimeError("no second time")
torch.only_once = True
def quadruple(x):
    return double(double(x))
"""
WAITS = """
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
"""


@pytest.mark.parametrize(
    ("sources", "kernels"),
    [
        # In the student's own kernel: names that were bound are forgotten, switches turned back.
        ({"double": BEFORE + TRIPLED, "quadruple": AFTER}, 0),
        # In a new one, where the cells cannot be run twice in one, or something still runs,
        ({"double": TRIPLED, "quadruple": ONLY_ONCE}, 1),
        ({"double": WAITS + TRIPLED}, 1),
        # or a cell of the student's own may have changed what is no name.
        ({"double": TRIPLED, "own": "torch.Tensor.__mul__ = None"}, 1),
    ],
)
def test_a_definition_is_judged_again_as_in_a_new_kernel(
    key: AnswerKey,
    tmp_path: Path,
    started: list[None],
    sources: dict[str, str],
    kernels: int,
) -> None:
    """Which is saved where it would give the same; no kernel is left."""
    before = {*kernel_server().kernels.iterdir()}

    found = verdicts(key, tmp_path, **sources)

    if wrong_versions._open is not None:
        wrong_versions._open[1].close()  # the one kernel that stays, of the course's own code
    assert tuple(result.score for result in found.values()) == (0, 4, 4)
    assert len(started) == kernels
    assert {*kernel_server().kernels.iterdir()} <= before
