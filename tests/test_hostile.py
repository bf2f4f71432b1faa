"""Hostile submissions: none gets a point, reads a secret, leaves a trace or disturbs anybody."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.gradebook.entry import entry_of
from autograder.reference import wrong_versions
from autograder.reference.answer_key import AnswerKey
from autograder.sandbox import kernel_server
from autograder.sandbox import replace as replace_server
from autograder.submission.handed_in import read_handed_in
from autograder.verdict.compare import difference
from tests import mini
from tests.forked import forked
from tests.gradebooks import COURSE
from tests.harness import PYTHON_PATH
from tests.hostile import MARK, README, WRONG, Hostile, Target, by_id, every, table
from tests.hostile.grade import shortened, shortly

SEED = "20260101"
HONEST = {"honest-right": 6.0, "honest-wrong": 2.0}
# Lines of the hidden tests, which student code can read and no message may hold.
HIDDEN = ("randn(3, 5)", "with observe(", "seen.output")
MAX_AUTOGRADED = 24 * 2**20
# What a run makes in the course folder.
MADE = ("autograded", "gradebook.db", "out.json", ".workbook")


def secret() -> str:
    """One that hostile code knows the beginning of; `reading.py` searches for it."""
    return f"canary-{secrets.token_hex(8)}"


@dataclass
class Graded:
    """A class of hostile students and two honest ones, after one run of the command line."""

    target: Target
    done: subprocess.CompletedProcess[str]
    results: dict[str, dict[str, Any]]
    secrets: dict[str, str]
    trees: list[dict[str, str]] = field(default_factory=list)  # before and after
    connections: int = 0
    temporary: Path = Path()
    left: list[str] = field(default_factory=list)


def hand_in_honest(course: Path, remark: str) -> None:
    right = mini.submission()
    right.cells.insert(1, nbformat.v4.new_code_cell(f"# {remark}", id="own"))
    mini.hand_in(course, "honest-right", right)
    mini.hand_in(course, "honest-wrong", mini.submission(double=WRONG))


def plant(course: Path, outside: Path) -> dict[str, str]:
    """Secrets in every place that a submission may look at; by the name of the place."""
    planted = {
        place: secret()
        for place in ("solutions", "config", "gradebook", "outside", "key", "environment")
    }
    with (course / "solutions" / "mini.py").open("a") as file:
        file.write(f"# {planted['solutions']}\n")
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(f"# {planted['config']}\n")
    (outside / ".ssh").mkdir(parents=True)
    (outside / "secret.txt").write_text(planted["outside"])
    (outside / f"{planted['outside']}.txt").write_text("")
    (outside / ".ssh" / "id").write_text(planted["key"])
    with Gradebook(f"sqlite:///{course}/gradebook.db", COURSE) as gradebook:
        gradebook.add_student("absent", last_name=planted["gradebook"])
    return planted


def tree(*folders: Path) -> dict[str, str]:
    """Names, kinds, sizes, permissions and times of all below, and what plain files hold."""
    found = {}
    for folder in folders:
        # Not os.walk, as some of these folders are deeper than it can go.
        listed = subprocess.run(
            ["find", ".", "-mindepth", "1", "-printf", r"%P\t%y %s %m %T@ %l\0"],
            cwd=folder,
            capture_output=True,
            check=True,
        ).stdout.decode("utf-8", "surrogateescape")
        for entry in listed.split("\0")[:-1]:
            name, about = entry.rsplit("\t", 1)
            if name.split("/")[0] in MADE:
                continue
            path = folder / name
            if about.startswith("f") and len(str(path)) < 1_000:
                about += hashlib.sha256(path.read_bytes()).hexdigest()
            found[f"{folder.name}/{name}"] = about
    return found


def run(course: Path, home: Path, temporary: Path, environment: str) -> tuple[Any, Any]:
    """The real command line, with short limits; what it wrote and printed."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.hostile.grade"),
            *("grade", "--json", "out.json", "--seed", SEED, "--jobs", "4"),
        ],
        cwd=course,
        env={
            **os.environ,
            "PYTHONPATH": PYTHON_PATH,
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "WORKBOOK_TEST_TOKEN": environment,
        },
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode in (0, 1), done.stderr
    results = json.loads((course / "out.json").read_text())
    return done, {result["student"]: result for result in results}


