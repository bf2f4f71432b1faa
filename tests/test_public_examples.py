"""Reading public examples: what they look at, and what an author is told of a mistake."""

from __future__ import annotations

from typing import Any

import pytest

from autograder.course.public_examples import NAMES, read_examples
from autograder.errors import CourseError
from autograder.observe import collecting
from autograder.verdict.evidence import decode

PLAIN = """
[example.double."one number"]
code = "{code}"
hint = "Which operation makes two of one?"
"""


def observed(code: str) -> dict[str, Any]:
    (example,) = read_examples(PLAIN.format(code=code), ["double"])
    names: dict[str, Any] = {"double": lambda x: 2 * x}
    exec(NAMES, names)
    with collecting() as records:
        exec(example.source, names)
    (record,) = map(decode, records)
    return {name: node.get("value") for name, node in record.values.items()}


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("double(3)", {"result": 6}),
        ("double(3)  # a remark", {"result": 6}),
        ("x = 4\\ndouble(x)", {"result": 8}),
        ("x = double(1)\\ny, z = double(2), x", {"y": 4, "z": 2}),
        ("(double(1)\\n + 1)", {"result": 3}),
        ("x = double(1)\\ny = double(x)\\nz = double(3)", {"y": 4, "z": 6}),
        ("x = double(1)\\ndouble(2)", {"x": 2, "result": 4}),
        ("_, x = double(1), double(2)", {"x": 4}),
        ("x = double(1)\\nx = x + 1", {"x": 3}),
    ],
)
def test_what_is_assigned_and_not_read_is_looked_at(code: str, seen: dict[str, int]) -> None:
    """Of several results on several lines none is lost."""
    assert observed(code) == seen


def test_a_refusal_is_looked_at_with_the_argument_that_it_names() -> None:
    text = PLAIN.format(code="double(None)") + 'naming = "x"\n'
    (example,) = read_examples(text, ["double"])
    names: dict[str, Any] = {}
    exec(NAMES, names)

    def double(x: Any) -> None:
        raise ValueError("x is nothing")

    with collecting() as records:
        exec(example.source, {**names, "double": double})
    (record,) = map(decode, records)
    assert record.raised is not None
    assert record.raised[0] == "ValueError"
    assert record.names is True


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[example]", "not TOML"),
        ("[[example]]\nname = 'one'", "stand in rows by name"),
        (
            "[example.double]\n'one' = { code = 'double(1)' }",
            "'one' of double has code; its fields are",
        ),
        (PLAIN.format(code="double("), "is not Python"),
        (PLAIN.format(code="double(1)").replace("hint", "clue"), "its fields are code, hint"),
        (PLAIN.format(code="double(1)").replace("hint", "# hint"), "its fields are code, hint"),
        (PLAIN.format(code="import math"), "ends in neither a value nor an assignment"),
        (PLAIN.format(code="_ = double(1)"), "ends in neither a value nor an assignment"),
        (PLAIN.format(code="double(1)") * 2, "not TOML"),
        (
            PLAIN.format(code="double(1)").replace("example.double", "example.treble"),
            "which the notebook",
        ),
    ],
)
def test_an_author_is_told_what_cannot_be_used(text: str, words: str) -> None:
    with pytest.raises(CourseError, match=words):
        read_examples(text, ["double"])
