"""Zips of learning platforms and class lists: all that is clear comes in, nothing is guessed."""

from __future__ import annotations

import json
import os
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner, Result

from autograder import cli
from autograder.collecting import archive
from autograder.collecting.class_list import read_class_list
from autograder.collecting.collect import Collected, CollectOptions
from autograder.collecting.collect import collect as put
from autograder.collecting.person import Person, Roll
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.submission.submitted_at import submitted_at
from tests import mini
from tests.test_grade import workbook

NOTEBOOK = nbformat.writes(mini.submission()).encode()
OTHER = nbformat.writes(mini.submission(double="x = 1")).encode()
NAME = f"{mini.NAME}.ipynb"
ADA, BOB = Person("ada", "Ada", "Lovelace", "ada@x.org", "11"), Person("bob", "Bob", "Müller")
CLASS = Roll([ADA, BOB])


def zipped(
    path: Path, entries: Mapping[str, bytes], times: Mapping[str, Any] | None = None
) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            time = (times or {}).get(name, (2031, 3, 5, 8, 0, 0))
            file.writestr(zipfile.ZipInfo(name, time), content, zipfile.ZIP_DEFLATED)
    return path


def collected(
    course: Path, entries: Mapping[str, bytes], roll: Roll = CLASS, **options: Any
) -> Collected:
    path = zipped(course / "in.zip", entries)
    return put(Course(course), path, roll, CollectOptions(**options))


def why(done: Collected) -> str:
    return "\n".join(f"{each.what}: {each.why}" for each in done.left_out)


def submitted(course: Path) -> set[str]:
    top = course / "submitted"
    return {str(each.relative_to(top)) for each in top.rglob("*") if each.is_file()}