def processes_of(temporary: Path) -> list[str]:
    """The processes that see a kernel's folder below `temporary`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if temporary.name in (process / "mountinfo").read_text():
                found.append(process.name)
        except OSError:  # it ended, or is another user's
            continue
    return found


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graded]:
    """All hostile submissions and the two honest ones, graded in one run."""
    top = tmp_path_factory.mktemp("hostile")
    course, outside = mini.make_course(top), top / "outside"
    planted = plant(course, outside)
    # Its own and short, so that what is left in it is this run's.
    temporary = Path(tempfile.mkdtemp(prefix="wh-", dir="/tmp"))
    with (
        socket.create_server(("127.0.0.1", 0)) as port,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        address = secrets.token_hex(8)
        abstract.bind("\0" + address)
        abstract.listen()
        target = Target(course, outside, port.getsockname()[1], address)
        planted["neighbour"] = secret()
        hand_in_honest(course, planted["neighbour"])
        for one in every():
            one.hand_in(target)
        try:
            before = tree(course, outside)
            done, results = run(course, outside, temporary, planted["environment"])
            connections = sum(_was_reached(listening) for listening in (port, abstract))
            yield Graded(
                target,
                done,
                results,
                planted,
                [before, tree(course, outside)],
                connections,
                temporary,
                processes_of(temporary),
            )
        finally:
            remove(course / "submitted")
            shutil.rmtree(temporary, ignore_errors=True)


def remove(folder: Path) -> None:
    """Not left to pytest, which removes by recursion: some of these are too deep for it."""
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def _was_reached(listening: socket.socket) -> bool:
    listening.setblocking(False)
    try:
        listening.accept()
    except BlockingIOError:
        return False
    return True


def gradebook_scores(course: Path) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course}/gradebook.db", COURSE) as gradebook:
        return {each.student.id: each.score for each in gradebook.assignment_submissions(mini.NAME)}


def test_every_submission_is_in_the_table() -> None:
    """The table beside the submissions is that of these submissions, each with its own id."""
    ids = [one.id for one in every()]

    assert len(ids) == len(set(ids))
    assert len(ids) >= 40
    assert README.read_text() == table(), "run: python -m tests.hostile"


@pytest.mark.parametrize("hostile", every(), ids=lambda one: one.id)
def test_a_hostile_submission_gets_its_honest_points(graded: Graded, hostile: Hostile) -> None:
    """Exactly these, with a status and a reason that a person can act on."""
    check(hostile, graded.results[hostile.who])


def check(hostile: Hostile, result: dict[str, Any]) -> None:
    """Compare a result, as `--json` writes it, with what the submission says of itself."""
    outcome = (result["score"], result["status"])
    if hostile.racing:
        others = [(points, "needs attention") for points in (0.0, 2.0)]
        seen = ((2.0, "graded"), (hostile.points, "graded"), *others)
        assert outcome in seen, result["reason"]
    else:
        assert outcome == (hostile.points, hostile.status), result["reason"]
        assert hostile.reason in (result["reason"] or "")
    assert "the grader itself failed" not in (result["reason"] or "")
    messages = [c["message"] for t in result["tests"].values() for c in t["checks"]]
    assert all(message.isprintable() for message in messages)
    assert all(len(message) < 400 for message in messages)
    assert not [line for line in HIDDEN if line in str(messages)]


def test_the_gradebook_has_the_same_points(graded: Graded) -> None:
    """Every submission is recorded, also where nothing could be run."""
    racing = {one.who: graded.results[one.who]["score"] for one in every() if one.racing}
    expected = {one.who: one.points or 0.0 for one in every()} | HONEST | racing

    assert gradebook_scores(graded.target.course) == expected


def test_the_honest_are_graded_as_if_they_were_alone(graded: Graded, tmp_path: Path) -> None:
    """The same verdicts, the same points, the same notebooks."""
    alone = mini.make_course(tmp_path)
    hand_in_honest(alone, graded.secrets["neighbour"])
    _, results = run(alone, tmp_path, tmp_path, "")

    for student, points in HONEST.items():
        here, there = dict(graded.results[student]), dict(results[student])
        del here["seconds"], there["seconds"]
        assert here == there
        assert here["score"] == points
        path = Path("autograded", student, mini.NAME, f"{mini.NAME}.ipynb")
        assert (graded.target.course / path).read_text() == (alone / path).read_text()


def test_nothing_outside_is_changed(graded: Graded) -> None:
    """Neither in the course nor in the home folder, and no mark is left anywhere."""
    before, after = graded.trees

    assert after == before
    for folder in ("/tmp", "/var/tmp", "/dev/shm", "/", str(Path.home())):
        assert not list(Path(folder).glob(f"{MARK}*"))


def test_no_secret_is_read(graded: Graded) -> None:
    """Not in the files that grading writes, not in its results, not on the terminal."""
    course = graded.target.course
    shown = graded.done.stdout + graded.done.stderr + (course / "out.json").read_text()
    files = [file for file in (course / "autograded").rglob("*") if file.is_file()]

    assert len(files) > len(every()) / 2
    for place, text in graded.secrets.items():
        assert text not in shown, place
        for file in files:
            own = place == "neighbour" and "honest-right" in file.parts
            assert own or text.encode() not in file.read_bytes(), (place, file)


def test_no_hidden_line_and_no_escape_is_shown(graded: Graded) -> None:
    """What a student's code can read of the tests comes back to nobody; terminals obey nothing."""
    results = (graded.target.course / "out.json").read_text()
    printed = graded.done.stdout + graded.done.stderr

    assert not [line for line in HIDDEN if line in results or line in printed]
    assert "Traceback" not in printed
    assert set(re.findall(r"[\x00-\x1f\x7f-\x9f]", printed)) == {"\n"}


