"""The course folder: assignments, submissions and where nbgrader keeps what."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.course.assignment import Assignment
from autograder.errors import CourseError

CONFIG = "nbgrader_config.py"
PLUGIN = "autograder.nbgrader_plugin"  # what a configuration may name
# As in nbgrader's CourseDirectory; importing that takes seconds that a look at what changed
# should not cost.
STRUCTURE = os.path.join("{nbgrader_step}", "{student_id}", "{assignment_id}")


@dataclass(frozen=True)
class Submission:
    """One student's folder for one assignment, and the notebook that counts in it."""

    student: str
    assignment: Assignment
    folder: Path
    path: Path
    root: Path

    @property
    def name(self) -> str:
        """The notebook's path in the course."""
        return str(self.path.relative_to(self.root))

    @property
    def is_link(self) -> bool:
        """Whether its folder, or the student's, leads to another place: to somebody else's work."""
        return self.folder.is_symlink() or self.folder.parent.is_symlink()


def is_litter(name: str) -> bool:
    """Whether a file or folder is what a program left, such as checkpoints, and nobody's work."""
    return name.startswith((".", "__"))


def _notebook_in(folder: Path, name: str) -> Path:
    """The notebook called so, or the only one that is there: a browser may have renamed it."""
    path = folder / f"{name}.ipynb"
    if path.exists() or path.is_symlink() or folder.is_symlink():
        return path
    others = [file for file in folder.glob("*.ipynb") if not is_litter(file.name)]
    return others[0] if len(others) == 1 else path


