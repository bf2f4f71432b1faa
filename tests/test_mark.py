"""`workbook mark`: written answers marked by keyboard, in the rows that the formgrader writes."""

from __future__ import annotations

import asyncio
import copy
import csv
import http.client
import inspect
import json
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.server_extensions.formgrader.apihandlers import CommentHandler, GradeHandler
from typer.testing import CliRunner

from autograder import cli
from autograder.course.course import Course, Submission
from autograder.errors import ChangedMeanwhileError, MarkRefusedError
from autograder.gradebook.entry import entry_of
from autograder.gradebook.export import CsvExport
from autograder.gradebook.gradebook import Recorder
from autograder.gradebook.penalties import settle_penalties
from autograder.marking.answers import AnswerToMark
from autograder.marking.saving import Given, points_from
from autograder.marking.serve import listen, serve
from autograder.marking.server import LARGEST_REQUEST, Desk
from autograder.submission.cells import read_submission
from autograder.submission.handed_in import read_handed_in
from autograder.submission.rebuild import Rebuilder
from autograder.verdict.present import write_verdicts
from autograder.verdict.result import Graded
from autograder.verdict.verdict import CellResult, Check
from tests import browser, gradebooks, mini
from tests.harness import ROOT

LOOKS_AT = ("autograder/marking", "autograder/gradebook")

# nbgrader's way with its database, which says so at every new submission.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

WHY, ALSO = "why-shape", "why-twice"
POINTS = 3.0
CONFIG = """
c.AssignLatePenalties.plugin_class = "autograder.nbgrader_plugin.LatePolicy"
c.LatePolicy.percent_a_day = 50.0
"""
DUE = datetime(2031, 3, 5, 7, 11, 14)
LATE = "2031-03-05 10:11:14 UTC"
TESTS = {
    "test-double": CellResult("test-double", 4.0, (Check("any shape", True, 4.0, ""),)),
    "test-first_row": CellResult("test-first_row", 2.0, (Check("row", True, 2.0, ""),)),
}


def also(cells: list[Any]) -> list[Any]:
    """The same question once more, under another name."""
    more = nbformat.from_dict(json.loads(json.dumps(cells)))
    for cell in more:
        cell.id = cell.metadata.nbgrader.grade_id = cell.id.replace(WHY, ALSO)
    return list(more)


class ClassRoom:
    """A course whose answers are in the gradebook as grading puts them, with nothing executed."""

    def __init__(self, root: Path, second: bool = False) -> None:
        self.root = mini.make_course(root)
        self.second = second
        with (self.root / "nbgrader_config.py").open("a") as config:
            config.write(CONFIG)
        path = self.root / "source" / mini.NAME / f"{mini.NAME}.ipynb"
        made = nbformat.read(path, 4)
        made.cells[-1].metadata.nbgrader.points = POINTS
        if second:
            made.cells += also(made.cells[-2:])
        nbformat.write(made, path)
        self._read()

    def _read(self) -> None:
        self.course = Course(self.root)
        self.assignment = self.course.assignments[mini.NAME]

    def copied(self, root: Path) -> ClassRoom:
        """The same below another folder: made in no time."""
        other = copy.copy(self)
        other.root = shutil.copytree(self.root, root / "course")
        other._read()
        return other

    def grade(self, answers: Mapping[str, str], late: tuple[str, ...] = ()) -> None:
        """Record a right submission of each of these students, with this written answer."""
        rebuilder = Rebuilder(self.assignment, self.course.config)
        with Recorder(self.course) as recorder:
            recorder.register(self.assignment)
            with self.gradebook() as gradebook:
                gradebook.update_or_create_assignment(mini.NAME, duedate=DUE)
            for student, answer in answers.items():
                folder = self.course.folder("submitted", student, mini.NAME)
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{mini.NAME}.ipynb"
                made = mini.submission(**{WHY: answer})
                made.cells += also(made.cells[-2:]) if self.second else []
                path.write_text(json.dumps(made))  # unlike nbformat, which takes long to look at it
                if student in late:
                    (folder / "timestamp.txt").write_text(LATE)
                rebuilt = rebuilder.rebuild(read_submission(path))
                write_verdicts(rebuilt, TESTS)
                graded = Graded(student, mini.NAME, 7, 6.0 + POINTS, student)
                graded = replace(graded, tests=TESTS, notebook=rebuilt)
                submission = Submission(student, self.assignment, folder, path, self.root)
                handed_in = read_handed_in(path, student, student, folder)
                recorder.record(submission, handed_in, entry_of(graded), {"work": "any"})

    def gradebook(self) -> Gradebook:
        return Gradebook(self.course.db_url, self.course.course_id)

    def desk(self, anonymous_by: bytes | None = None) -> Desk:
        return Desk(self.course, mini.NAME, anonymous_by)

    def grade_of(self, student: str, grade_id: str = WHY) -> tuple[Any, ...]:
        """A person's points, whether the answer waits, and a person's comment."""
        with self.gradebook() as gradebook:
            grade = gradebook.find_grade(grade_id, mini.NAME, mini.NAME, student)
            comment = gradebook.find_comment(grade_id, mini.NAME, mini.NAME, student)
            return grade.manual_score, grade.needs_manual_grade, comment.manual_comment


