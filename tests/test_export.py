"""Scores in the files of other systems: readers of their rules find them, foreign bytes stay."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder.cli import app
from autograder.course.course import Course
from autograder.exporting.raw_table import read_raw_table
from autograder.gradebook.export import CsvExport
from tests import mini

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

NAME = mini.NAME
DUE = datetime(2031, 3, 5, 12)
HOSTILE = '=HYPERLINK("http://evil";"Ü"),\n"'
# Points of the two tests and of the written answer; hours late; last name, first name, e-mail.
CLASS: dict[str, tuple[float | None, float | None, float, str, str, str]] = {
    "ada": (4.0, 1.0, 0, "Lovelace", "Ada", "ada@uni.example"),
    "jorg": (2.25, 0.5, 30, "Müller, Jr.", 'Jörg "J"', "Jörg@uni.example"),
    "wait": (3.0, None, 0, "Turing", "Alan", "wait@uni.example"),
    "evil": (0.0, 0.0, 0, HOSTILE, "@SUM(A1)", "evil@uni.example"),
}
# By hand: 4+2+1; 2.25+2+0.5, less two days of 10 percent; 3+2; 0+2+0.
SCORES = {"ada": 7.0, "jorg": 3.8, "wait": 5.0, "evil": 2.0}
POLICY = """
c.AssignLatePenalties.plugin_class = "autograder.nbgrader_plugin.LatePolicy"
c.LatePolicy.percent_a_day = 10
"""


@pytest.fixture(scope="module")
def term(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with a gradebook, as a grading leaves it."""
    course = mini.make_course(tmp_path_factory.mktemp("term"))
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(POLICY)
    with Gradebook(Course(course).db_url) as gradebook:
        gradebook.add_assignment(NAME, duedate=DUE)
        gradebook.add_notebook(NAME, NAME)
        for cell, kind, points in (
            ("double", "code", 4),
            ("row", "code", 2),
            ("why", "markdown", 1),
        ):
            gradebook.add_grade_cell(cell, NAME, NAME, cell_type=kind, max_score=points)
        for student, (_, _, late, last, first, email) in CLASS.items():
            gradebook.add_student(student, last_name=last, first_name=first, email=email)
            at = DUE + timedelta(hours=late)
            gradebook.add_submission(NAME, student, timestamp=f"{at:%Y-%m-%d %H:%M:%S} UTC")
            _mark(gradebook, student)
        gradebook.add_student("absent", email="absent@uni.example")
        gradebook.add_student("ill", email="ill@uni.example")
        gradebook.add_submission(NAME, "ill", extension=timedelta(days=3))
        gradebook.add_student("broken", email="broken@uni.example")
        gradebook.add_submission(NAME, "broken", timestamp="2031-03-01 12:00:00 UTC")
        gradebook.db.commit()
    return course


def _mark(gradebook: Gradebook, student: str) -> None:
    double, why = CLASS[student][:2]
    for cell, auto, manual in (("double", double, None), ("row", 2.0, None), ("why", None, why)):
        grade = gradebook.find_grade(cell, NAME, NAME, student)
        grade.auto_score, grade.manual_score = auto, manual
        grade.needs_manual_grade = auto is None and manual is None


Exported = Callable[..., tuple[int, str, bytes]]


@pytest.fixture
def exported(term: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exported:
    """Run the command on a file's bytes: its status, what it says, and what it writes."""
    monkeypatch.chdir(term)

    def run(to: str, content: bytes | None = None, *more: str) -> tuple[int, str, bytes]:
        out = tmp_path / "out"
        words = ["export", "--to", to, "--out", str(out), *more]
        if content is not None:
            (tmp_path / "in.csv").write_bytes(content)
            words += ["--fill", str(tmp_path / "in.csv")]
        out.unlink(missing_ok=True)
        done = CliRunner().invoke(app, words)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output, out.read_bytes() if out.exists() else b""

    return run


CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,01 Mini (12345),Other (3),Final Score\r\n"
    ",,,,,Manual Posting,,(read only)\r\n"
    '"    Points Possible",,,,,7,5.00,(read only)\r\n'
    '"Lovelace, Ada",1001,S1,ada, Sec 1,,,"12,5"\r\n'
    '"O\'Neil, ""X""",1002,S2,foreign,Sec 1,6.5,=1+1,\r\n'
    '"Müller, Jörg",1003,S3,jorg,"Sec ""2""","",4.10,\r\n'
    "Turing,1004,S4,wait,Sec 1,1.00,,\n"
    '"=cmd|\' /C calc\'!A0",1005,S5,evil,"line\r\nend",2,,\r\n'
    '"Student, Test",,,,,,,'
)