def run(course: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.chdir(course)
    return CliRunner().invoke(cli.app, list(arguments))


FILE = "_assignsubmission_file_"
LAYOUTS = {
    "moodle": {
        f"Ada Lovelace_7{FILE}/my work.ipynb": NOTEBOOK,
        f"Ada Lovelace_7{FILE}/data/a.csv": b"1",
        f"Bob Müller_8{FILE}/{NAME}": OTHER,
    },
    "moodle without folders": {
        f"Ada Lovelace_7{FILE}my work.ipynb": NOTEBOOK,
        f"Ada Lovelace_7{FILE}data/a.csv": b"1",
        f"Bob Müller_8{FILE}{NAME}": OTHER,
    },
    "exchange": {
        f"inbound/ada+{mini.NAME}+2031-03-05 08:00:00.000000 UTC/{NAME}": OTHER,
        f"inbound/ada+{mini.NAME}+2031-03-05 09:00:00.000000 UTC+x1/{NAME}": NOTEBOOK,
        f"inbound/ada+{mini.NAME}+2031-03-05 09:00:00.000000 UTC+x1/data/a.csv": b"1",
        f"inbound/bob+{mini.NAME}+2031-03-05 08:00:00.000000 UTC/{NAME}": OTHER,
    },
    "plain": {
        f"submitted/ada/{mini.NAME}/{NAME}": NOTEBOOK,
        f"submitted/ada/{mini.NAME}/data/a.csv": b"1",
        f"submitted/bob/{mini.NAME}/renamed.ipynb": OTHER,
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", [None, mini.NAME])
def test_each_layout_gives_the_same_submissions(
    course: Path, layout: str, name: str | None
) -> None:
    """The notebook has the assignment's name afterwards, whatever it was called."""
    done = collected(course, LAYOUTS[layout], name=name)

    assert why(done) == ""
    assert sorted(done.new) == [("ada", mini.NAME), ("bob", mini.NAME)]
    without_time = {each for each in submitted(course) if not each.endswith("timestamp.txt")}
    assert without_time == {
        f"ada/{mini.NAME}/{NAME}",
        f"ada/{mini.NAME}/data/a.csv",
        f"bob/{mini.NAME}/{NAME}",
    }
    assert (course / "submitted/ada" / mini.NAME / NAME).read_bytes() == NOTEBOOK
    assert (course / "submitted/bob" / mini.NAME / NAME).read_bytes() == OTHER


def test_the_exchange_says_when(course: Path) -> None:
    collected(course, LAYOUTS["exchange"])

    said = (course / "submitted/ada" / mini.NAME / "timestamp.txt").read_bytes()
    assert submitted_at(said).time == datetime(2031, 3, 5, 9)


def test_canvas_says_by_name_and_number(course: Path) -> None:
    """The number is the platform's own; where it and the name disagree nobody is meant."""
    entries = {f"lovelaceada_LATE_11_900_{mini.NAME}-1.ipynb": NOTEBOOK}
    done = collected(course, entries)
    assert done.new == [("ada", mini.NAME)]
    assert "marked LATE" in done.notes[0]
    assert done.missing == ["bob"]

    done = collected(course, {f"müllerbob_11_900_{NAME}": NOTEBOOK})
    assert done.new == done.replaced == []
    assert "different students: bob and ada" in why(done)


def test_a_zip_says_the_time_of_work_and_not_of_its_packing(course: Path) -> None:
    """The zip's clock is that of a zone; where all came within minutes, it was packed then."""
    names = [f"lovelaceada_LATE_11_1_{NAME}", f"müllerbob_12_2_{NAME}"]
    entries = dict.fromkeys(names, NOTEBOOK)
    times = {names[0]: (2031, 7, 5, 12, 0, 0), names[1]: (2031, 7, 4, 12, 0, 0)}
    due = {mini.NAME: datetime(2031, 7, 4, 23)}
    path = zipped(course / "in.zip", entries, times)

    options = CollectOptions(zone="Europe/Berlin", due=due)
    done = put(Course(course), path, CLASS, options)
    assert done.notes == []
    for student, time in {"ada": datetime(2031, 7, 5, 10), "bob": datetime(2031, 7, 4, 10)}.items():
        said = (course / "submitted" / student / mini.NAME / "timestamp.txt").read_bytes()
        assert submitted_at(said).time == time

    # Due later than that, the mark LATE and the time contradict each other.
    late = CollectOptions(replace=True, due={mini.NAME: datetime(2031, 7, 6)})
    done = put(Course(course), path, CLASS, late)
    assert "ada" in done.notes[0]
    assert not (course / "submitted/ada" / mini.NAME / "timestamp.txt").exists()

    done = collected(course, entries, replace=True)
    assert len(done.replaced) == 1  # bob's: his time was that of the packing, too
    assert not any(each.endswith("timestamp.txt") for each in submitted(course))


def test_a_time_that_a_student_uploads_is_none(course: Path) -> None:
    """On Moodle timestamp.txt is a file like others; in the exchange nbgrader wrote it."""
    forged = {f"Ada Lovelace_7{FILE}/timestamp.txt": b"2001-01-01 00:00:00 UTC"}
    collected(course, LAYOUTS["moodle"] | forged)

    assert not any(each.endswith("timestamp.txt") for each in submitted(course))


UNCLEAR = {
    "no student fits": {f"Eve Nobody_3{FILE}/{NAME}": NOTEBOOK},
    "2 notebooks": {f"Ada Lovelace_7{FILE}/{n}.ipynb": NOTEBOOK for n in "ab"},
    "no notebook: work.pdf": {f"Ada Lovelace_7{FILE}/work.pdf": b"%PDF"},
    "no notebook: nothing": {f"Ada Lovelace_7{FILE}/": b""},
    "is not a notebook": {f"Ada Lovelace_7{FILE}/{NAME}": b"PK"},
    "several in the zip": {
        f"Ada Lovelace_7{FILE}/{NAME}": NOTEBOOK,
        f"ada lovelace_9{FILE}/{NAME}": NOTEBOOK,
    },
    "lies as in no zip": {NAME: NOTEBOOK},
    "no assignment of this course": {f"ada+99-x+2031-03-05 08:00:00.0 UTC/{NAME}": NOTEBOOK},
    "cannot be told": {
        f"Ada Lovelace_7{FILE}/{NAME}": nbformat.writes(nbformat.v4.new_notebook()).encode()
    },
}


@pytest.mark.parametrize("reason", UNCLEAR)
def test_what_is_unclear_is_listed_and_left_out(course: Path, reason: str) -> None:
    """The others come in all the same."""
    done = collected(course, {**UNCLEAR[reason], f"Bob Müller_8{FILE}/{NAME}": OTHER})

    assert done.new == [("bob", mini.NAME)]
    assert reason in why(done)
    assert {each.split("/")[0] for each in submitted(course)} == {"bob"}


def test_of_two_with_one_name_nobody_is_meant(course: Path) -> None:
    """A number that Moodle's own list has beside the name tells them apart."""
    twins = [Person(f"ada{n}", "Ada", "Lovelace", participant=str(n)) for n in (6, 7)]
    entries = {f"Ada Lovelace_7{FILE}/{NAME}": NOTEBOOK}

    assert collected(course, entries, Roll(twins)).new == [("ada7", mini.NAME)]
    done = collected(course, {f"Ada Lovelace_5{FILE}/{NAME}": NOTEBOOK}, Roll(twins))
    assert done.new == []
    assert "several students fit: ada6, ada7" in why(done)


def test_another_assignments_notebook_is_not_taken_for_this(course: Path) -> None:
    with pytest.raises(CourseError, match="no assignment"):
        Course(course).chosen(["02-other"])
    done = collected(course, LAYOUTS["moodle"])
    assert done.new
    course_of_two = Course(course)
    other = mini.notebook()
    for cell in other.cells:
        if "nbgrader" in cell.metadata and cell.id != "imports":
            cell.metadata.nbgrader["grade_id"] = f"other-{cell.id}"
    (course / "source" / mini.OTHER).mkdir()
    nbformat.write(other, course / "source" / mini.OTHER / f"{mini.OTHER}.ipynb")
    path = zipped(course / "in.zip", LAYOUTS["moodle"])
    done = put(course_of_two, path, CLASS, CollectOptions(mini.OTHER))
    assert done.new == []
    assert f"this is {mini.NAME}, not {mini.OTHER}" in why(done)


def test_what_is_there_is_replaced_only_when_asked(course: Path) -> None:
    collected(course, LAYOUTS["plain"])
    path = course / "submitted/ada" / mini.NAME / NAME
    new = LAYOUTS["plain"] | {f"submitted/ada/{mini.NAME}/{NAME}": OTHER}

    done = collected(course, new)
    assert (done.new, done.replaced, done.same) == ([], [], [("bob", mini.NAME)])
    assert "--replace" in why(done)
    assert path.read_bytes() == NOTEBOOK
    done = collected(course, new, replace=True, dry_run=True)
    assert done.replaced == [("ada", mini.NAME)]
    assert path.read_bytes() == NOTEBOOK
    collected(course, new, replace=True)
    assert path.read_bytes() == OTHER
    assert not [each for each in (course / "submitted/ada").iterdir() if each.name != mini.NAME]


def test_nothing_is_written_through_a_link(course: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (course / "submitted").mkdir()
    (course / "submitted/ada").symlink_to(tmp_path / "elsewhere")

    done = collected(course, LAYOUTS["plain"], replace=True)

    assert "link to another place" in why(done)
    assert list((tmp_path / "elsewhere").iterdir()) == []


PLAIN = f"ada/{mini.NAME}"


@pytest.mark.parametrize(
    "name",
    [
        f"{PLAIN}/../../../out.txt",
        f"/{PLAIN}/out.txt",
        f"C:/{PLAIN}/out.txt",
        f"{PLAIN}/..\\..\\out.txt",
        f"{PLAIN}/a\x1b[2Jout.txt",
        f"{PLAIN}/out\x00.txt",
        f"{PLAIN}//out.txt",
        f"{PLAIN}/{'d/' * 30}out.txt",
        f"{PLAIN}/{'n' * 300}",
    ],
)
def test_a_name_that_leads_astray_is_left_out(course: Path, name: str) -> None:
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    path = course / "in.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{PLAIN}/{NAME}", NOTEBOOK)
        file.writestr(info, b"x")

    done = put(Course(course), path, CLASS, CollectOptions())

    assert done.new == [("ada", mini.NAME)]
    (left,) = done.left_out
    assert left.what.isprintable()
    assert submitted(course) == {f"{PLAIN}/{NAME}"}
    assert not list(course.parent.rglob("*out*.txt"))


@pytest.mark.parametrize(
    ("kind", "reason"), [(stat.S_IFLNK, "link"), (stat.S_IFCHR, "device"), (stat.S_IFIFO, "device")]
)
def test_links_and_devices_are_left_out(course: Path, kind: int, reason: str) -> None:
    info = zipfile.ZipInfo(f"{PLAIN}/passwd")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    path = course / "in.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{PLAIN}/{NAME}", NOTEBOOK)
        file.writestr(info, b"/etc/passwd")

    done = put(Course(course), path, CLASS, CollectOptions())

    assert reason in why(done)
    assert submitted(course) == {f"{PLAIN}/{NAME}"}


def test_a_bomb_is_not_unpacked(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where the list of entries says how large it is, nor where it does not."""
    done = collected(course, {f"{PLAIN}/{NAME}": NOTEBOOK, f"{PLAIN}/zeros": bytes(2**22)})
    assert "as large as" in why(done)
    assert submitted(course) == {f"{PLAIN}/{NAME}"}

    path = zipped(course / "in.zip", {f"bob/{mini.NAME}/{NAME}": bytes(2**20)})
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    done = put(Course(course), path, CLASS, CollectOptions())
    assert "broken in the zip" in why(done)

    monkeypatch.setattr(archive, "MAX_BYTES", 100)
    done = collected(course, {f"bob/{mini.NAME}/{NAME}": NOTEBOOK})
    assert "larger than" in why(done)
    monkeypatch.setattr(archive, "MAX_ENTRIES", 1)
    with pytest.raises(CourseError, match="in parts"):
        collected(course, LAYOUTS["plain"])


def test_bytes_that_count_twice_count_for_nobody(course: Path) -> None:
    """A list of entries that all lie in the same bytes makes much of little."""
    path = zipped(course / "in.zip", {f"ada/{mini.NAME}/{NAME}": NOTEBOOK})
    content = path.read_bytes()
    at, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    listed = content[at:end] + content[at:end].replace(b"ada/", b"bob/")
    numbers = struct.pack("<HHII", 2, 2, len(listed), at)
    path.write_bytes(content[:at] + listed + content[end : end + 8] + numbers + b"\0\0")

    done = put(Course(course), path, CLASS, CollectOptions())

    assert done.new == []
    assert why(done).count("it lies in another entry") == 2


def test_too_much_beside_a_notebook_stays_out(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.collecting.deliveries.MAX_FILES", 3)
    files = {f"{PLAIN}/{n}.txt": b"" for n in range(5)}

    done = collected(course, files | {f"{PLAIN}/{NAME}": NOTEBOOK})

    assert "too many" in why(done)
    assert submitted(course) == {f"{PLAIN}/{NAME}"}


def flagged(content: bytes, offset_in_list: int, bit: int) -> bytes:
    changed = bytearray(content)
    changed[changed.index(b"PK\x01\x02") + offset_in_list] |= bit
    return bytes(changed)


def test_what_is_encrypted_or_broken_costs_only_itself(course: Path) -> None:
    entries = {f"{PLAIN}/{NAME}": NOTEBOOK, f"bob/{mini.NAME}/{NAME}": OTHER}
    path = zipped(course / "in.zip", entries)
    whole = path.read_bytes()
    path.write_bytes(flagged(whole, 8, 1))
    done = put(Course(course), path, CLASS, CollectOptions(dry_run=True))
    assert (done.new, "encrypted" in why(done)) == ([("bob", mini.NAME)], True)

    hurt = bytearray(whole)
    hurt[100:140] = bytes(40)
    path.write_bytes(hurt)
    done = put(Course(course), path, CLASS, CollectOptions(dry_run=True))
    assert (done.new, "broken in the zip" in why(done)) == ([("bob", mini.NAME)], True)

    for cut in (b"", b"not a zip", whole[: len(whole) // 2], whole[:-22] + b"x" * 22):
        path.write_bytes(cut)
        with pytest.raises(CourseError, match="zip"):
            put(Course(course), path, CLASS, CollectOptions())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_names_that_are_the_same_none_counts(course: Path) -> None:
    path = course / "in.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{PLAIN}/{NAME}", NOTEBOOK)
        file.writestr(f"{PLAIN}/{NAME}", OTHER)
        file.writestr(f"bob/{mini.NAME}/{NAME}", OTHER)
        file.writestr(f"bob/{mini.NAME}/a.txt", b"")
        file.writestr(f"bob/{mini.NAME}/A.txt", b"")

    done = put(Course(course), path, CLASS, CollectOptions())

    assert done.new == [("bob", mini.NAME)]
    assert submitted(course) == {f"bob/{mini.NAME}/{NAME}"}
    assert why(done).count("several entries of this name") == 4


def test_a_path_behind_a_students_own_says_nothing(course: Path) -> None:
    """What a student uploads in folders named as another's is their own file."""
    entries = {
        f"Ada Lovelace_7{FILE}/Bob Müller_8{FILE}/{NAME}": NOTEBOOK,
        f"Ada Lovelace_7{FILE}/bob/{mini.NAME}/data.txt": b"",
    }

    done = collected(course, entries)

    assert done.new == [("ada", mini.NAME)]


LISTS = {
    "nbgrader": "id,first_name,last_name,email,lms_user_id\nada,Ada,Lovelace,a@x,11\n",
    "canvas": (
        'Student,ID,SIS User ID,SIS Login ID,Section,"01 (5)"\n"    Points Possible",,,,,20\n'
        '"Lovelace, Ada",11,S1,ada,One,\n'
    ),
    "german": "Vorname;Nachname;Anmeldename;E-Mail-Adresse;Canvas ID\nAda;Lovelace;ada;a@x;11\n",
    "tabs": "Username\tLast Name\tFirst Name\tEmail\tUser ID\nada\tLovelace\tAda\ta@x\t11\n",
}


@pytest.mark.parametrize("form", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("kind", LISTS)
def test_a_class_list_of_any_kind_is_read(tmp_path: Path, kind: str, form: str) -> None:
    path = tmp_path / "class.csv"
    path.write_text(LISTS[kind], encoding=form)

    (ada,) = read_class_list(path).people

    assert (ada.id, ada.first_name, ada.last_name, ada.lms_user_id) == (
        *("ada", "Ada", "Lovelace"),
        "11",
    )
    assert "lovelaceada" in ada.names()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("a,b\n1,2\n", "--id"),
        ("id,name\n../x,E\n", "no folder's name"),
        ("id,name\nada,A\nAda,B\n", "earlier row"),
        ("id,id\nada,A\n", "several columns"),
        ("id,name\n,A\n", "no student"),
    ],
)
def test_a_class_list_that_says_nothing_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "class.csv"
    path.write_text(text)

    with pytest.raises(CourseError, match=says):
        read_class_list(path)


def test_the_class_comes_into_the_gradebook(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is taken out, and an empty cell takes nothing away."""
    with Gradebook(Course(course).db_url) as gradebook:
        gradebook.add_student("carla", email="c@x")
        gradebook.add_student("ada", first_name="Ada", email="old@x")
    (course / "class.csv").write_text(
        "id,first_name,last_name,email\nada,,Lovelace,a@x\nbob,Bob,M,b@x\n"
    )

    done = run(course, monkeypatch, "students", "class.csv")

    assert done.exit_code == 0, done.output
    assert "1 added, 1 changed, 0 as they were; 1 more in the gradebook stay" in done.output
    with Gradebook(Course(course).db_url) as gradebook:
        known = {
            each.id: (each.first_name, each.last_name, each.email) for each in gradebook.students
        }
    assert known == {
        "ada": ("Ada", "Lovelace", "a@x"),
        "bob": ("Bob", "M", "b@x"),
        "carla": (None, None, "c@x"),
    }
    assert "0 added, 0 changed, 2 as" in run(course, monkeypatch, "students", "class.csv").output


def test_the_command_collects_by_a_column_and_says_who_is_missing(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (course / "class.csv").write_text(
        "id,Identifier,Nick\nada,Participant 7,A. L.\nbob,Participant 8,B.\n"
    )
    zipped(course / "in.zip", {f"a. l._99{FILE}/x.ipynb": NOTEBOOK})

    done = run(course, monkeypatch, "collect", "in.zip", "--students", "class.csv")
    assert (done.exit_code, "no student fits" in done.output) == (1, True)
    given = ("collect", "in.zip", "--students", "class.csv", "--by", "Nick")
    done = run(course, monkeypatch, *given, "--dry-run")
    assert (done.exit_code, submitted(course)) == (0, set())
    done = run(course, monkeypatch, *given)
    assert done.exit_code == 0, done.output
    assert f"{mini.NAME}: 1 new, 0 replaced" in done.output
    assert "1 of the class have nothing here: bob" in done.output
    assert run(course, monkeypatch, "collect", "in.zip", "--by", "Nick").exit_code == 2
    assert run(course, monkeypatch, "collect", "nothing.zip").exit_code == 2


def test_without_a_class_an_id_is_taken_as_it_is(course: Path) -> None:
    nobody = Roll([], is_open=True)
    assert collected(course, LAYOUTS["plain"], nobody).new
    hidden = {f".ssh/{mini.NAME}/{NAME}": NOTEBOOK}
    assert collected(course, hidden, nobody).new == []
    known = Roll([ADA], is_open=True)
    done = collected(course, {f"Eve X_3{FILE}/{NAME}": NOTEBOOK}, known)
    assert (done.new, "no student fits" in why(done)) == ([], True)


def test_the_last_grading_is_shown_as_it_was(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With those who handed in nothing; the same in JSON as the grading itself wrote."""
    mini.hand_in(course, "ada", mini.submission())
    mini.hand_in(course, "bob", "no notebook")
    workbook(course, "grade", "--json", "graded.json")
    mini.hand_in(course, "dora", mini.submission())
    (course / "class.csv").write_text("id\nada\nbob\ncarla\n")

    given = ("table", "--students", "class.csv")
    done = run(course, monkeypatch, *given, "--json", "shown.json")

    assert done.exit_code == 0, done.output
    assert "1 graded, 2 need attention, 1 missing." in done.output
    graded = {each["student"]: each for each in json.loads((course / "graded.json").read_text())}
    shown = {each["student"]: each for each in json.loads((course / "shown.json").read_text())}
    assert shown["carla"]["status"] == "missing"
    assert "not graded yet" in shown["dora"]["reason"]
    for student in ("ada", "bob"):
        for part in ("status", "reason", "score", "max_score", "tests", "notes"):
            assert shown[student][part] == graded[student][part], (student, part)
    assert shown["ada"]["gradebook"] == graded["ada"]["gradebook"]
    assert shown["ada"]["seed"] == graded["ada"]["seed"]
    with Gradebook(Course(course).db_url) as gradebook:
        gradebook.add_student("emil")
    assert "2 missing" in run(course, monkeypatch, *given).output


def test_an_assignment_that_nobody_handed_in_is_no_row_for_everybody(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless it is asked for."""
    mini.hand_in(course, "ada", mini.submission())
    (course / "source" / "02-later").mkdir()
    source = (course / "source" / mini.NAME / NAME).read_text()
    (course / "source" / "02-later" / "02-later.ipynb").write_text(source)
    (course / "class.csv").write_text("id\nada\nbob\n")

    given = ("table", "--students", "class.csv")
    assert "02-later" not in run(course, monkeypatch, *given).output
    assert "2 missing" in run(course, monkeypatch, *given, "02-later").output


def test_a_grading_says_who_of_the_class_handed_in_nothing(course: Path) -> None:
    mini.hand_in(course, "ada", mini.submission())
    (course / "class.csv").write_text("id\nada\nbob\n")
    assert workbook(course, "students", "class.csv").returncode == 0

    done = workbook(course, "grade")

    assert "1 graded, 0 need attention, 1 missing." in done.stdout
    assert done.returncode == 0, done.stderr


def test_a_reader_that_has_seen_enough_ends_the_command_without_a_word(course: Path) -> None:
    mini.hand_in(course, "ada", mini.submission())
    command = [sys.executable, "-m", "autograder.cli", "table"]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(command, cwd=course, stdout=writer, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")