def in_the_formgrader(gradebook: Gradebook, student: str, points: str, comment: str) -> None:
    """What the formgrader's own handlers write when its page sends these."""
    whose = (WHY, mini.NAME, mini.NAME, student)
    grade, written = gradebook.find_grade(*whose), gradebook.find_comment(*whose)
    sent = [(GradeHandler, grade, {**grade.to_dict(), "manual_score": points})]
    if comment:
        sent.append((CommentHandler, written, {"manual_comment": comment}))
    for handler, row, body in sent:
        asked = SimpleNamespace(
            gradebook=gradebook, get_json_body=lambda body=body: body, write=lambda text: None
        )
        inspect.unwrap(handler.put)(asked, row.id)


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """The address of a desk that is served in a thread of this process."""
    told: queue.Queue[Any] = queue.Queue()

    async def until_stopped() -> None:
        stop = asyncio.Event()
        told.put((asyncio.get_running_loop(), stop))
        await serve(desk, listen(), told.put, stop)

    thread = threading.Thread(target=lambda: asyncio.run(until_stopped()))
    thread.start()
    loop, stop = told.get(timeout=60)
    try:
        yield told.get(timeout=60)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)


@pytest.fixture(scope="module")
def of_one(tmp_path_factory: pytest.TempPathFactory) -> ClassRoom:
    made = ClassRoom(tmp_path_factory.mktemp("one"))
    made.grade({"ada": "Each for itself."})
    return made


@pytest.fixture
def room(of_one: ClassRoom, tmp_path: Path) -> ClassRoom:
    """One student, one answer."""
    return of_one.copied(tmp_path)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser.chromium() as started:
        yield started


# --- by keyboard ----------------------------------------------------------------------------

FOCUSED = "document.activeElement"


def on(view: Any) -> str | None:
    """Whose points are typed now."""
    called: str | None = view.evaluate(f"{FOCUSED}.closest('form')?.dataset.called ?? null")
    return called


def goes_on(view: Any, keys: str) -> None:
    """Press keys that save, and wait until the page says that it did."""
    before = view.locator("body > [role=status]").inner_text()
    view.keyboard.press(keys)
    view.wait_for_function(
        "before => document.body.querySelector('.said').innerText !== before", arg=before
    )


