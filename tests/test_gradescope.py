"""The autograder for Gradescope: what is in its zip, and what that does in a container."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import io
import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

from autograder.cli import app
from autograder.doctor import findings
from autograder.errors import SandboxUnavailableError, UnreadableError
from autograder.gradescope import prepare
from autograder.gradescope.submitted import notebook_in
from tests import mini
from tests.container import (
    CLOSED,
    DOCKER,
    NO_FILTER,
    OLD_DOCKER,
    OPEN,
    PYTHON_FOLDER,
    Container,
    make_container,
    needs_root,
)
from tests.harness import ROOT
from tests.hostile import every

LOOKS_AT = ("autograder/gradescope", "autograder/kernel", "autograder/sandbox")

NAME = mini.NAME
VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
# Gradescope's documentation, "Autograder Specifications": Output Format.
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "anyOf": [
        {"required": ["score"]},
        {"properties": {"tests": {"items": {"required": ["score"]}, "minItems": 1}}},
    ],
    "properties": {
        "score": {"type": "number"},
        "execution_time": {"type": "number"},
        "output": {"type": "string"},
        "output_format": FORMAT,
        "test_output_format": FORMAT,
        "test_name_format": FORMAT,
        "visibility": VISIBILITY,
        "stdout_visibility": VISIBILITY,
        "extra_data": {"type": "object"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "score": {"type": "number"},
                    "max_score": {"type": "number"},
                    "status": {"enum": ["passed", "failed"]},
                    "name": {"type": "string"},
                    "name_format": FORMAT,
                    "number": {"type": "string"},
                    "output": {"type": "string"},
                    "output_format": FORMAT,
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "visibility": VISIBILITY,
                    "extra_data": {"type": "object"},
                },
            },
        },
        "leaderboard": {"type": "array"},
    },
}
HIDDEN = ("randn(3, 5)", "with observe(", "seen.output", "BEGIN HIDDEN", "MARK SCHEME")
BROKEN = f"{mini.SOLUTIONS}\nraise ValueError\n"
CLOSED_TO_OTHERS = ("source", "results", "submission", "submission_metadata.json")
# The most that a container of 2 GiB could give to a process: of the address space of each, as a
# control group for all together is not everybody's to make.
LIMITED = ("prlimit", f"--as={2 * 2**30}")

STEALS = """
import os, signal, subprocess
def everything():
    yield "/autograder/source/course/solutions/mini.py"
    for top, _, names in os.walk("/autograder"):
        yield from (os.path.join(top, name) for name in names)
for path in everything():
    try:
        text = open(path).read()
        exec(text[text.index("import torch"):])
    except Exception:
        pass
for path in ("/autograder/results/results.json", "/autograder/run_autograder"):
    try:
        open(path, "w").write('{"score": 100}')
    except OSError:
        pass
if os.fork() == 0:
    os.setsid()
    import time
    while True:
        try:
            open("/autograder/results/results.json", "w").write('{"score": 100}')
        except OSError:
            pass
        time.sleep(0.1)
for each in os.listdir("/proc"):
    if each.isdigit() and int(each) not in (os.getpid(),):
        try:
            os.kill(int(each), signal.SIGSTOP)
        except OSError:
            pass
if "double" not in globals():
    def double(x):
        return 3 * x
"""


def rarely(kind: str) -> Any:
    """A kind of container that is tried before a version is released."""
    return pytest.param(kind, marks=pytest.mark.release)


def written(course: Path, out: Path, *more: str) -> tuple[int, str]:
    """What the command says in a course folder, and its status."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(course)
        done = CliRunner().invoke(app, ["gradescope", NAME, str(out), *more])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mini.make_course(tmp_path_factory.mktemp("gradescope"))


@pytest.fixture(scope="module")
def bundle(course: Path) -> Path:
    """The zip of the small course."""
    out = course.parent / "mini.zip"
    status, said = written(course, out)
    assert status == 0, said
    assert "6 autograder points" in said
    assert "2 GB of memory" in said
    assert "Written answers (1 points) are marked by hand" in said
    return out