def canvas(content: bytes) -> dict[str, float]:
    """By Canvas's rules: an item is the head that ends in its id, who is known by the login."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    item = next(n for n, head in enumerate(rows[0]) if head.endswith(" (12345)"))
    login = rows[0].index("SIS Login ID")
    start = [row[0] for row in rows].index("    Points Possible") + 1
    return {row[login]: float(row[item]) for row in rows[start:] if row[item]}


MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Last modified (grade),"
    "Feedback comments\n"
    'Participant 11,"Müller, Jörg",JÖRG@uni.example,"Submitted, late",,"7,00","Mon, 1",\n'
    'Participant 12,Ada,ada@uni.example,Submitted,"6,50","7,00",-,"Said ""ja"""\n'
    'Participant 13,X,foreign@uni.example,Submitted,"1,50","7,00",-,\n'
    'Participant 14,Y,wait@uni.example,Submitted,,"7,00",-,\n'
    'Participant 15,=1+1,evil@uni.example,Submitted,,"7,00",-,@x\n'
)


def moodle(content: bytes) -> dict[str, float]:
    """By Moodle's rules, of a site with decimal commas."""
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert rows.fieldnames is not None
    assert {"Identifier", "Grade", "Last modified (grade)"} <= set(rows.fieldnames)
    numbers = {"11": "jorg", "12": "ada", "13": "foreign", "14": "wait", "15": "evil"}
    return {
        numbers[row["Identifier"].split()[1]]: float(row["Grade"].replace(",", ".")) for row in rows
    }


BLACKBOARD = (
    '"Last Name"\t"First Name"\t"Username"\t"Availability"\t'
    '"01-mini [Total Pts: 7 Score] |77"\t"Late, 01 mini [Total Pts: up to 5 Score] |78"\n'
    '"Müller"\t"Jörg"\t"jorg"\t"Yes"\t""\t"7"\n'
    '"Lovelace"\t"Ada"\t"ada"\t"Yes"\t"3.00"\t""\n'
    '"Tab\there"\t"F"\t"foreign"\t"Yes"\t"6.50"\t"=1"\n'
    '"T"\t"A"\t"wait"\t"Yes"\t""\t""\n'
    '"E"\t"V"\t"evil"\t"Yes"\t"Needs Grading"\t""\n'
)


def blackboard(content: bytes) -> dict[str, float]:
    """By Blackboard's rules: UTF-16 with its mark, tabs, all quoted, the item by its id."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-16"), newline=""), delimiter="\t"))
    item = next(n for n, head in enumerate(rows[0]) if head.endswith("|77"))
    return {row[2]: float(row[item]) for row in rows[1:] if row[item]}


BRIGHTSPACE = (
    "OrgDefinedId,Username,01-mini Points Grade <Numeric MaxPoints:7 Weight:10>,"
    "Essay Points Grade,End-of-Line Indicator\r\n"
    "#900,#ada,,1,#\r\n#901,#jorg,2,,#\r\n#902,#foreign,6.5,,#\r\n#903,#wait,,,#\r\n"
    "#904,#evil,,,#\r\n"
)


def brightspace(content: bytes) -> dict[str, float]:
    """By Brightspace's rules: every line ends in its sign."""
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert all(row["End-of-Line Indicator"] == "#" for row in rows)
    (item,) = (head for head in rows[0] if head.startswith("01-mini Points Grade"))
    return {row["Username"].removeprefix("#"): float(row[item]) for row in rows if row[item]}