@pytest.mark.settled
@browser.needs_chromium
def test_sixty_answers_marked_by_keyboard_are_as_the_formgrader_writes_them(
    tmp_path: Path, chromium: Any
) -> None:
    """The same rows; the penalty of who was late, and the export, follow with nothing executed."""
    room = ClassRoom(tmp_path)
    students = [f"s{number:02}" for number in range(60)]
    late = ("s07", "s31")
    room.grade({name: f"Each of {name} for itself, $x_{{{name[1:]}}}$." for name in students}, late)
    shutil.copy(room.root / "gradebook.db", tmp_path / "formgrader.db")
    marks = {
        name: (["0", "1", "2.5", "3", "0,25"][n % 5], "Why?\nSay `which`." if n % 4 == 1 else "")
        for n, name in enumerate(students)
    }

    with served(room.desk()) as address:
        view = chromium.new_page()
        view.goto(address)
        assert "60 of 60 answers are left" in view.locator("header").inner_text()
        while view.evaluate(f"{FOCUSED}.className") != "first":
            view.keyboard.press("Tab")
        assert view.evaluate(f"getComputedStyle({FOCUSED}).outlineStyle") != "none"
        view.keyboard.press("Enter")
        for name, (points, comment) in marks.items():
            assert on(view) == name
            assert view.evaluate(f"{FOCUSED}.name") == "points"
            view.keyboard.type(points)
            if comment:
                view.keyboard.press("Tab")
                view.keyboard.insert_text(comment)
                goes_on(view, "Control+Enter")
            else:
                goes_on(view, "Enter")
        assert view.locator(".said").inner_text() == (
            "Saved: s59. Marked: 0.25 of 3 points. None is left here."
        )
        assert view.locator(".left").inner_text() == "0"
        view.close()

    other = Course(room.root, f"sqlite:///{tmp_path}/formgrader.db")
    with Gradebook(other.db_url, other.course_id) as gradebook:
        for name, (points, comment) in marks.items():
            in_the_formgrader(gradebook, name, points.replace(",", "."), comment)
    ours = gradebooks.contents(room.course.db_url)
    assert ours["submissions"][mini.NAME, "s02"]["score"] == (float, 8.5)
    penalties = {s: ours["submissions"][mini.NAME, s]["late_submission_penalty"][1] for s in late}
    assert penalties == {"s07": 4.25, "s31": 3.5}
    settle_penalties(other)
    assert ours == gradebooks.contents(other.db_url)
    with room.gradebook() as gradebook:
        CsvExport(config=room.course.config, to=str(tmp_path / "grades.csv")).export(gradebook)
    with (tmp_path / "grades.csv").open(newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert (rows["s07"]["raw_score"], rows["s07"]["score"]) == ("8.5", "4.25")
    assert (rows["s08"]["raw_score"], rows["s08"]["score"]) == ("9.0", "9.0")


@browser.needs_chromium
def test_a_refusal_stays_where_it_is_and_two_tabs_do_not_overwrite_each_other(
    tmp_path: Path, chromium: Any
) -> None:
    room = ClassRoom(tmp_path)
    room.grade({"ada": "Each for itself.", "bob": "Who knows?"})
    with served(room.desk()) as address:
        context = chromium.new_context()
        first, second = context.new_page(), context.new_page()
        for view in (first, second):
            view.goto(address)
            view.get_by_label("Points of ada").focus()

        first.keyboard.type("4")
        goes_on(first, "Enter")
        assert first.locator(".said").inner_text() == (
            "ada is not saved: 4 is more than the 3 points of this question."
        )
        assert (on(first), first.evaluate(f"{FOCUSED}.ariaInvalid")) == ("ada", "true")
        assert room.grade_of("ada") == (None, True, None)
        first.keyboard.press("Control+a")
        first.keyboard.type("2")
        goes_on(first, "Enter")
        assert on(first) == "bob"
        assert room.grade_of("ada") == (2.0, False, None)

        second.keyboard.type("3")
        goes_on(second, "Enter")
        assert second.locator(".said").inner_text() == (
            "ada is not saved: it changed meanwhile, and the gradebook has 2 points and no "
            "comment; Enter again puts yours in its place."
        )
        assert room.grade_of("ada") == (2.0, False, None)
        goes_on(second, "Enter")
        assert room.grade_of("ada") == (3.0, False, None)
    goes_on(second, "Enter")  # nobody serves it any more
    assert "the server does not answer" in second.locator(".said").inner_text()
    context.close()


IN_SIGHT = f"""() => {{
  const [article, field] = [{FOCUSED}.closest('article'), {FOCUSED}].map(
    each => each.getBoundingClientRect());
  return article.top >= 0 && article.top < 300 && field.top > 0
    && field.bottom <= document.querySelector('.said').getBoundingClientRect().top;
}}"""


@browser.needs_chromium
def test_what_is_marked_is_in_sight(tmp_path: Path, chromium: Any) -> None:
    """Both ends of it, where an answer is as long as the window: its beginning and the fields."""
    room = ClassRoom(tmp_path)
    room.grade(dict.fromkeys(("ada", "bob", "cy"), "So it goes on.\n\n" * 40))
    with served(room.desk()) as address:
        view = chromium.new_page(viewport={"width": 800, "height": 600})
        view.goto(address)
        view.get_by_role("button", name="Go to the first").focus()
        for keys, called in [("Enter", "ada"), *[("Tab", name) for name in ("ada", "ada", "bob")]]:
            view.keyboard.press(keys)
            assert on(view) == called
            view.wait_for_function(IN_SIGHT)
        view.keyboard.type("1")
        goes_on(view, "Enter")
        assert on(view) == "cy"
        view.wait_for_function(IN_SIGHT)
        view.close()


# --- what is saved and what is not -----------------------------------------------------------


def only(desk: Desk) -> AnswerToMark:
    (answer,) = desk.answers()
    return answer


def given(answer: AnswerToMark, points: str, comment: str = "") -> Given:
    return Given(points, comment, answer.marks.digest, answer.written().digest)


def test_what_the_formgrader_or_a_grading_changed_is_not_written_over(room: ClassRoom) -> None:
    desk = room.desk()
    shown = only(desk)
    with room.gradebook() as gradebook:
        in_the_formgrader(gradebook, "ada", "1.5", "So?")

    with pytest.raises(
        ChangedMeanwhileError, match=r"1\.5 points and the comment “So\?”"
    ) as refused:
        desk.saver.save(shown.id, given(shown, "2"))
    assert refused.value.now == only(desk)
    assert room.grade_of("ada") == (1.5, False, "So?")
    typed = given(only(desk), "2")
    room.grade({"ada": "Another answer."})
    with pytest.raises(ChangedMeanwhileError, match="the answer itself changed") as refused:
        desk.saver.save(shown.id, typed)
    assert refused.value.now is None


def test_an_answer_that_changed_after_it_was_marked_waits_again(room: ClassRoom) -> None:
    """The page says so, and the same points confirm it; empty ones take the mark back."""
    desk = room.desk()
    desk.saver.save(only(desk).id, given(only(desk), "2", "Good."))
    room.grade({"ada": "Another answer."})

    stale = only(desk)
    assert stale.marks.is_stale
    assert (stale.marks.manual, stale.written().text) == (2.0, "Another answer.")
    with served(desk) as address:
        shown = Reader(address).get("/question/why-shape")[1]
    assert "It changed after it was marked: 2 of 3 points" in shown
    saved = desk.saver.save(stale.id, given(stale, "2", "Good."))
    assert not saved.marks.is_stale
    assert room.grade_of("ada") == (2.0, False, "Good.")
    desk.saver.save(saved.id, given(saved, "", ""))
    assert room.grade_of("ada") == (None, True, "")


def test_an_answer_left_as_it_was_released_waits_for_nobody(tmp_path: Path) -> None:
    """nbgrader gives it no points; a person may give some, and take them back."""
    room = ClassRoom(tmp_path)
    desk = room.desk()
    room.grade({"ada": "*Your answer here, in place of this line.*"})

    answer = only(desk)
    assert (answer.marks.waits, answer.marks.auto) == (False, 0.0)
    with pytest.raises(MarkRefusedError, match="nothing to save: write points from 0 to 3"):
        desk.saver.save(answer.id, given(answer, " "))
    answer = desk.saver.save(answer.id, given(answer, "1"))
    assert room.grade_of("ada") == (1.0, False, None)
    desk.saver.save(answer.id, given(answer, ""))
    assert room.grade_of("ada") == (None, False, None)


def test_points_that_nobody_changed_stay_to_the_last_digit(room: ClassRoom) -> None:
    """The page shows a third as 0.33, and a new comment does not make that of it."""
    desk = room.desk()
    with room.gradebook() as gradebook:
        in_the_formgrader(gradebook, "ada", str(1 / 3), "")

    desk.saver.save(only(desk).id, given(only(desk), "0.33", "A third."))

    assert room.grade_of("ada") == (1 / 3, False, "A third.")


def test_a_comment_may_come_before_the_points(room: ClassRoom) -> None:
    desk = room.desk()

    answer = desk.saver.save(only(desk).id, given(only(desk), "", "Ask her."))

    assert answer.marks.waits
    assert room.grade_of("ada") == (None, True, "Ask her.")


def test_only_written_answers_of_the_assignment_can_be_marked(room: ClassRoom) -> None:
    desk = room.desk()
    with room.gradebook() as gradebook:
        tested = gradebook.find_grade("test-double", mini.NAME, mini.NAME, "ada").id

    for id in (tested, "0" * 32):
        with pytest.raises(MarkRefusedError, match="not in the gradebook any more"):
            desk.saver.save(id, given(only(desk), "2"))


@pytest.mark.parametrize(
    ("typed", "points"),
    [("2", 2.0), (" 2,5 ", 2.5), (".5", 0.5), ("-0", 0.0), ("3.0", 3.0), ("", None)],
)
def test_points_are_read_as_people_write_them(typed: str, points: float | None) -> None:
    found = points_from(typed, 3.0)

    assert found == points
    assert str(found) != "-0.0"


@pytest.mark.parametrize(
    "typed", ["3.01", "-1", "two", "1e0", "nan", "inf", "1/2", "1 2", "٣", "9" * 400, "."]
)
def test_points_outside_the_question_are_refused(typed: str) -> None:
    with pytest.raises(MarkRefusedError, match=r"more than the 3|less than 0|no number of points"):
        points_from(typed, 3.0)


# --- who is answered -------------------------------------------------------------------------


class Reader:
    """One who was given the address, without a browser."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.at = urlsplit(address)
        self.cookie = ""
        given = token or parse_qs(self.at.query)["token"][0]
        self.status, _, headers = self.ask("GET", f"/?token={given}")
        self.given = headers.get_all("Set-Cookie") or []
        self.keep(self.given)

    def keep(self, given: list[str]) -> None:
        self.cookie = "; ".join(filter(None, (self.cookie, *(c.split(";")[0] for c in given))))

    def ask(
        self, method: str, path: str, body: str | None = None, **headers: str
    ) -> tuple[int, str, Any]:
        line = http.client.HTTPConnection(self.at.hostname or "", self.at.port, timeout=60)
        sent = {"Cookie": self.cookie, **{k.replace("_", "-"): v for k, v in headers.items()}}
        line.request(method, path, body, sent)
        answer = line.getresponse()
        text = answer.read().decode()
        line.close()
        return answer.status, text, answer.headers

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        return self.ask("GET", path, **headers)[:2]


def test_only_who_has_the_address_is_answered(room: ClassRoom) -> None:
    """No stranger, no other host or origin, and no request without the page's own token."""
    desk = room.desk()
    with served(desk) as address:
        where = urlsplit(address)
        assert where.hostname == "127.0.0.1"
        own = f"http://{where.netloc}"
        stranger = Reader(address, token="x" * 43)
        assert (stranger.status, stranger.given) == (403, [])
        for path in ("/", "/question/why-shape", "/mark.js", "/mark.css", "/elsewhere"):
            assert stranger.get(path)[0] == 403, path

        reader = Reader(address)
        assert reader.status == 302
        (cookie,) = reader.given
        assert re.search(r"; HttpOnly; Path=/; SameSite=Strict$", cookie), cookie
        status, page, headers = reader.ask("GET", "/question/why-shape")
        assert (status, "Each for itself." in page) == (200, True)
        assert desk.token not in page
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert f"script-src {own}/mark.js;" in policy
        reader.keep(headers.get_all("Set-Cookie"))
        assert reader.get("/question/why-shape", Host=f"evil.example:{where.port}")[0] == 403
        assert reader.get("/question/why-shape", Host="127.0.0.1:1")[0] == 403
        assert reader.get("/question/test-double")[0] == 404
        assert reader.get("/elsewhere")[0] == 404

        answer = only(desk)
        xsrf = re.search(r'name="xsrf" content="([^"]+)"', page)[1]  # type: ignore[index]
        body = json.dumps(vars(given(answer, "2")))
        to = f"/answer/{answer.id}"
        assert reader.ask("POST", to, body)[0] == 403
        assert reader.ask("POST", to, body, X_XSRFToken="2|1|1|1")[0] == 403
        foreign = reader.ask("POST", to, body, X_XSRFToken=xsrf, Origin="http://evil.example")
        assert foreign[0] == 403
        rebound = reader.ask("POST", to, body, X_XSRFToken=xsrf, Host="evil.example")
        assert rebound[0] == 403
        for nonsense in ("", "[]", '{"points": 2}', body.replace('"2"', "2")):
            assert reader.ask("POST", to, nonsense, X_XSRFToken=xsrf)[0] == 400, nonsense
        with pytest.raises((OSError, http.client.HTTPException)):
            reader.ask("POST", to, " " * (LARGEST_REQUEST + 1), X_XSRFToken=xsrf)
        assert reader.ask("POST", to, body.replace('"2"', '"4"'), X_XSRFToken=xsrf)[0] == 400
        assert room.grade_of("ada") == (None, True, None)
        assert reader.ask("POST", to, body, X_XSRFToken=xsrf, Origin=own)[0] == 200
        assert room.grade_of("ada") == (2.0, False, None)
        assert reader.ask("POST", to, body, X_XSRFToken=xsrf)[0] == 409


def test_half_a_character_and_none_are_no_trouble(room: ClassRoom) -> None:
    desk = room.desk()
    with served(desk) as address:
        reader = Reader(address)
        page, headers = reader.ask("GET", "/question/why-shape")[1:]
        reader.keep(headers.get_all("Set-Cookie"))
        xsrf = re.search(r'name="xsrf" content="([^"]+)"', page)[1]  # type: ignore[index]
        body = json.dumps(vars(given(only(desk), "2", "a\ud800b\0c")))
        assert reader.ask("POST", f"/answer/{only(desk).id}", body, X_XSRFToken=xsrf)[0] == 200

    assert room.grade_of("ada") == (2.0, False, "a?bc")


# --- what the page shows ----------------------------------------------------------------------

HOSTILE = {
    "script": "<script>window.taken = 1; fetch('http://evil.example/a')</script>",
    "onerror": "<img src=x onerror='window.taken = 2'> <svg onload=alert(1)></svg>",
    "links": "[a](javascript:window.taken=3) <a href='http://evil.example/b'>b</a> [c](http://evil.example/c)",
    "pictures": "![p](http://evil.example/d.png) <img src='http://evil.example/e.png'>",
    "form": "</div></article><form action='http://evil.example/f'><input name=points></form>",
    "style": "<style>body{background:url(http://evil.example/g)}</style><base href='http://evil.example/'>",
    "formula": r"$\href{javascript:alert(1)}{x}$ $$\style{background:url(http://evil.example/h)}{y}$$",
    "huge": "x" * 300_000,
    "wide": "| a |" + " b |" * 60 + "\n|---|" + "---|" * 60 + "\n| 1 |" + " 2 |" * 60,
}


def browser_error() -> type[Exception]:
    from playwright.sync_api import Error

    return Error


@browser.needs_chromium
def test_nothing_that_a_student_wrote_runs_or_asks(tmp_path: Path, chromium: Any) -> None:
    """No script, request, link or field of theirs; what got in all the same would be stopped."""
    room = ClassRoom(tmp_path)
    room.grade(HOSTILE)
    with served(room.desk()) as address:
        own = f"http://{urlsplit(address).netloc}/"
        view = chromium.new_page()
        asked, spoken = [], []
        stopped: dict[str, str] = {}
        view.on("request", lambda request: asked.append(request.url))
        view.on("requestfailed", lambda failed: stopped.update({failed.url: failed.failure}))
        view.on("dialog", lambda dialog: (spoken.append(dialog.message), dialog.dismiss()))
        view.goto(address)
        view.get_by_text("Model answer").click()

        assert view.locator("article").count() == len(HOSTILE)
        assert view.locator("form").count() == len(HOSTILE)
        assert view.locator("script").count() == 1
        assert view.locator("article").locator("a, img, svg, style, base, iframe").count() == 0
        assert (
            view.evaluate(
                "[...document.querySelectorAll('article *')].flatMap(each => "
                "each.getAttributeNames().filter(name => name.startsWith('on')))"
            )
            == []
        )
        assert [each for each in asked if not each.startswith(own)] == []
        # As if something had got in.
        for element in ("img", "script"):
            put_in = f"document.body.append(Object.assign(document.createElement('{element}')"
            with suppress(browser_error()):
                view.evaluate(f"{put_in}, {{src: 'http://evil.example/i'}}))")
        with pytest.raises(browser_error(), match="TrustedScript"):
            view.evaluate("document.body.setAttribute('onclick', 'window.taken = 4')")
        with pytest.raises(browser_error(), match="TrustedHTML"):
            view.evaluate("document.body.innerHTML = '<b>x</b>'")
        assert view.evaluate("window.taken === undefined")
        view.get_by_label("Points of script").focus()
        view.keyboard.type("1")
        goes_on(view, "Enter")
        assert view.locator(".said").inner_text().startswith("Saved: script.")
        assert spoken == []
        assert {url: stopped[url] for url in asked if not url.startswith(own)} == {
            "http://evil.example/i": "csp"
        }
        view.close()


@browser.needs_chromium
def test_the_page_can_be_used_by_everybody(tmp_path: Path, chromium: Any) -> None:
    """Light on a desk and dark on a phone, with everything unfolded, in all of its states."""
    room = ClassRoom(tmp_path, second=True)
    room.grade({"ada": HOSTILE["wide"], "bob": "Formulas: $$" + "x + " * 60 + "y$$", "cy": "Each."})
    desk = room.desk()
    for answer in desk.answers()[:2]:
        desk.saver.save(answer.id, given(answer, "2", "Good."))
    room.grade({"ada": HOSTILE["wide"] + "\n\nMore."})
    with served(desk) as address:
        view = chromium.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        view.goto(address)
        view.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert "One point for: every entry" in view.locator("aside").inner_text()
        view.get_by_label("Points of cy").fill("7")
        view.get_by_label("Points of cy").focus()
        goes_on(view, "Enter")
        assert browser.serious(view) == []
        view.set_viewport_size({"width": 360, "height": 740})
        view.emulate_media(color_scheme="dark")
        assert view.evaluate("document.documentElement.scrollWidth") <= 360
        assert browser.serious(view) == []
        view.close()


def test_without_names_there_is_none_and_the_order_is_another(tmp_path: Path) -> None:
    """The order stays while it is served, and is another with another secret."""
    room = ClassRoom(tmp_path)
    students = {f"student-{letter}": f"Said number {letter}." for letter in "abcdefghij"}
    room.grade(students)
    with room.gradebook() as gradebook:
        gradebook.update_or_create_student("student-a", first_name="Ada", last_name="Lovelace")

    orders = []
    for secret in (b"one", b"one", b"two", None):
        with served(room.desk(secret)) as address:
            page = Reader(address).get("/question/why-shape")[1]
        assert ("student-" in page) == (secret is None)
        assert ("Lovelace" in page) == (secret is None)
        orders.append(re.findall(r"Said number (\w)\.", page))

    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert orders[3] == sorted(orders[0]) == list("abcdefghij")
    assert orders[0] != orders[3]


def test_each_question_has_a_page_and_the_first_with_something_left_opens(tmp_path: Path) -> None:
    room = ClassRoom(tmp_path, second=True)
    room.grade({"ada": "Each for itself."})
    desk = room.desk()
    first = next(each for each in desk.answers() if each.question == WHY)
    with served(desk) as address:
        reader = Reader(address)
        assert reader.ask("GET", "/")[2]["Location"] == f"/question/{WHY}"
        desk.saver.save(first.id, given(first, "1"))
        assert reader.ask("GET", "/")[2]["Location"] == f"/question/{ALSO}"
        page = reader.get(f"/question/{ALSO}")[1]
    assert f'<a href="/question/{WHY}">{WHY}</a> (0 left)' in page
    assert f'<a href="/question/{ALSO}" aria-current="page">' in page


# --- the command ------------------------------------------------------------------------------


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, ["mark", *arguments])
    assert done.exit_code == 2, done.output
    return " ".join(done.output.split())


