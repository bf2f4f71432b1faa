"""What is in the zip for Gradescope: the grader, one assignment with its solution, two programs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.course.assignment import Assignment
from autograder.course.course import CONFIG, Course
from autograder.course.replace import replace_file
from autograder.course.tried import path_of
from autograder.errors import CourseError
from autograder.gradescope import requirements, wheel
from autograder.gradescope.places import SETTINGS
from autograder.gradescope.zipped import zipped
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.workers import ThisProcess
from autograder.reference.package import PREFIX, package_of
from autograder.release.points import answers
from autograder.sandbox import check_place, kernel_server
from autograder.submission.handed_in import plain_files
from autograder.verdict.standing import cents

SETUP, RUN = "setup.sh", "run_autograder"
TO_SAY_SO = 30  # seconds that are kept to write that the time is over
MEMORY = "2 GB"


def write_bundle(course: Course, name: str, out: Path, visibility: str, minutes: int) -> list[str]:
    """Write the zip, and say what has to be set on Gradescope.

    Raises: CourseError, SandboxUnavailableError, when the assignment cannot be graded here;
    OSError.
    """
    (assignment,) = course.chosen([name])
    check_place(course.root)
    kernel_server()
    answer_keys(course, [assignment], ThisProcess(), Seeds())  # the reference runs, once
    files = bundle(course, assignment, visibility, minutes)
    _check_configuration(files)
    was_there = out.exists()
    replace_file(out, zipped(files, programs=(SETUP, RUN)))
    written = answers(assignment)
    said = [
        f"{out}  ({out.stat().st_size / 2**20:.1f} MiB{', replaced' if was_there else ''})",
        f"On Gradescope: {cents(assignment.max_score):g} autograder points; "
        f"{MEMORY} of memory or more; a time limit of {minutes} minutes.",
    ]
    if written:
        points = cents(sum(written.values()))
        said.append(
            f"Written answers ({points:g} points) are marked by hand there: allow manual grading."
        )
    return said


def bundle(
    course: Course, assignment: Assignment, visibility: str, minutes: int
) -> dict[str, bytes]:
    """The files of the zip by their paths.

    Raises: CourseError, when the course keeps its sources elsewhere; OSError.
    """
    called, content = wheel.wheel()
    versions = requirements.pinned(wheel.DISTRIBUTION)
    here = Path(__file__).parent
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    values = {"python": python, "torch": versions["torch"], "limit": 60 * minutes - TO_SAY_SO}
    files = {
        SETUP: _filled((here / SETUP).read_text(), values),
        RUN: _filled((here / RUN).read_text(), values),
        called: content,
        "requirements.txt": requirements.lines(versions).encode(),
        SETTINGS: json.dumps({"visibility": visibility}).encode(),
    }
    return files | {f"course/{path}": each for path, each in _course(course, assignment).items()}


def _course(course: Course, assignment: Assignment) -> dict[str, bytes]:
    """The part of a course folder that grading one assignment needs, by its paths there."""
    package = package_of(course, assignment)
    folder = assignment.path.parent
    files = {assignment.path: assignment.path.read_bytes()}
    files |= {folder / name: content for name, content in plain_files(folder).items()}
    files |= {course.solutions / name: content for name, content in package.modules.items()}
    table = course.solutions / f"{assignment.module.removeprefix(f'{PREFIX}.')}.toml"
    for path in (course.root / CONFIG, table, path_of(course, assignment.name)):
        if path.is_file():
            files[path] = path.read_bytes()
    outside = [path for path in files if not path.is_relative_to(course.root)]
    if outside:
        raise CourseError(
            f"{outside[0]} lies outside of the course folder {course.root}, and a zip can hold "
            "only what is in it"
        )
    return {str(path.relative_to(course.root)): content for path, content in files.items()}


def _check_configuration(files: dict[str, bytes]) -> None:
    """Refuse a configuration that needs what the zip does not hold.

    In a process of its own: in this one, what it imports is known from the course folder.

    Raises: CourseError, with what it says.
    """
    look = (
        "import sys; from pathlib import Path; from autograder.course.course import Course; "
        "Course(Path(sys.argv[1]))"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, CONFIG)
        path.write_bytes(files[f"course/{CONFIG}"])
        start = [sys.executable, "-c", look, folder]
        done = subprocess.run(start, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        said = said.partition("CourseError: ")[2] or said
        raise CourseError(
            f"{CONFIG} cannot be read by itself, as it has to be on Gradescope: {said}"
        )


def _filled(program: str, values: dict[str, object]) -> bytes:
    """A program with these values in the lines that set them."""
    for name, value in values.items():
        program = re.sub(rf"^{name}=\S*", f"{name}={value}", program, flags=re.M)
    return program.encode()
