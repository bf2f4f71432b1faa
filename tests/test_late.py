"""When work was handed in, whether that is late, and what it costs."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook
from sqlalchemy import text

from autograder.course.course import Course, Submission
from autograder.errors import CourseError
from autograder.feedback.exporter import page
from autograder.feedback.marks import today
from autograder.gradebook.deadlines import extend
from autograder.gradebook.entry import answers_of, entry_of
from autograder.gradebook.export import COLUMNS, CsvExport
from autograder.gradebook.gradebook import Recorder
from autograder.gradebook.penalties import settle_penalties
from autograder.grading.table import print_table
from autograder.submission.cells import read_submission
from autograder.submission.handed_in import MAX_FILES, read_handed_in
from autograder.submission.rebuild import Rebuilder
from autograder.submission.submitted_at import Clock, submitted_at
from autograder.verdict.present import write_verdicts
from autograder.verdict.result import Graded
from autograder.verdict.standing import duration
from autograder.verdict.verdict import CellResult, Check
from tests import mini
from tests.test_nbgrader import nbgrader

# nbgrader's way with its database, which says so at every new submission.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

BERLIN = Clock("Europe/Berlin")
WITHOUT_ZONE = Clock("America/New_York", "%d.%m.%Y %H:%M")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2031-03-05 08:11:14.5 UTC", "2031-03-05 08:11:14.500000"),
        ("2031-03-05 08:11:14", "2031-03-05 08:11:14"),  # as nbgrader has it, UTC
        ("2031-03-05T08:11:14Z", "2031-03-05 08:11:14"),
        ("2031-3-5 8:11 GMT", "2031-03-05 08:11:00"),
        ("2031-03-05 08:11:14 +0200", "2031-03-05 06:11:14"),
        ("2031-03-05T08:11:14.123456789-05:30", "2031-03-05 13:41:14.123456"),
        ("2031-03-05 08:11:14 UTC+2", "2031-03-05 06:11:14"),
        ("2031-03-05 08:11:14 America/New_York", "2031-03-05 13:11:14"),
        ("2031-07-05 08:11:14 America/New_York", "2031-07-05 12:11:14"),
        ("2031-03-05 08:11:14 EST", "2031-03-05 13:11:14"),
        ("2031-03-05 08:11:14 CET", "2031-03-05 07:11:14"),
        ("\ufeff2031-03-05 08:11:14 UTC\r\n", "2031-03-05 08:11:14"),
    ],
)
def test_a_time_is_read_as_it_is_meant(text: str, expected: str) -> None:
    """nbgrader reads +0200 as 200 seconds, and a name that it does not know as UTC."""
    found = submitted_at(text.encode())

    assert (str(found.time), found.problem) == (expected, None)


@pytest.mark.parametrize(
    ("text", "clock", "expected"),
    [
        ("2031-07-05 08:11:14.000000 CEST", BERLIN, "2031-07-05 06:11:14"),
        ("2031-03-05 08:11:14.000000 CET", BERLIN, "2031-03-05 07:11:14"),
        # The hour that comes twice when summer ends.
        ("2031-10-26 02:30:00.000000 CEST", BERLIN, "2031-10-26 00:30:00"),
        ("2031-10-26 02:30:00.000000 CET", BERLIN, "2031-10-26 01:30:00"),
        ("05.03.2031 08:11", WITHOUT_ZONE, "2031-03-05 13:11:00"),
        ("5 March 2031 08h11 EDT", Clock("America/New_York", "%d %B %Y %Hh%M %Z"), None),
        (
            "5 July 2031 08h11 EDT",
            Clock("America/New_York", "%d %B %Y %Hh%M %Z"),
            "2031-07-05 12:11:00",
        ),
    ],
)
def test_a_course_has_times_of_its_own(text: str, clock: Clock, expected: str | None) -> None:
    """What nbgrader itself writes by the course's settings is understood."""
    assert str(submitted_at(text.encode(), clock).time) == str(expected)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("2031-03-05 08:11:14 PST", "what zone 'PST' is cannot be told"),
        ("2031-07-05 08:11:14 CET", "what zone 'CET' is cannot be told"),
        ("2031-07-05 08:11:14 CEST", "what zone 'CEST' is cannot be told"),
        ("2031-03-05 08:11:14 Mars/Olympus", "'Mars/Olympus'"),
        ("2031-03-05 08:11:14 ../../../etc/passwd", "cannot be told"),
        ("not a date", "no time that can be read"),
        ("2031-02-30 08:11:14 UTC", "no time that can be read"),
        ("2031-03-05", "no time that can be read"),
        ("10", "no time that can be read"),
        ("03/05/2031 08:11 UTC", "no time that can be read"),
        ("2031-03-05 25:11:14 UTC", "no time that can be read"),
        ("0001-01-01 00:00:00 +2359", "cannot be told"),
        ("\x1b[2J" * 400, "no time that can be read"),
    ],
)
def test_what_is_not_clear_is_said(text: str, says: str) -> None:
    """No guess: neither UTC nor today nor on time."""
    found = submitted_at(text.encode())

    assert found.time is None
    assert found.problem is not None
    assert says in found.problem
    assert "expected is a time such as 2031-03-05 08:11:14 UTC" in found.problem
    assert found.problem.isprintable()
    assert len(found.problem) < 300