def test_the_zip_is_as_gradescope_wants_it(bundle: Path) -> None:
    """Two programs at its root, which may be executed, and nothing of another assignment."""
    with zipfile.ZipFile(bundle) as archive:
        names = archive.namelist()
        for program in ("setup.sh", "run_autograder"):
            assert archive.getinfo(program).external_attr >> 16 == 0o100755
            assert archive.read(program).startswith(b"#!/usr/bin/env bash\n")
        assert [n for n in names if n.startswith("course/")] == [
            "course/nbgrader_config.py",
            "course/solutions/__init__.py",
            "course/solutions/mini.py",
            "course/solutions/mini.toml",
            f"course/source/{NAME}/{NAME}.ipynb",
        ]


def test_the_programs_can_be_read_by_bash(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path)
    for program in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", str(tmp_path / program)], check=True)
    assert "\nlimit=570\n" in (tmp_path / "run_autograder").read_text()


def test_the_same_course_gives_the_same_bytes(course: Path, bundle: Path, tmp_path: Path) -> None:
    """Also where a file was touched; and a zip that was there is replaced."""
    notebook = course / "source" / NAME / f"{NAME}.ipynb"
    notebook.touch()
    again = tmp_path / "again.zip"
    again.write_text("an older one")

    status, said = written(course, again)

    assert (status, "replaced" in said) == (0, True)
    assert again.read_bytes() == bundle.read_bytes()
    assert list(tmp_path.iterdir()) == [again]


def test_what_is_chosen_is_in_the_zip(course: Path, tmp_path: Path) -> None:
    out = tmp_path / "chosen.zip"
    written(course, out, "--show", "after_published", "--minutes", "40")

    with zipfile.ZipFile(out) as archive:
        assert json.loads(archive.read("settings.json")) == {"visibility": "after_published"}
        assert b"\nlimit=2370\n" in archive.read("run_autograder")


def test_the_wheel_is_one_by_its_specification(bundle: Path) -> None:
    """PyPA's "Binary distribution format": RECORD names every file with its digest and size."""
    with zipfile.ZipFile(bundle) as archive:
        (called,) = (name for name in archive.namelist() if name.endswith(".whl"))
        content = archive.read(called)
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        files = {name: wheel.read(name) for name in wheel.namelist()}
    version = importlib.metadata.version("transformer-workbook")
    about = f"transformer_workbook-{version}.dist-info"
    record = list(csv.reader(io.StringIO(files[f"{about}/RECORD"].decode())))

    assert called == f"transformer_workbook-{version}-py3-none-any.whl"
    assert sorted(name for name, *_ in record) == sorted(files)
    for name, digest, size in record:
        if name != f"{about}/RECORD":
            found = hashlib.sha256(files[name]).digest()
            assert digest == f"sha256={base64.urlsafe_b64encode(found).decode().rstrip('=')}"
            assert int(size) == len(files[name])
    folders = (ROOT / "autograder", ROOT / "workbook")
    here = [path for each in folders for path in each.rglob("*") if path.is_file()]
    assert {str(p.relative_to(ROOT)) for p in here if "__pycache__" not in p.parts} <= set(files)


def test_versions_are_those_that_are_here(bundle: Path) -> None:
    """All that the package needs, and what these need; of torch not the build."""
    with zipfile.ZipFile(bundle) as archive:
        pins = dict(
            line.split("==") for line in archive.read("requirements.txt").decode().splitlines()
        )
    needed = map(Requirement, importlib.metadata.requires("transformer-workbook") or ())
    named = {canonicalize_name(each.name): each for each in needed if "extra" not in str(each)}

    assert set(named) <= set(pins)
    for name, version in pins.items():
        assert importlib.metadata.version(name).split("+")[0] == version
    assert all(each.specifier.contains(pins[name]) for name, each in named.items())
    assert not [name for name in pins if name.startswith("nvidia")]


