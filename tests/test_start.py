"""`workbook start`: the notebooks are there, nothing that was there is touched, JupyterLab runs."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jupyter_core.paths import jupyter_config_path, jupyter_path
from jupyterlab_server.config import get_federated_extensions, get_static_page_config
from jupyterlab_server.settings_utils import _get_overrides

from autograder.course.released import ANSWERS
from autograder.errors import DeskError
from workbook import material, start

FIRST = "01-scaled-dot-product-attention"


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release of two notebooks and a start page, as a wheel holds it."""
    folder = tmp_path / "release"
    for name in ("01-one", "02-two"):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.ipynb").write_text(f'"{name}"')
    (folder / ANSWERS).mkdir()
    (folder / ANSWERS / "01-one.json").write_text("{}")
    (folder / material.START).write_text('"start"')
    monkeypatch.setattr(material, "IN_WHEEL", folder)
    return folder


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """What lies below a folder, with the time of its last change."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def command(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autograder.cli", "start", "--no-lab", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )


# --- the folder -------------------------------------------------------------------------------


def test_the_notebooks_are_copied_once(released: Path, tmp_path: Path) -> None:
    """Where nbgrader looks for them; the second time every file is as it was."""
    desk = tmp_path / "a" / "desk"

    said = start.fill(desk)

    made = files(desk)
    names = ["00-start-here.ipynb", "01-one/01-one.ipynb", "02-two/02-two.ipynb"]
    assert list(made) == names
    assert all(made[name][0] == (released / name).read_bytes() for name in names)
    assert said[1:] == ["  00-start-here", "  01-one", "  02-two"]
    assert start.fill(desk) == [
        f"All 3 notebooks are in {desk} already; they were left as they are."
    ]
    assert files(desk) == made
    assert {path.name for path in desk.iterdir()} == {"00-start-here.ipynb", "01-one", "02-two"}


def test_a_desk_may_name_its_exchange(released: Path, tmp_path: Path) -> None:
    """A student's own nbgrader_config.py does not make a course of the folder."""
    (tmp_path / "nbgrader_config.py").touch()

    start.fill(tmp_path)

    assert (tmp_path / "01-one" / "01-one.ipynb").is_file()
    assert len(start.fill(tmp_path / "deeper")) == 4


def edited(place: Path) -> None:
    place.parent.mkdir()
    place.write_text("mine")


def half_a_file(place: Path) -> None:
    place.parent.mkdir()
    place.touch()


def a_folder(place: Path) -> None:
    place.mkdir(parents=True)


def a_link_to_nowhere(place: Path) -> None:
    place.parent.mkdir()
    place.symlink_to("nowhere")


def a_file_of_the_folders_name(place: Path) -> None:
    place.parent.write_text("mine")


@pytest.mark.parametrize(
    "put", [edited, half_a_file, a_folder, a_link_to_nowhere, a_file_of_the_folders_name]
)
def test_what_is_there_is_left(released: Path, tmp_path: Path, put: Callable[[Path], None]) -> None:
    """Whatever it is; the other notebooks come."""
    desk = tmp_path / "desk"
    desk.mkdir()
    put(desk / "01-one" / "01-one.ipynb")
    before = files(desk)

    said = start.fill(desk)

    after = files(desk)
    assert set(after) - set(before) == {"00-start-here.ipynb", "02-two/02-two.ipynb"}
    assert {name: after[name] for name in before} == before
    assert not (desk / "nowhere").exists()
    assert said[-1] == "What was there before was left as it is."


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_of_two_at_once_the_first_wins(
    released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """Also where a file system knows no links: a notebook that appears meanwhile stays."""
    real = os.link

    def late(source: Path, target: Path) -> None:
        if target.name == "01-one.ipynb":
            target.write_text("the other's")
        if not links:
            raise PermissionError("no links here")
        real(source, target)

    monkeypatch.setattr(os, "link", late)

    said = start.fill(tmp_path / "desk")

    assert (tmp_path / "desk" / "01-one" / "01-one.ipynb").read_text() == "the other's"
    assert (tmp_path / "desk" / "02-two" / "02-two.ipynb").read_text() == '"02-two"'
    assert "  01-one" not in said


def test_an_interrupted_start_leaves_no_half_notebook(
    released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not finished is gone, and the next start completes it."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", interrupted)
        with pytest.raises(KeyboardInterrupt):
            start.fill(tmp_path / "desk")

    assert files(tmp_path / "desk") == {}
    assert len(start.fill(tmp_path / "desk")) == 4


def test_the_command_works_from_any_folder(tmp_path: Path) -> None:
    """The real release, by the command that students type."""
    done = command(str(tmp_path / "desk"))

    assert (done.returncode, done.stderr) == (0, "")
    copied = tmp_path / "desk" / FIRST / f"{FIRST}.ipynb"
    assert copied.read_bytes() == material.path_of(FIRST).read_bytes()
    assert f"  {FIRST}\n" in done.stdout


@pytest.mark.parametrize("below", ["", FIRST], ids=["in it", "in a folder of it"])
def test_from_within_the_desk_it_is_the_same_desk(tmp_path: Path, below: str) -> None:
    """Who comes back and types the command again sees the work, not a second, empty desk."""
    count = len([material.START, *material.names()])
    assert f"Put {count} notebooks into transformer-workbook:" in command(cwd=tmp_path).stdout
    desk = tmp_path / "transformer-workbook"
    before = files(tmp_path)

    done = command(cwd=desk / below)

    assert (
        done.stdout == f"All {count} notebooks are in {desk} already; they were left as they are.\n"
    )
    assert files(tmp_path) == before


def a_file(root: Path) -> Path:
    (root / "notes").write_text("mine")
    return root / "notes"


def below_a_file(root: Path) -> Path:
    return a_file(root) / "desk"


def in_the_source_of_a_course(root: Path) -> Path:
    (root / "nbgrader_config.py").touch()
    return root / "source" / "mine"


def the_release_itself(root: Path) -> Path:
    return material.folder()


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        (a_file, "is a file; choose a folder"),
        (below_a_file, "the notebooks cannot be put into"),
        (in_the_source_of_a_course, "is in the source/ of the course"),
        (the_release_itself, "is where the notebooks are copied from"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_kindly(
    tmp_path: Path, where: Callable[[Path], Path], sentence: str
) -> None:
    """One sentence that says what to do, no traceback, nothing made."""
    folder = where(tmp_path)
    before = files(tmp_path)

    done = command(str(folder))

    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.rstrip().endswith("workbook start FOLDER")
    assert len(done.stderr.splitlines()) == 1
    assert files(tmp_path) == before


@pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 1)() == 0 or sys.platform == "win32",
    reason="root may write everywhere, and Windows' folders have no such mode",
)
def test_a_folder_without_the_right_to_write_is_refused(tmp_path: Path) -> None:
    """It is said which folder, and why."""
    tmp_path.chmod(0o500)

    with pytest.raises(DeskError, match="Permission denied; choose another folder"):
        start.fill(tmp_path)