def test_nothing_beside_it_hides_a_time(tmp_path: Path) -> None:
    """Too many files, or no notebook that can be read, and it was handed in when it was."""
    (tmp_path / "timestamp.txt").write_text("2031-03-05 08:11:14 UTC")
    for number in range(MAX_FILES):
        (tmp_path / str(number)).touch()
    (tmp_path / "a.ipynb").write_text("{}")

    for name in ("a.ipynb", "b.ipynb"):
        found = read_handed_in(tmp_path / name, name, "one", tmp_path)
        assert found.timestamp == b"2031-03-05 08:11:14 UTC"
    assert submitted_at(found.timestamp).time == datetime(2031, 3, 5, 8, 11, 14)


@pytest.mark.parametrize("kind", ["folder", "link", "nowhere"])
def test_what_is_no_file_is_no_time(kind: str, tmp_path: Path) -> None:
    """It is as an empty one, not as if there were none."""
    file = tmp_path / "timestamp.txt"
    if kind == "folder":
        file.mkdir()
    else:
        file.symlink_to(tmp_path if kind == "link" else tmp_path / "nowhere")

    found = read_handed_in(tmp_path / "a.ipynb", "a.ipynb", "one", tmp_path)

    assert found.timestamp == b""
    assert read_handed_in(tmp_path / "a.ipynb", "a.ipynb").timestamp is None


DUE = datetime(2031, 3, 5, 7, 11, 14)
CONFIG = """
from nbgrader.plugins import LateSubmissionPlugin
class TenthAnHour(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.1 * total_seconds_late / 3600
c.AssignLatePenalties.plugin_class = TenthAnHour
"""
ANSWER = "why-shape"


class Term:
    """A course whose grading is recorded without a kernel: what counts is what is written."""

    def __init__(self, course: Path, score: float = 4.0) -> None:
        with (course / "nbgrader_config.py").open("a") as config:
            config.write(CONFIG)
        self.course = Course(course)
        self.assignment = self.course.assignments[mini.NAME]
        self.score = score

    def hand_in(
        self, answer: str = "Each for itself.", time: str | None = "2031-03-05 08:11:14 UTC"
    ) -> Graded:
        """Hand in and grade; the verdict with its standing."""
        folder = self.course.folder("submitted", "one", mini.NAME)
        folder.mkdir(parents=True, exist_ok=True)
        made = mini.submission(**{ANSWER: answer})
        nbformat.write(made, folder / f"{mini.NAME}.ipynb")
        stamp = folder / "timestamp.txt"
        stamp.unlink(missing_ok=True)
        if time is not None:
            stamp.write_text(time)
        rebuilder = Rebuilder(self.assignment, self.course.config)
        return self.grade(rebuilder.rebuild(read_submission(folder / f"{mini.NAME}.ipynb")))

    def grade(self, made: nbformat.NotebookNode | None) -> Graded:
        """Record a grading of what is there; of nothing, where it could not be graded."""
        folder = self.course.folder("submitted", "one", mini.NAME)
        path = folder / f"{mini.NAME}.ipynb"
        submission = Submission("one", self.assignment, folder, path, self.course.root)
        handed_in = read_handed_in(submission.path, "one", "one", submission.folder)
        graded = Graded("one", mini.NAME, 7, 6.0, "one", "not a notebook")
        if made is not None:
            checks = (
                Check("right", True, self.score, "as it should be"),
                Check("wrong", False, 4.0 - self.score, "off"),
            )
            tests = {
                "test-double": CellResult("test-double", 4.0, checks),
                "test-first_row": CellResult("test-first_row", 2.0, (Check("row", True, 2.0, ""),)),
            }
            write_verdicts(made, tests)
            graded = replace(graded, reason=None, tests=tests, notebook=made)
        with Recorder(self.course) as recorder:
            return recorder.record(submission, handed_in, entry_of(graded), {"work": "any"})

    def gradebook(self) -> Gradebook:
        return Gradebook(self.course.db_url, self.course.course_id)

    def due(self) -> None:
        with self.gradebook() as gradebook:
            gradebook.update_or_create_assignment(mini.NAME, duedate=DUE)

    def mark(self, points: float, grade_id: str = ANSWER) -> None:
        """As the formgrader does."""
        with self.gradebook() as gradebook:
            grade = gradebook.find_grade(grade_id, mini.NAME, mini.NAME, "one")
            grade.manual_score, grade.needs_manual_grade = points, False
            comment = gradebook.find_comment(ANSWER, mini.NAME, mini.NAME, "one")
            comment.manual_comment = "Why?"
            gradebook.db.commit()

    def comment(self) -> str | None:
        with self.gradebook() as gradebook:
            comment = gradebook.find_comment(ANSWER, mini.NAME, mini.NAME, "one").comment
            return None if comment is None else str(comment)

    def page(self) -> BeautifulSoup:
        """The page that nbgrader would write now."""
        about = {"notebook": mini.NAME, "assignment": mini.NAME, "student": "one"}
        notebook = nbformat.read(
            self.course.folder("autograded", "one", mini.NAME) / f"{mini.NAME}.ipynb", 4
        )
        now = today({**about, "db_url": self.course.db_url}, self.course.config)
        return BeautifulSoup(page(notebook, about, now=now), "html.parser")

    def glance(self) -> list[list[str]]:
        """The rows of the page's table."""
        rows = self.page().select("nav tbody tr")
        return [[cell.get_text() for cell in row.select("th, td")] for row in rows]


