"""A style that cannot be used, or tries nothing, is named with what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.authoring.authored import read_authored
from autograder.authoring.right import with_style
from autograder.course.course import Course
from autograder.errors import CourseError
from tests import mini


def test_a_style_stands_in_place_of_what_it_defines(course: Path) -> None:
    """The rest is the reference's."""
    opened = Course(course)
    authored = read_authored(opened, opened.assignments[mini.NAME])

    definitions = with_style(authored, "the style other", "double = lambda x: x + x")

    assert definitions["double"](3) == 6
    assert definitions["first_row"]([1, 2]) == 1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def double(x) return x", "stops: SyntaxError"),
        ("import no_such_module", "stops: ModuleNotFoundError"),
        ("'''Nothing but words.'''", "defines none of .*: double, first_row"),
        ("def treble(x): return 3 * x", "defines none of .*: double, first_row"),
    ],
)
def test_a_style_that_is_none_is_named(course: Path, source: str, said: str) -> None:
    """Else it would count as one that earns all points."""
    opened = Course(course)
    authored = read_authored(opened, opened.assignments[mini.NAME])

    with pytest.raises(CourseError, match=f"the style other {said}"):
        with_style(authored, "the style other", source)