def _is_gone(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is None
    except ModuleNotFoundError:  # a package above it
        return True


class Course:
    """A course folder with its configuration.

    Raises: CourseError, when `root` is no course folder or its configuration cannot be used.
    """

    def __init__(self, root: Path, db_url: str | None = None) -> None:
        self.root = root.resolve()
        if not (self.root / CONFIG).is_file():
            raise CourseError(
                f"{root} is not a course folder: there is no {CONFIG} in it; run this command "
                "from the course folder"
            )
        if str(self.root) not in sys.path:
            # As with nbgrader: what a configuration names may lie beside it (a late plugin).
            sys.path.append(str(self.root))
        try:
            self.config: Config = PyFileConfigLoader(CONFIG, path=str(self.root)).load_config()
        except Exception as error:
            raise CourseError(f"{self.root / CONFIG} cannot be read: {error}") from error
        self._check_names()
        self.config.CourseDirectory.root = str(self.root)
        self.config.CourseDirectory.db_url = self.db_url if db_url is None else db_url

    def _check_names(self) -> None:
        """Refuse a configuration that names a module which the grader has no more.

        nbgrader would end in a traceback, and only when it needs it.
        """
        text = (self.root / CONFIG).read_text(encoding="utf-8")
        for module, name in re.findall(r"""["'](autograder(?:\.\w+)+)\.(\w+)["']""", text):
            if _is_gone(module):
                raise CourseError(
                    f"{self.root / CONFIG} names {module}.{name}, which is not there; write "
                    f"{PLUGIN}.{name} (all that a configuration may name is in {PLUGIN})"
                )

    def _setting(self, name: str, default: str) -> str:
        return str(self.config.CourseDirectory.get(name, default))

    @property
    def db_url(self) -> str:
        """Where the gradebook is, as SQLAlchemy writes it."""
        from sqlalchemy import URL  # late, as it takes long

        own = URL.create("sqlite", database=str(self.root / "gradebook.db"))
        return self._setting("db_url", own.render_as_string(hide_password=False))

    @property
    def is_shared(self) -> bool:
        """Whether several instructors of one group write it: what nbgrader calls `groupshared`."""
        return bool(self.config.CourseDirectory.get("groupshared", False))

    @property
    def course_id(self) -> str:
        """What the gradebook calls the course."""
        return self._setting("course_id", "").strip()

    def top(self, step: str) -> Path:
        """The folder of one step: source, release, submitted, autograded or feedback."""
        return self.root / self._setting(f"{step}_directory", step)

    @property
    def solutions(self) -> Path:
        """The reference package."""
        return self.root / "solutions"

    @cached_property
    def assignments(self) -> dict[str, Assignment]:
        """The assignments by name, in order.

        Raises: CourseError, when there are none.
        """
        source = self.top("source")
        names = sorted(map(str, os.listdir(source))) if source.is_dir() else []
        paths = {name: source / name / f"{name}.ipynb" for name in names}
        found = {
            name: Assignment(name, path)
            for name, path in paths.items()
            if path.is_file() and not is_litter(name)
        }
        if not found:
            raise CourseError(f"{source} holds no assignment: put one into source/NAME/NAME.ipynb")
        return found

    def chosen(self, names: Sequence[str]) -> list[Assignment]:
        """The assignments of these names, or all of them.

        Raises: CourseError, naming one that is not there.
        """
        for name in names:
            if name not in self.assignments:
                folder = self.top("source") / name
                if folder.is_dir():
                    raise CourseError(
                        f"{folder / name}.ipynb is not there: an assignment NAME is the notebook "
                        "source/NAME/NAME.ipynb"
                    )
                raise CourseError(
                    f"there is no assignment {name!r}; there are {', '.join(self.assignments)}"
                )
        return [self.assignments[name] for name in dict.fromkeys(names or self.assignments)]

    def folder(self, step: str, student: str, assignment: str) -> Path:
        """Where nbgrader keeps a student's work: `step` is submitted, autograded or feedback."""
        inside = self._setting("directory_structure", STRUCTURE).format(
            nbgrader_step=self._setting(f"{step}_directory", step),
            student_id=student,
            assignment_id=assignment,
        )
        return self.root / inside

    def submissions(
        self,
        assignments: Sequence[Assignment],
        students: Sequence[str] = (),
        must_be: bool = True,
    ) -> list[Submission]:
        """What was handed in for these assignments, by these students or by all.

        Raises: CourseError, when there is nothing and `must_be` some, or a folder cannot be read.
        """
        folders = self._folders()
        found = [
            submission
            for assignment in assignments
            for submission in self._submissions(assignment, folders)
            if not students or submission.student in students
        ]
        if not found and must_be:
            of = f" of {', '.join(students)}" if students else ""
            where = self.top("submitted")
            raise CourseError(
                f"no submission{of} to grade: submissions are expected in "
                f"{where}/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb"
            )
        return found

    def _folders(self) -> list[Path]:
        """The folders that may be submissions, going by where they are."""
        pattern = self.folder("submitted", "*", "*").relative_to(self.root)
        try:
            top = self.top("submitted")
            for inside in top.iterdir() if top.exists() else ():
                if inside.is_dir():
                    os.listdir(inside)  # a glob would pass over what it may not read
            return sorted(self.root.glob(str(pattern)))
        except PermissionError as error:
            raise CourseError(f"{error.filename} cannot be read: permission denied") from error

    def _submissions(self, assignment: Assignment, folders: Sequence[Path]) -> list[Submission]:
        matcher = re.compile(
            re.escape(str(self.folder("submitted", "\0", "\1")))
            .replace(re.escape("\0"), r"(?P<student>[^/]+)")
            .replace(re.escape("\1"), f"(?P<name>(?i:{re.escape(assignment.name)}))")
        )
        found: dict[str, Path] = {}
        for folder in folders:
            match = matcher.fullmatch(str(folder))
            if match and folder.is_dir() and not is_litter(match["student"]):
                # In capitals, or the like, where it does not stand under its very name.
                is_called_so = match["name"] == assignment.name
                if is_called_so or match["student"] not in found:
                    found[match["student"]] = folder
        return [
            Submission(
                student, assignment, folder, _notebook_in(folder, assignment.name), self.root
            )
            for student, folder in found.items()
        ]