@pytest.mark.parametrize(
    ("change", "out", "says"),
    [
        ({}, "mini.tar", "give it a name that ends in .zip"),
        ({}, "nowhere/mini.zip", "is not a folder"),
        ({"solutions/mini.py": BROKEN}, "mini.zip", "the reference of 01-mini does not run"),
        (
            {"nbgrader_config.py": "import beside_it", "beside_it.py": ""},
            "mini.zip",
            "cannot be read by itself",
        ),
        ({f"source/{NAME}/{NAME}.ipynb": "{"}, "mini.zip", "is not a notebook"),
    ],
    ids=["no-zip", "no-folder", "reference", "configuration", "notebook"],
)
def test_what_cannot_be_an_autograder_is_refused(
    change: dict[str, str], out: str, says: str, tmp_path: Path
) -> None:
    """In a sentence; nothing is written."""
    folder = mini.make_course(tmp_path)
    for name, text in change.items():
        (folder / name).write_text(text)

    status, said = written(folder, tmp_path / out)

    assert status == 2
    assert says in " ".join(said.split())
    assert not list(tmp_path.glob("*.zip"))


def test_an_image_is_not_made_of_what_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version of a package there may break what ran here; the build ends with a sentence."""
    folder = mini.make_course(tmp_path)
    (folder / "solutions" / "mini.py").write_text(BROKEN)
    monkeypatch.setattr(prepare, "COURSE", folder)

    with pytest.raises(SystemExit, match="This cannot be an autograder: the reference of 01-mini"):
        prepare.main()


def test_an_assignment_that_is_not_there_is_refused(course: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(course)
        done = CliRunner().invoke(app, ["gradescope", "09-none", str(tmp_path / "x.zip")])

    assert done.exit_code == 2
    assert "there is no assignment '09-none'; there are 01-mini" in done.output


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([f"{NAME}.ipynb", "notes.ipynb"], f"{NAME}.ipynb"),
        (["Copy (1).ipynb", "data.csv"], "Copy (1).ipynb"),
        ([f"work/{NAME}.ipynb", ".ipynb_checkpoints/x.ipynb"], f"work/{NAME}.ipynb"),
        (["a.py"], f"no notebook was handed in; upload {NAME}.ipynb"),
        (["a.ipynb", "b.ipynb"], rf"several .* \(a.ipynb, b.ipynb\); upload one, called {NAME}"),
    ],
)
def test_which_notebook_is_graded(files: list[str], found: str, tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")

    if found.endswith(".ipynb") and "upload" not in found:
        assert notebook_in(tmp_path, NAME) == tmp_path / found
    else:
        with pytest.raises(UnreadableError, match=found):
            notebook_in(tmp_path, NAME)


@pytest.fixture(scope="module")
def container(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Container:
    """One in which the zip's setup was run, as Docker would."""
    made = make_container(tmp_path_factory.mktemp("container"))
    made.unpack(bundle)
    done = made.run(DOCKER, ["/autograder/source/setup.sh"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Sandbox: no namespaces" in done.stdout
    assert list((made.autograder / "source/course/.workbook/answer-keys").iterdir())
    return made


def graded(container: Container, kind: str, content: nbformat.NotebookNode | str) -> Any:
    """The results.json of one upload, which is by the schema and shows nothing hidden."""
    text = content if isinstance(content, str) else nbformat.writes(content)
    container.submit({"my work.ipynb": text.encode()})
    done = container.run(kind, [*LIMITED, "/autograder/run_autograder"])
    written = (container.autograder / "results" / "results.json").read_text()
    results = json.loads(written)
    jsonschema.validate(results, SCHEMA)
    assert not [line for line in HIDDEN if line in written]
    assert "Traceback" not in done.stdout + done.stderr + written
    return results | {"stdout": done.stdout, "stderr": done.stderr}


def points_of(results: Any) -> dict[str, tuple[float, float, str]]:
    return {
        test["name"]: (test["score"], test["max_score"], test["status"])
        for test in results["tests"]
        if "score" in test
    }


@pytest.mark.settled
@needs_root
def test_right_work_has_all_points(container: Container) -> None:
    """And its written answer is to be marked, which takes nothing from them."""
    results = graded(container, OPEN, mini.submission())

    assert results["score"] == 6
    assert points_of(results) == {"double": (4, 4, "passed"), "first_row": (2, 2, "passed")}
    (answer,) = (test for test in results["tests"] if "score" not in test)
    assert answer["name"] == "why-shape: to be marked"
    assert "for up to 1 more points" in answer["output"]
    assert results["stdout"].startswith("Sandbox: bubblewrap")
    assert results["stdout_visibility"] == "hidden"


@needs_root
def test_wrong_work_is_told_why(container: Container) -> None:
    """As the graded notebook says it: the likely cause by its name."""
    wrong = mini.submission(double="def double(x):\n    return 3 * x")
    results = graded(container, DOCKER, wrong)

    assert (results["score"], points_of(results)["double"]) == (2, (0, 4, "failed"))
    (shown,) = (test["output"] for test in results["tests"] if test["name"] == "double")
    assert "Likely cause: The number is tripled." in shown
    assert "<table" in shown
    assert "a user of its own, no network, by a seccomp filter" in results["stdout"]


@needs_root
@pytest.mark.release
def test_broken_work_gets_a_reason(container: Container) -> None:
    """Which says what to do, and that the points are no verdict."""
    results = graded(container, DOCKER, '{"cells": [')

    assert (results["score"], results["visibility"]) == (0, "visible")
    (test,) = results["tests"]
    assert test["name"] == "Not graded"
    assert "could not be graded: 01-mini.ipynb is not a notebook: it ends" in test["output"]
    assert "no verdict on your work" in test["output"]


@pytest.mark.settled
@needs_root
@pytest.mark.parametrize("kind", [OLD_DOCKER, *map(rarely, (OPEN, DOCKER))])
def test_hostile_work_gets_its_honest_points(container: Container, kind: str) -> None:
    """It reads no solution, writes no results and leaves no process that would."""
    results = graded(container, kind, mini.submission(double=STEALS))

    assert results["score"] == 2
    assert ("bubblewrap" in results["stdout"]) == (kind == OPEN)
    program = (container.autograder / "run_autograder").read_bytes()
    assert program == (container.autograder / "source/run_autograder").read_bytes()


@pytest.mark.settled
@needs_root
def test_without_any_sandbox_nothing_is_run(container: Container) -> None:
    """The student is told whose fault it is, and staff the reason."""
    results = graded(container, CLOSED, mini.submission())

    (test,) = results["tests"]
    assert (results["score"], results["visibility"]) == (0, "visible")
    assert "You did nothing wrong and can do nothing about it" in test["output"]
    assert "no verdict on your work" in test["output"]
    assert "Not graded: code of students cannot be isolated here" in results["stderr"]


@needs_root
@pytest.mark.parametrize(
    ("program", "says"),
    [("#!/bin/sh\nexit 3\n", "(status 3)"), ("#!/bin/sh\nsleep 60\n", "Grading took longer")],
    ids=["it-ends", "it-does-not-end"],
)
def test_results_are_written_where_the_grader_cannot(
    bundle: Path, tmp_path: Path, program: str, says: str
) -> None:
    """Where it was killed, or did not come to an end: by the program around it."""
    bare = make_container(tmp_path)
    bare.unpack(bundle)
    (bare.autograder / "python").write_text(program)
    (bare.autograder / "python").chmod(0o755)
    (bare.autograder / "source" / "python").write_text("/autograder/python\n")
    path = bare.autograder / "run_autograder"
    path.write_text(re.sub(r"^limit=\d+", "limit=1", path.read_text(), flags=re.M))

    results = graded(bare, DOCKER, mini.submission())

    assert says in results["tests"][0]["output"]
    assert results["score"] == 0


@pytest.mark.settled
@needs_root
@pytest.mark.parametrize("kind", [OLD_DOCKER, *map(rarely, (DOCKER, NO_FILTER))])
def test_what_student_code_can_do_without_namespaces(container: Container, kind: str) -> None:
    """Nothing of what is tried, and nothing of it is left: with Landlock and without.

    Without a seccomp filter the two things that docs/limits.md names, and these are said.
    """
    container.submit({f"{NAME}.ipynb": b"{}"})
    (container.autograder / "results/results.json").write_text("{}")
    # As `run_autograder` does first.
    closing = ["chmod", "-R", "go=", *(f"/autograder/{name}" for name in CLOSED_TO_OTHERS)]
    container.run(kind, closing)
    attempts = ROOT / "tests" / "attempts.py"
    bound = ["--ro-bind", str(attempts), "/attempts.py"]

    command = [*LIMITED, f"{PYTHON_FOLDER}/bin/python", "-I", "/attempts.py"]
    done = container.run(kind, command, *bound)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    possible = {"the network", "memory for later"} if kind == NO_FILTER else set()
    network = found["held"].partition("own, ")[2]
    assert ("the network is open" in network) == (kind == NO_FILTER)
    assert found["honest"] == "2.0 True True"
    assert {what for what, came in found["attempts"].items() if came != "no"} == possible
    assert (found["left"], found["problem"]) == ("left", None)
    assert set(found["users"]) == {"0"}
    assert found["folders"] == []


# Their own doing, at this level, with the points of what ran: two end or stop their kernel, which
# is the first process of no namespace; of one the memory is counted that its processes share, and
# it is chance in which cell that is seen.
ENDED = {"signal-everybody": (2.0,), "flood-processes": (0.0, 2.0), "stop-itself": (0.0,)}
# What they are is seen by where they lie in a course, and nothing is run.
OF_A_COURSE = {"link-notebook", "link-folder", "other-notebook"}


@needs_root
@pytest.mark.release
def test_every_hostile_submission_is_held_without_namespaces(container: Container) -> None:
    """As `test_hostile` has it at the usual level: honest points, nothing left."""
    container.submit({})
    repository = ["--ro-bind", str(ROOT), "/repository", "--setenv", "PYTHONPATH", "/repository"]
    command = [f"{PYTHON_FOLDER}/bin/python", "-P", "-m", "tests.hostile.contained"]
    container.run(OLD_DOCKER, ["chmod", "-R", "go=", "/autograder"])

    done = container.run(OLD_DOCKER, command, *repository, seconds=1_800)

    assert done.returncode == 0, done.stderr
    came = json.loads(done.stdout)
    assert came["held"].endswith("no Landlock")
    assert came["tmp"] == [name for name in came["tmp"] if name.startswith("tmp")]
    for one in (each for each in every() if each.id not in OF_A_COURSE):
        found = came["found"][one.id]
        assert (found["folders"], found["users"]) == ([], []), one.id
        if one.racing:
            assert found["score"] in (0.0, 2.0, one.points), one.id
            continue
        expected = ENDED.get(one.id, (one.points,))
        assert found["score"] in expected, (one.id, found["reason"])
        if one.id not in ENDED:
            assert found["status"] == one.status, (one.id, found["reason"])
            assert one.reason in (found["reason"] or ""), one.id


@needs_root
@pytest.mark.release
def test_no_other_command_takes_the_weaker_level(container: Container) -> None:
    """`workbook doctor` shows it in the container, and `workbook grade` refuses there."""
    container.submit({f"{NAME}.ipynb": nbformat.writes(mini.submission()).encode()})
    workbook = f"cd /autograder/source/course && {PYTHON_FOLDER}/bin/workbook"

    doctor = container.run(DOCKER, ["sh", "-c", f"{workbook} doctor"])
    upload = f"/autograder/submission/{NAME}.ipynb"
    refused = container.run(DOCKER, ["sh", "-c", f"{workbook} grade {upload}"])

    assert "weaker sandbox, taken on Gradescope alone: a user of its own" in doctor.stdout
    assert refused.returncode == 2
    assert "a sandbox cannot be made here" in refused.stderr


@pytest.mark.parametrize("uid", [0, 1000])
def test_the_doctor_shows_it_to_root_alone(uid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the usual one does not work: others could not take it anywhere."""

    class Refuses:
        holds = "a user of its own"

        def __init__(self, level: object = None) -> None:
            if level is None:
                raise SandboxUnavailableError("there are no namespaces here")

        def close(self) -> None: ...

    monkeypatch.setattr("os.geteuid", lambda: uid)
    monkeypatch.setattr("autograder.sandbox.kernel_server", Refuses)
    monkeypatch.setattr("autograder.sandbox.KernelServer", Refuses)
    found = {each.what: each for each in findings(Path("/nowhere"))}

    assert not found["sandbox"].fine
    weaker = found.get("weaker sandbox, taken on Gradescope alone")
    assert (weaker is not None and weaker.found.startswith("a user of its own")) == (uid == 0)
