"""The gradebook, opened for a moment at a time: others read and write it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from nbgrader.api import Gradebook
from sqlalchemy import text

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.gradings import gradebook_errors, is_unmade, sqlite_file
from autograder.gradebook.one_writer import OneWriter


@dataclass(frozen=True)
class OpenedGradebook:
    """Where marks are read and written.

    No connection outlives its use, so a file that was put in its place is seen. What stays are
    statements that SQLAlchemy has compiled, which take longer than to run them.
    """

    course: Course

    @cached_property
    def _gradebook(self) -> Gradebook:
        return Gradebook(self.course.db_url, self.course.course_id)

    @contextmanager
    def reading(self) -> Iterator[Gradebook]:
        """The gradebook as it is now.

        Raises: CourseError, when there is none or it cannot be used.
        """
        if is_unmade(self.course.db_url):
            raise CourseError("there is no gradebook yet: `workbook grade` makes it")
        with gradebook_errors(self.course.db_url):
            try:
                yield self._gradebook
            finally:
                self._gradebook.db.remove()
                self._gradebook.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Gradebook]:
        """The same, while no other writes; what is not committed is not written.

        Raises: CourseError, when there is none or it cannot be used.
        """
        url = self.course.db_url
        with (
            gradebook_errors(url),
            OneWriter(url) as one_writer,
            one_writer.writing(),
            self.reading() as gradebook,
        ):
            if sqlite_file(url) is not None:
                # Or the formgrader, which does not know our lock, could write after we looked.
                gradebook.db.execute(text("BEGIN IMMEDIATE"))
            yield gradebook