# --- JupyterLab -------------------------------------------------------------------------------


class Lab:
    """Stands for a JupyterLab that the user interrupts twice before it ends."""

    def __init__(self, command: list[str], cwd: Path, env: dict[str, str]) -> None:
        self.command, self.cwd, self.env = command, cwd, env
        self.interrupts = 2
        started.append(self)

    def wait(self) -> int:
        self.interrupts -= 1
        if self.interrupts >= 0:
            raise KeyboardInterrupt
        return 5


started: list[Lab] = []


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_jupyterlab_opens_the_start_page_and_ends_by_itself(
    released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, allowed: bool
) -> None:
    """Ctrl-C is its own to answer; as root, and only then, it is told that root may."""
    monkeypatch.setattr(subprocess, "Popen", Lab)
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    start.fill(tmp_path / "desk")

    assert start.open_lab(tmp_path / "desk") == 5

    lab = started[-1]
    assert lab.cwd == tmp_path / "desk"
    assert lab.command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert lab.command[-1] == material.START
    assert ("--allow-root" in lab.command) == allowed
    assert lab.env["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0] == str(start.SETTINGS)


def test_another_port_and_no_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a machine that one has reached through a terminal."""
    monkeypatch.setattr(subprocess, "Popen", Lab)

    start.open_lab(tmp_path, port=8899, browser=False)

    assert {"--port=8899", "--no-browser"} <= set(started[-1].command)
    assert started[-1].command[-1] == "--no-browser"
    assert "waits at the address below" in capsys.readouterr().out


def test_it_opens_on_the_notebook_that_is_named(
    released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", Lab)
    start.fill(tmp_path / "desk")

    start.open_lab(tmp_path / "desk", notebook="02-two")
    assert started[-1].command[-1] == "02-two/02-two.ipynb"


def test_without_jupyterlab_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where the notebooks are, for another editor."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(DeskError, match=r"pip install jupyterlab.*another editor"):
        start.open_lab(tmp_path)


def test_the_settings_are_in_front_and_the_users_own_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jupyter itself says so: off is what an instructor needs, and what the user turned off."""
    own = tmp_path / "own" / "labconfig"
    own.mkdir(parents=True)
    (own / "page_config.json").write_text(json.dumps({"disabledExtensions": {"theirs": True}}))
    path = start.environment({"JUPYTER_CONFIG_PATH": str(own.parent)})["JUPYTER_CONFIG_PATH"]
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", path)

    assert jupyter_config_path()[:2] == [str(start.SETTINGS), str(own.parent)]
    disabled = get_static_page_config()["disabledExtensions"]
    assert disabled["theirs"]
    assert all(disabled[f"@jupyter/nbgrader:{name}"] for name in ("formgrader", "course-list"))
    overrides, error = _get_overrides(str(tmp_path))
    assert not error
    assert overrides["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_jupyterlab_finds_what_adds_the_link_to_the_guide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jupyter itself says so, and the file to load is there; the user's own places stay."""
    path = start.environment({"JUPYTER_PATH": str(tmp_path)})["JUPYTER_PATH"]
    monkeypatch.setenv("JUPYTER_PATH", path)

    assert path.split(os.pathsep)[1:] == [str(tmp_path)]
    found = get_federated_extensions(jupyter_path("labextensions"))["transformer-workbook"]
    load = found["jupyterlab"]["_build"]["load"]
    assert (Path(found["ext_path"]) / load).is_file()


def test_every_setting_is_one_that_jupyterlab_knows() -> None:
    """A misspelt setting would be ignored without a word."""
    schemas = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    ours = json.loads((start.SETTINGS / "labconfig/default_setting_overrides.json").read_text())
    assert ours
    for plugin, settings in ours.items():
        package, name = plugin.split(":")
        schema = json.loads((schemas / package / f"{name}.json").read_text())
        assert set(settings) <= set(schema["properties"]), plugin
