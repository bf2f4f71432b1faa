"""Handing in on a real JupyterHub, with the configuration that docs/jupyterhub.md shows."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from typing import Any

import pytest
from nbgrader.api import Gradebook

from tests import hub, mini
from tests.hub_users import Server, User
from tests.test_documents import ROOT, blocks

COURSE = "transformer-workbook"
RIGHT = {
    "double": "def double(x):\n    return 2 * x",
    "first_row": "def first_row(x):\n    return x[0]",
}
HIDDEN = ("HIDDEN TESTS", "observe(", "randn", "MARK SCHEME", "One point for")


def configure(machine: hub.Machine, configuration: str, graders: dict[str, str]) -> None:
    """Put the page's files where it says, and a course into the home of each of `graders`."""
    shared = machine.srv / "nbgrader" / "config" / "nbgrader_config.py"
    shutil.copy(hub.CONFIGURATIONS / configuration, shared)
    for grader, course in graders.items():
        home = machine.home(grader)
        (home / ".jupyter").mkdir()
        own = home / ".jupyter" / "nbgrader_config.py"
        shutil.copy(hub.CONFIGURATIONS / "grader_nbgrader.py", own)
        config = mini.make_course(home) / "nbgrader_config.py"
        config.write_text(config.read_text().replace(f'"{COURSE}"', f'"{course}"'))
        machine.give(grader, home)


def formgrader(grader: Server, action: str) -> None:
    """Press a button of the formgrader's list of assignments."""
    said = grader.post(f"formgrader/api/assignment/{mini.NAME}/{action}")
    assert said["success"], said


def listed(student: Server, course: str = COURSE) -> dict[str, Any]:
    """What the Assignment List shows of the assignment, by what it is: fetched, submitted..."""
    said = student.get(f"assignments?course_id={course}")
    assert said["success"], said["value"]
    return {line["status"]: line for line in said["value"] if line["course_id"] == course}


def press(student: Server, action: str, course: str = COURSE) -> dict[str, Any]:
    """Press a button of the Assignment List, and return what it shows then."""
    said = student.post(f"assignments/{action}", assignment_id=mini.NAME, course_id=course)
    assert said["success"], said["value"]
    return listed(student, course)


# Hubs with servers: half a minute of a processor, for what only another hub or these files change.
slow = pytest.mark.release


@pytest.fixture(scope="module")
def machine() -> Iterator[hub.Machine]:
    with hub.machine(["ada", "ines"]) as machine:
        configure(machine, "one_course_nbgrader.py", {"ines": COURSE})
        yield machine


@pytest.fixture(scope="module")
def servers(machine: hub.Machine) -> Iterator[tuple[Server, Server]]:
    """A student's and a grader's, after something was handed in."""
    with hub.running(machine, "one_course.py") as running:
        student, grader = (User(running, name).server() for name in ("ada", "ines"))
        formgrader(grader, "assign")
        formgrader(grader, "release")
        assert set(listed(student)) == {"released"}
        assert set(press(student, "fetch")) == {"fetched"}
        path = f"{mini.NAME}/{mini.NAME}.ipynb"
        notebook = student.open(path)
        assert not any(secret in str(notebook) for secret in HIDDEN)
        for cell in notebook["cells"]:
            cell["source"] = RIGHT.get(cell["id"], cell["source"])
        student.save(path, notebook)
        assert set(press(student, "submit")) == {"fetched", "submitted"}
        yield student, grader


def test_the_page_shows_what_is_loaded_here() -> None:
    files = {path.read_text() for path in hub.CONFIGURATIONS.glob("*.py")}
    assert len(files) == 5
    assert files <= set(blocks(ROOT / "docs" / "jupyterhub.md", "python"))


@slow
def test_collected_graded_and_given_back(
    machine: hub.Machine, servers: tuple[Server, Server]
) -> None:
    student, grader = servers
    formgrader(grader, "collect")
    for command in ("workbook grade", "workbook feedback"):
        status, shown = grader.run(f"cd ~/course && {command}")
        assert status == 0, shown
    formgrader(grader, "release_feedback")

    (submission,) = press(student, "fetch_feedback")["submitted"]["submissions"]
    (notebook,) = submission["notebooks"]
    assert notebook["has_local_feedback"]
    page = student.open(notebook["local_feedback_path"])
    assert "6 of 6 points" in page
    assert not any(secret in page for secret in HIDDEN)
    with Gradebook(f"sqlite:///{machine.home('ines')}/course/gradebook.db") as gradebook:
        assert gradebook.find_submission(mini.NAME, "ada").score == 6.0