@pytest.fixture
def term(course: Path) -> Term:
    return Term(course)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table in which only what is long is broken into lines."""
    monkeypatch.setenv("COLUMNS", "240")


def table(graded: Graded, capsys: pytest.CaptureFixture[str]) -> str:
    print_table([graded])
    return " ".join(capsys.readouterr().out.split())


def test_lateness_and_its_price_are_shown(term: Term, capsys: pytest.CaptureFixture[str]) -> None:
    """In the table, in the results and on the page, with the same numbers."""
    term.due()

    graded = term.hand_in(time="2031-03-05 10:41:14 UTC")

    assert graded.standing is not None
    assert graded.as_json()["gradebook"] == {
        "score": 5.65,
        "max_score": 7.0,
        "by_hand": {},
        "not_marked": [ANSWER],
        "mark_again": [],
        "submitted": "2031-03-05T10:41:14Z",
        "seconds_late": 12600.0,
        "penalty": 0.35,
        "time_problem": None,
    }
    shown = table(graded, capsys)
    assert "student score written late penalty total what happened" in shown
    assert "one 6 not marked 3 h 30 min -0.35 5.65" in shown
    assert ["handed in late", "by 3 h 30 min", "-0.35"] in term.glance()
    text = " ".join(term.page().get_text().split())
    assert "5.65 of 7 points so far, after 0.35 points off for handing in late" in text
    handed_in = "handed in 2031-03-05 10:41 UTC"
    assert f"It was due 2031-03-05 07:11 UTC; {handed_in}, 3 h 30 min late." in text

    extend(term.course, "one", mini.NAME, "1d")
    text = " ".join(term.page().get_text().split())
    assert f"It was due 2031-03-06 07:11 UTC, with 1 d more for you; {handed_in}." in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("2031-03-05 01:00:00 PDT", "'PDT'"),
        ("yesterday", "no time"),
    ],
)
def test_a_time_that_nobody_understands_is_asked_about(
    text: str, says: str, term: Term, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where work is due; it is graded, but it is neither late nor on time. Else it is noted."""
    noted = term.hand_in(time=text)
    assert noted.reason is None
    assert says in table(noted, capsys)
    term.due()

    asked = term.hand_in(time=text)

    assert asked.status == "needs attention"
    assert "nobody can say whether it is late: timestamp.txt" in str(asked.reason)
    assert says in str(asked.reason)
    assert asked.score == 6.0
    assert "time not" in table(asked, capsys)
    with term.gradebook() as gradebook:
        assert gradebook.find_submission(mini.NAME, "one").timestamp is None