def test_nothing_is_reached_and_nothing_is_left(graded: Graded) -> None:
    """No connection to what listens, no process, no folder."""
    deadline = time.monotonic() + 5
    while graded.left and time.monotonic() < deadline:
        time.sleep(0.1)
        graded.left = processes_of(graded.temporary)

    assert graded.connections == 0
    assert graded.left == []
    assert list(graded.temporary.rglob("*")) == []


def test_what_is_written_stays_small(graded: Graded) -> None:
    """However much a notebook shows."""
    files = (graded.target.course / "autograded").rglob("*.ipynb")

    assert not [file for file in files if file.stat().st_size > MAX_AUTOGRADED]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> AnswerKey:
    """The answer key of a course of its own."""
    return mini.key_of(tmp_path_factory.mktemp("key"))


def by_library(hostile: Hostile, key: AnswerKey, course: Path) -> None:
    """Grade one submission by the library, and compare with its table."""
    target = Target(course, course.parent, 9, "nobody")
    path = hostile.hand_in(target)

    try:
        found = shortly(key, read_handed_in(path, hostile.id, hostile.who, path.parent))
    finally:
        remove(course / "submitted")

    check(hostile, found.as_json())
    if wrong_versions._open is not None:
        wrong_versions._open[1].close()  # the one kernel that stays, of the course's own code
    assert list(kernel_server().kernels.iterdir()) == []
    assert len(entry_of(found).notebook or "") < MAX_AUTOGRADED


BY_LIBRARY = (
    "patch-serialisers",
    "records-guessed",
    "records-extra",
    "ast-transformers",
    "chameleon",
    "constant-inputs",
    "half-a-character",
    "edit-skip-tags",
    "read-tests",
    "leak-by-device",
    "leak-by-type",
    "write-permissions",
    "flood-objects",
    "flood-displays",
    "flood-outputs-of-many-cells",
    "daemon",
    "exit",
    "show-exceptions",
    "beside-modules",
    "beside-deep-folder",
    "beside-deeper-folder",
    "format-odd-cells",
)


@pytest.mark.parametrize("hostile", by_id(*BY_LIBRARY), ids=lambda one: one.id)
def test_the_library_gives_the_same(hostile: Hostile, key: AnswerKey, course: Path) -> None:
    """One call, in this process, without gradebook or command line."""
    by_library(hostile, key, course)


FIRST = ("patch-builtins", "read-memory", "exit")
# By other ways still, before a version is released: each starts a server.
MORE = ("seeds", "referrers")


@pytest.mark.parametrize(
    "hostile",
    [*by_id(*FIRST), *(pytest.param(one, marks=pytest.mark.release) for one in by_id(*MORE))],
    ids=lambda one: one.id,
)
def test_the_first_kernel_of_a_server_is_as_closed(
    hostile: Hostile, key: AnswerKey, course: Path
) -> None:
    """Nothing is left to be imported or made in it by the submission."""
    replace_server(kernel_server())

    by_library(hostile, key, course)


def test_a_hostile_resubmission_keeps_no_old_score(course: Path, tmp_path: Path) -> None:
    """What cannot be written as it is does not leave an earlier score in the gradebook."""
    path = mini.hand_in(course, "one", mini.submission())
    assert forked(shortened, ["workbook", "grade"], course).returncode == 0
    assert gradebook_scores(course) == {"one": 6.0}

    (hostile,) = by_id("half-a-character")
    nbformat.write(hostile.notebook(Target(course, tmp_path, 9, "nobody")), path)
    forked(shortened, ["workbook", "grade"], course)

    assert gradebook_scores(course) == {"one": 2.0}


@pytest.mark.parametrize("found", [3.0, "-inf", "nan"])
def test_no_number_is_close_to_an_infinite_one(found: object) -> None:
    """A tolerance relative to infinity would take any."""
    expected = {"kind": "float", "value": "inf"}

    assert difference(expected, {}, {"kind": "float", "value": found}, {}) is not None
    assert difference(expected, {}, dict(expected), {}) is None


def test_a_name_in_a_message_is_a_name() -> None:
    """Types, devices and shapes are the kernel's to choose; only known ones are repeated."""
    expected = {"kind": "int", "value": 3}
    odd = {"kind": "other", "type": "with observe('x') as seen"}
    shaped = {"kind": "too large", "shape": ["with observe('x') as seen"]}
    own = {"kind": "other", "type": "Observe"}
    plain = {"kind": "other", "type": "Linear"}
    large = {"kind": "too large", "shape": [10, 20]}

    for hidden in (odd, shaped, own):
        assert "observe" not in str(difference(expected, {}, hidden, {})).lower()
    assert "[10, 20]" in str(difference(expected, {}, large, {}))
    assert "Linear" in str(difference(expected, {}, plain, {}))