@slow
def test_the_formgrader_and_its_report_answer(servers: tuple[Server, Server]) -> None:
    """In a tab of their own: the hub's servers let no page be framed."""
    _, grader = servers
    pages = [grader.ask("GET", path) for path in ("formgrader/gradebook", "workbook/report")]

    assert [page.status_code for page in pages] == [200, 200]
    assert f"/user/{grader.owner}/workbook/report" in pages[0].text
    assert "frame-ancestors 'none'" in pages[0].headers["Content-Security-Policy"]


@slow
def test_a_student_has_no_formgrader(servers: tuple[Server, Server]) -> None:
    student, grader = servers
    addresses = ("formgrader/gradebook", "workbook/report", "formgrader/api/assignments")

    assert {student.ask("GET", address).status_code for address in addresses} == {404}
    for name in ("formgrader", "create-assignment", "course-list"):
        plugin = f"@jupyter/nbgrader:{name}"
        assert (plugin in student.ask("GET", "lab").text) != (
            plugin in grader.ask("GET", "lab").text
        )


@slow
def test_nobody_reads_what_another_one_wrote(
    machine: hub.Machine, servers: tuple[Server, Server]
) -> None:
    """Two users of the machine: what a grader has, and what others hand in, is closed."""
    if machine.alone:
        pytest.skip(f"not tried: that users cannot read each other's files. {machine.alone}")
    student, _ = servers
    inbound = machine.srv / "nbgrader" / "exchange" / COURSE / "inbound"
    owners = [path.stat().st_uid for path in (*inbound.iterdir(), inbound)]

    assert owners == [machine.users["ada"], machine.users["ines"]]
    assert stat.S_IMODE(inbound.stat().st_mode) & 0o777 == 0o733
    assert student.run('test "$(id -un)" = ada')[0] == 0
    for forbidden in (
        "cat ~ines/course/source/*/*.ipynb",
        "ls ~ines/course",
        f"ls /srv/nbgrader/exchange/{COURSE}/inbound",
        f"mv /srv/nbgrader/exchange/{COURSE} /srv/nbgrader/exchange/mine",
    ):
        status, shown = student.run(forbidden)
        assert status != 0, shown
        assert "denied" in shown or "not permitted" in shown


@slow
def test_others_servers_are_closed(servers: tuple[Server, Server]) -> None:
    student, grader = servers
    assert student.user.ask("GET", f"/user/{grader.owner}/api/contents").status_code == 403
    assert grader.user.ask("GET", f"/user/{student.owner}/api/contents").status_code == 403


@slow
def test_several_courses_with_accounts_that_grade() -> None:
    """Graders work in the account of their courses; students see theirs, and no other."""
    accounts = {f"grader-{course}": course for course in (COURSE, "algebra")}
    with hub.machine(["ada", "bo", "ines", "omar", *accounts]) as machine:
        configure(machine, "several_courses_nbgrader.py", accounts)
        with hub.running(machine, "several_courses.py") as running:
            users = {name: User(running, name) for name in ("ada", "bo", "ines")}
            grader = users["ines"].server(f"grader-{COURSE}")
            closed = users["ines"].ask("POST", "/hub/api/users/grader-algebra/server")
            assert closed.status_code in (403, 404)
            for name in ("ada", "bo"):
                answer = users[name].ask("GET", f"/user/grader-{COURSE}/api/contents")
                assert answer.status_code == 403
            formgrader(grader, "assign")
            formgrader(grader, "release")

            ada, bo = users["ada"].server(), users["bo"].server()
            assert set(press(ada, "fetch")) == {"fetched"}
            assert set(press(ada, "submit")) == {"fetched", "submitted"}
            assert (machine.home("ada") / COURSE / mini.NAME / f"{mini.NAME}.ipynb").is_file()
            assert listed(bo) == {}
            press(bo, "fetch")
            assert not (machine.home("bo") / COURSE).exists()

            status, shown = grader.run("cd ~/course && nbgrader db student add bo")
            assert status == 0, shown
            assert set(press(bo, "fetch")) == {"fetched"}

            formgrader(grader, "collect")
            assert (machine.home(f"grader-{COURSE}") / "course/submitted/ada").is_dir()