def test_a_resubmission_without_a_time_has_no_penalty_of_an_earlier_one(
    term: Term, capsys: pytest.CaptureFixture[str]
) -> None:
    term.due()
    assert term.hand_in().standing.penalty == pytest.approx(0.1)  # type: ignore[union-attr]

    graded = term.hand_in(time=None)

    assert graded.standing is not None
    assert (graded.standing.penalty, graded.standing.submitted, graded.reason) == (0.0, None, None)
    assert "time not" in table(graded, capsys)
    assert not any("late" in row[0] for row in term.glance())


def test_what_nobody_marked_is_not_marked_yet(
    term: Term, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not none of its points; where nothing was written there is nothing to mark."""
    graded = term.hand_in()
    assert "one 6 not marked" in table(graded, capsys)
    assert term.glance()[-1] == ["written answer", "not marked yet", "- / 1"]
    text = " ".join(term.page().get_text().split())
    assert "6 of 7 points so far; 1 written answer is not marked yet." in text
    assert "Written answer not marked yet, 1 points" in text
    assert "0 of 1" not in text

    stub = term.hand_in("*Your answer here, in place of this line.*")
    assert "not marked" not in table(stub, capsys)


def test_points_given_by_hand_are_those_that_are_shown(
    term: Term, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a written answer and of a test that a person sees otherwise; also after a regrade."""
    term.hand_in()
    term.mark(0.5)
    term.mark(1.25, "test-double")

    graded = term.hand_in()

    assert graded.score == 3.25
    assert graded.as_json()["tests"]["test-double"]["score"] == 1.25
    assert graded.as_json()["gradebook"]["by_hand"] == {"test-double": 1.25, ANSWER: 0.5}
    assert "one 3.25 0.5 3.75" in table(graded, capsys)
    rows = term.glance()
    assert (rows[0][0], rows[0][-1]) == ("double", "1.25 / 4")
    assert rows[-1] == ["written answer", "marked", "0.5 / 1"]
    text = " ".join(term.page().get_text().split())
    assert "3.75 of 7 points with the written answers" in text
    assert "These points were given by a person; the checks below gave 4." in text


def test_marks_and_comments_survive_until_the_answer_changes(term: Term) -> None:
    """Regraded for whatever reason, also after a hand-in that could not be read."""

    def waiting() -> tuple[bool, float]:
        with term.gradebook() as gradebook:
            grade = gradebook.find_grade(ANSWER, mini.NAME, mini.NAME, "one")
            return grade.needs_manual_grade, grade.manual_score

    term.hand_in()
    term.mark(0.5)
    for _ in range(2):
        term.hand_in(time=None)
        assert waiting() == (False, 0.5)
    term.grade(None)
    assert waiting() == (True, 0.5)
    term.hand_in()
    assert waiting() == (False, 0.5)

    for _ in range(2):
        graded = term.hand_in("All of it.")
        assert waiting() == (True, 0.5)
        assert graded.standing is not None
        assert graded.standing.mark_again == (ANSWER,)
    assert term.glance()[-1] == ["written answer", "marked before it changed", "0.5 / 1"]
    term.mark(1.0)
    assert term.hand_in("All of it.").standing.mark_again == ()  # type: ignore[union-attr]
    assert waiting() == (False, 1.0)
    assert term.comment() == "Why?"


def test_a_picture_is_a_part_of_an_answer_and_code_is_what_a_test_is_of() -> None:
    """What changed for the person who marked it."""
    made = mini.submission()
    before = answers_of(made.cells)
    by_id = {cell.id: cell for cell in made.cells}
    by_id[ANSWER]["attachments"] = {"a.png": {"image/png": "AAAA"}}
    assert {name for name, of in answers_of(made.cells).items() if of != before[name]} == {ANSWER}

    by_id["double"].source += "\n"
    changed = {name for name, of in answers_of(made.cells).items() if of != before[name]}
    assert changed == {"test-double", "test-first_row", ANSWER}


def test_an_older_gradebook_keeps_its_marks(term: Term) -> None:
    """What was graded before there was a table of answers is compared with its autograded file."""
    term.hand_in()
    term.mark(0.5)
    with term.gradebook() as gradebook:
        gradebook.db.execute(text("DROP TABLE workbook_gradings"))
        gradebook.db.commit()

    assert term.hand_in().standing.mark_again == ()  # type: ignore[union-attr]


HALF = """
class Half(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score / 2
c.AssignLatePenalties.plugin_class = Half
"""


def test_a_penalty_follows_the_marks(term: Term, tmp_path: Path) -> None:
    """Marks given after the grading count for it, and nothing is run for that."""
    with (term.course.root / "nbgrader_config.py").open("a") as config:
        config.write(HALF)
    term.course = Course(term.course.root)
    term.due()
    graded = term.hand_in(time="2031-03-05 10:41:14 UTC")
    term.mark(1.0)

    def exported() -> str:
        with term.gradebook() as gradebook:
            file = tmp_path / "grades.csv"
            CsvExport(config=term.course.config, to=str(file)).export(gradebook)
        (row,) = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
        return row["late_submission_penalty"]

    def recorded() -> float:
        with term.gradebook() as gradebook:
            return float(gradebook.find_submission(mini.NAME, "one").late_submission_penalty)

    assert graded.standing is not None
    assert (graded.standing.penalty, recorded()) == (3.0, 3.0)
    assert exported() == "3.5"
    assert ["handed in late", "by 3 h 30 min", "-3.5"] in term.glance()
    assert settle_penalties(term.course) == ["one"]
    assert recorded() == 3.5
    assert settle_penalties(term.course) == []
    term.mark(0.0)
    assert settle_penalties(term.course) == ["one"]
    assert recorded() == 3.0
    assert term.grade(None).standing.penalty == 0.0  # type: ignore[union-attr]


def test_a_plugin_that_is_gone_leaves_what_was_recorded(term: Term, tmp_path: Path) -> None:
    """The page is still there; grading says what is wrong."""
    term.due()
    term.hand_in(time="2031-03-05 10:41:14 UTC")
    term.course.config.AssignLatePenalties.plugin_class = "gone.Policy"

    assert ["handed in late", "by 3 h 30 min", "-0.35"] in term.glance()
    with pytest.raises(CourseError, match=r"names the late plugin 'gone\.Policy'"):
        settle_penalties(term.course)


def test_a_sum_of_hundredths_is_one(course: Path, tmp_path: Path) -> None:
    """2.19 and 2 and 6 are 10.19: in the results, on the page and in the exported table."""
    term = Term(course, score=2.19)
    graded = term.hand_in()
    term.mark(0.1 + 0.2)
    with term.gradebook() as gradebook:
        gradebook.update_or_create_student("one", last_name="O'Neil, Jr.")
        CsvExport(to=str(tmp_path / "grades.csv"), student=["one"]).export(gradebook)
        gradebook.add_student("two")
        CsvExport(to=str(tmp_path / "all.csv"), assignment=[mini.NAME]).export(gradebook)
        CsvExport(to=str(tmp_path / "none.csv"), assignment=["other"]).export(gradebook)

    def rows(name: str) -> list[dict[str, str]]:
        with (tmp_path / name).open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    (row,) = rows("grades.csv")
    assert (row["last_name"], row["raw_score"], row["score"]) == ("O'Neil, Jr.", "4.49", "4.49")
    assert list(row) == list(COLUMNS)
    assert {each["student_id"]: each["score"] for each in rows("all.csv")} == {
        "one": "4.49",
        "two": "0.0",
    }
    assert len((tmp_path / "none.csv").read_text().splitlines()) == 1
    texts = [json.dumps(term.hand_in().as_json()), json.dumps(graded.as_json()), str(term.page())]
    assert not any(re.search(r"\d\.\d{9,}", each) for each in texts)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (12_600, "3 h 30 min"),
        (200_000, "2 d 7 h"),
    ],
)
def test_a_time_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_nbgraders_own_autograde_keeps_marks_and_reads_times(course: Path) -> None:
    """The formgrader's button does what `workbook grade` does."""
    path = mini.hand_in(course, "one", mini.submission())
    stamp = path.parent / "timestamp.txt"
    stamp.write_text("2031-03-05 09:11:14 +0200")
    term = Term(course)
    assert nbgrader(course, "generate_assignment", mini.NAME).returncode == 0
    term.due()
    assert nbgrader(course, "autograde", mini.NAME).returncode == 0
    with term.gradebook() as gradebook:
        submission = gradebook.find_submission(mini.NAME, "one")
        assert (submission.total_seconds_late, submission.timestamp) == (0.0, DUE)
    term.mark(0.5)

    stamp.write_text("2031-03-05 10:11:14 XYZ")
    done = nbgrader(course, "autograde", mini.NAME, "--force")

    assert "what zone 'XYZ' is cannot be told" in done.stderr
    with term.gradebook() as gradebook:
        grade = gradebook.find_grade(ANSWER, mini.NAME, mini.NAME, "one")
        assert (grade.manual_score, grade.needs_manual_grade) == (0.5, False)
        assert gradebook.find_submission(mini.NAME, "one").timestamp is None