FILES: dict[str, tuple[bytes, Callable[[bytes], dict[str, float]]]] = {
    "canvas": (CANVAS.encode(), canvas),
    "moodle": (MOODLE.encode(), moodle),
    "blackboard": (b"\xff\xfe" + BLACKBOARD.encode("utf-16-le"), blackboard),
    "brightspace": (b"\xef\xbb\xbf" + BRIGHTSPACE.encode(), brightspace),
}


@pytest.mark.parametrize("system", FILES)
def test_a_reader_of_the_systems_rules_finds_the_scores(exported: Exported, system: str) -> None:
    """Penalties and marks are in them; a student whom we do not know keeps what was there."""
    content, reader = FILES[system]
    status, said, found = exported(system, content)

    assert status == 0, said
    assert reader(found) == {**SCORES, "foreign": 1.5 if system == "moodle" else 6.5}
    assert f"{NAME}: still to be marked, so the score is not the last: wait" in said


@pytest.mark.parametrize(
    ("system", "wanted"),
    [
        (
            "canvas",
            {
                ' Sec 1,,,"12,5"': ' Sec 1,7,,"12,5"',
                '"Sec ""2""","",': '"Sec ""2""","3.8",',
                "wait,Sec 1,1.00,": "wait,Sec 1,5,",
            },
        ),
        (
            "moodle",
            {
                'late",,': 'late","3,8",',
                '"6,50"': '"7"',
                "wait@uni.example,Submitted,,": "wait@uni.example,Submitted,5,",
                "evil@uni.example,Submitted,,": "evil@uni.example,Submitted,2,",
            },
        ),
        (
            "blackboard",
            {
                '"Yes"\t""\t"7"': '"Yes"\t"3.8"\t"7"',
                '"3.00"': '"7"',
                '"wait"\t"Yes"\t""': '"wait"\t"Yes"\t"5"',
                "Needs Grading": "2",
            },
        ),
        (
            "brightspace",
            {"#ada,,": "#ada,7,", "jorg,2,": "jorg,3.8,", "wait,,": "wait,5,", "evil,,": "evil,2,"},
        ),
    ],
)
def test_every_other_byte_is_as_it_was(
    exported: Exported, system: str, wanted: dict[str, str]
) -> None:
    """Marks, quotes, line ends, missing ones, formulas of others: only our cells are others."""
    content = FILES[system][0]
    encoding = "utf-16-le" if system == "blackboard" else "utf-8"
    for old, new in wanted.items():
        assert content.count(old.encode(encoding)) == 1
        content = content.replace(old.encode(encoding), new.encode(encoding))

    assert exported(system, FILES[system][0])[2] == content


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-be", "utf-16-le", "utf-16"])
def test_an_encoding_comes_back(exported: Exported, encoding: str) -> None:
    """With a mark and without one, and with semicolons and decimal commas."""
    before = (
        'Student;ID;Section;01-mini (1)\rMüller;jorg;\xa0ß;\rA;ada;a,b;"6,5"\rW;wait;;\rE;evil;;'
    )
    after = before.replace("ß;", "ß;3,8").replace('"6,5"', '"7"').replace("wait;;", "wait;;5")
    status, said, found = exported("canvas", before.encode(encoding))
    assert status == 0, said
    assert found == (after + "2").encode(encoding)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("wait,Sec", "gone,Sec"), "not there: wait"),
        (("foreign,Sec", "ada,Sec"), "more than once: ada"),
        (("01 Mini (12345)", "Else (12345)"), "name one with --grade-column"),
        (("Other (3)", "01-MINI (3)"), "several columns for 01-mini"),
        (('"Student, Test",', '"Student, Test,'), "opens a quotation mark"),
        (("jorg,", "jorg,,"), "more or fewer cells than its first line in the lines of jorg"),
        (("SIS Login ID,Section", "SIS Login ID,SIS Login ID"), None),
        (("Student,ID,SIS User ID,SIS Login ID", "A,B,C,D"), "is no file of canvas"),
    ],
)
def test_what_is_not_certain_is_listed_and_nothing_is_written(
    exported: Exported, change: tuple[str, str], said: str | None
) -> None:
    content = CANVAS.replace(*change).encode()
    assert content != CANVAS.encode()
    status, words, found = exported("canvas", content)

    if said is None:
        assert status == 0
    else:
        assert (status, found) == (2, b""), words
        assert said in words
        assert "Traceback" not in words