def test_what_cannot_be_marked_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = ClassRoom(tmp_path)
    monkeypatch.chdir(room.root)

    assert "there is no assignment 'other'" in refused("other")
    assert "there is no gradebook yet: `workbook grade` makes it" in refused(mini.NAME)
    assert not (room.root / "gradebook.db").exists()
    room.grade({})
    assert f"nothing of {mini.NAME} is graded yet" in refused(mini.NAME)
    room.grade({"ada": "Each for itself."})
    with served(room.desk()) as address:
        port = urlsplit(address).port
        assert f"port {port} cannot be used: " in refused(mini.NAME, "--port", str(port))
    made = nbformat.read(room.assignment.path, 4)
    made.cells.pop()
    nbformat.write(made, room.assignment.path)
    assert f"{mini.NAME} has no written question" in refused(mini.NAME)
    (room.root / "nbgrader_config.py").unlink()
    assert "is not a course folder" in refused(mini.NAME)


def test_ctrl_c_ends_it_with_a_sentence(tmp_path: Path) -> None:
    """How many are marked and how many left; no traceback."""
    room = ClassRoom(tmp_path)
    room.grade({"ada": "Each for itself.", "bob": "Who knows?"})
    desk = room.desk()
    answer = desk.answers()[0]
    desk.saver.save(answer.id, given(answer, "1"))
    command = [sys.executable, "-m", "autograder.cli", "mark", mini.NAME, "--no-browser"]
    process = subprocess.Popen(
        command, cwd=room.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert Reader(address[address.index("http") :]).status == 302

    process.send_signal(signal.SIGINT)
    printed, complained = process.communicate(timeout=60)

    assert (process.returncode, complained) == (0, "")
    assert printed == f"{mini.NAME}: 1 of 2 answers are marked, 1 left.\n"


def test_help_needs_neither_torch_nor_a_server() -> None:
    code = (
        "import sys; sys.argv = ['workbook', 'mark', '--help']\n"
        "from autograder.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print({'torch', 'tornado', 'nbgrader'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()", done.stderr
    assert "--anonymous" in done.stdout