def test_two_columns_that_name_others_are_ambiguous(exported: Exported) -> None:
    """Each column has every student once, but not in the same lines."""
    content = CANVAS.replace("S1,", "jorg,").replace("S3,", "ada,")
    content = content.replace("S4,", "wait,").replace("S5,", "evil,")
    status, said, found = exported("canvas", content.encode())
    assert (status, found) == (2, b"")
    assert "'SIS User ID' and 'SIS Login ID' both name every student" in said

    status, said, found = exported("canvas", content.encode(), "--key", "SIS Login ID")
    assert status == 0, said
    assert canvas(found)["ada"] == SCORES["ada"]


def test_a_student_may_be_left_out_and_a_column_named(exported: Exported) -> None:
    content = CANVAS.replace("wait,Sec", "gone,Sec").replace("01 Mini (", "Quiz (").encode()
    more = ("--without", "wait", "--grade-column", "Quiz (12345)", "--key", "SIS Login ID", NAME)
    status, said, found = exported("canvas", content, *more)

    assert status == 0, said
    left = {name: score for name, score in SCORES.items() if name != "wait"}
    assert canvas(found) == {**left, "gone": 1.0, "foreign": 6.5}
    assert exported("canvas", content, "--key", "SIS login")[0] == 2
    assert exported("canvas", content, "--without", "nobody")[0] == 2
    assert exported("canvas", content, "--grade-column", "Quiz")[0] == 2
    assert exported("canvas", content, "no-such")[0] == 2


def test_who_is_excused_stays_so_and_other_points_are_said(exported: Exported) -> None:
    content = CANVAS.replace("Sec 1,1.00", "Sec 1,EX").replace(",7,5.00", ",100,5.00").encode()
    status, said, found = exported("canvas", content)

    assert status == 0
    assert b"wait,Sec 1,EX," in found
    assert "left as they are: wait (EX)" in said
    assert f"{NAME} has 7 points, and 100 in the file" in said


def test_an_address_is_shortened_only_in_a_column_that_was_named(
    exported: Exported, term: Path
) -> None:
    content = MOODLE.replace("@uni.example", "@uni.else").replace("JÖRG", "jorg")
    assert exported("moodle", content.encode())[0] == 2
    status, said, found = exported("moodle", content.encode(), "--key", "Email address")
    assert status == 0, said
    assert moodle(found) == {**SCORES, "foreign": 1.5}
    two = content.replace("foreign@uni.else", "foreign@other")
    assert exported("moodle", two.encode(), "--key", "Email address")[0] == 2


def test_a_worksheet_in_another_language_and_with_decimal_points(exported: Exported) -> None:
    content = MOODLE.replace(",Grade,", ",Bewertung,").replace(",Maximum Grade,", ",Bestwertung,")
    content = content.replace('"6,50"', "6.50").replace('"7,00"', "7.00").replace('"1,50"', "1.50")
    status, said, found = exported("moodle", content.encode())
    assert status == 0, said
    assert moodle(found.replace(b"Bewertung", b"Grade")) == {**SCORES, "foreign": 1.5}
    strange = content.replace(",Bewertung,", ",Pisteet,").encode()
    assert exported("moodle", strange)[0] == 2
    assert exported("moodle", strange, "--grade-column", "Pisteet")[0] == 0


def test_the_table_quotes_and_defuses(exported: Exported) -> None:
    """A name with a formula, quotes, a comma and a line end is one cell, and text."""
    status, said, found = exported("csv")
    assert status == 0, said
    rows = list(csv.reader(io.StringIO(found.decode(), newline="")))
    assert rows[0] == ["student_id", "last_name", "first_name", "email", NAME]
    points = {row[0]: float(row[4]) for row in rows[1:] if row[4]}
    assert points == SCORES
    assert {row[0] for row in rows[1:]} - set(points) == {"absent", "ill", "broken"}
    (evil,) = (row for row in rows if row[0] == "evil")
    assert evil[1:3] == [f"'{HOSTILE}", "'@SUM(A1)"]
    assert found.count(b"\r\n") == len(rows) == len(CLASS) + 4
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_nbgraders_export_quotes_and_defuses(term: Path, tmp_path: Path) -> None:
    course = Course(term)
    with Gradebook(course.db_url) as gradebook:
        CsvExport(config=course.config, to=str(tmp_path / "grades.csv")).export(gradebook)
    with (tmp_path / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}

    assert {name: float(rows[name]["score"]) for name in SCORES} == SCORES
    assert rows["evil"]["last_name"] == f"'{HOSTILE}"
    assert rows["jorg"]["last_name"] == "Müller, Jr."


def test_scores_for_lti(exported: Exported) -> None:
    """What the specification demands of each object, and which is final."""
    status, said, found = exported("ags")
    assert status == 0, said
    objects: list[dict[str, Any]] = [json.loads(line) for line in found.decode().splitlines()]
    assert {each["userId"]: each["scoreGiven"] for each in objects} == SCORES
    for each in objects:
        assert each["scoreMaximum"] == 7
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}\+00:00", each["timestamp"])
        assert each["activityProgress"] == "Submitted"
        final = "PendingManual" if each["userId"] == "wait" else "FullyGraded"
        assert each["gradingProgress"] == final
    (late,) = (each for each in objects if each["userId"] == "jorg")
    assert late["submission"] == {"submittedAt": "2031-03-06T18:00:00.000+00:00"}
    assert late["comment"] == "0.95 points were taken off for being late."
    assert "handed in and not graded, so no score is written: broken" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 and so on", "spreadsheet program's file"),
        (b"\xff\xfea\x00,", "begins as UTF-16-LE"),
        (b"no table at all", "expected to name columns"),
        (b"\x00" * 98, "expected to name columns"),
        (b'"' * 1001 + b",ID", "opens a quotation mark"),
    ],
)
def test_what_is_no_table_is_refused(exported: Exported, content: bytes, said: str) -> None:
    status, words, found = exported("canvas", content)
    assert (status, found) == (2, b"")
    assert said in " ".join(words.split())


def test_arguments_that_do_not_go_together(exported: Exported, tmp_path: Path) -> None:
    assert exported("canvas")[0] == 2
    assert exported("csv", b"a,b")[0] == 2
    (tmp_path / "in.csv").write_bytes(b"a,b")
    status, said, _ = exported("canvas", b"a,b", "--out", str(tmp_path / "in.csv"))
    assert (status, "written over" in said) == (2, True)
    assert (tmp_path / "in.csv").read_bytes() == b"a,b"


TEXTS = st.text(st.sampled_from('ab",;\t\r\n ü=\u2028\x00'), max_size=40)


@given(TEXTS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]))
def test_cells_are_those_of_csv_and_what_is_not_filled_stays(
    tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str
) -> None:
    """Against Python's own reader, on whatever can stand in a file that it accepts."""
    text = f"x,y,z,u\n{text}"
    try:
        wanted = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(mark + text.encode(encoding))
    table = read_raw_table(path)

    assert [[cell.value for cell in row] for row in table.rows] == [row or [""] for row in wanted]
    assert table.filled({}) == path.read_bytes()
    last = table.rows[-1]
    place = (len(table.rows) - 1, len(last) - 1)
    path.write_bytes(table.filled({place: 'n,"\n'}))
    again = read_raw_table(path)
    assert again.rows[-1][-1].value == 'n,"\n'
    assert [cell.value for cell in again.rows[-1][:-1]] == [cell.value for cell in last[:-1]]
