"""The directive `checkpoints`: questions with choices, each choice explained."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from making.course import notebooks
from making.exercises import Made

FILE = Path(__file__).parents[1] / "checkpoints.toml"
LETTERS = "abcd"


@dataclass(frozen=True)
class Question:
    """A question; `right` is the place of the right choice, and `why` tells of each."""

    text: str
    choices: tuple[str, ...]
    why: tuple[str, ...]
    right: int

    def __post_init__(self) -> None:
        """Refuse a question without a word on each choice, or without a right one.

        Raises: ValueError, quoting it.
        """
        if len(self.why) != len(self.choices) or self.right not in range(len(self.choices)):
            raise ValueError(f"{self.text!r} has a choice without a word on it, or no right one")

    def told(self, number: int) -> str:
        """The question and, folded, its answer, as MyST."""
        letters = LETTERS[: len(self.choices)]
        choices = "\n".join(
            f"- {letter}) {worked_out(choice)}"
            for letter, choice in zip(letters, self.choices, strict=True)
        )
        why = "\n".join(
            f"- **{letter}, {'right' if place == self.right else 'wrong'}.** {worked_out(reason)}"
            for place, (letter, reason) in enumerate(zip(letters, self.why, strict=True))
        )
        return f"""\
**{number}.** {worked_out(self.text)}

{choices}

::::{{dropdown}} Answer to question {number}
{why}
::::
"""


@dataclass(frozen=True)
class Stage:
    """The questions about some notebooks."""

    title: str
    notebooks: tuple[str, ...]
    questions: tuple[Question, ...]

    @property
    def text(self) -> str:
        """The stage as MyST."""
        known = notebooks()
        after = ", ".join(
            f"[{known[name].heading}](../exercises.md#{name})" for name in self.notebooks
        )
        told = "\n".join(each.told(place) for place, each in enumerate(self.questions, 1))
        return f"After {after}.\n\n{told}"


def worked_out(text: str) -> str:
    """A text in which each `[=…]` is what the Python in it gives; `:,` may follow it."""

    def value(match: re.Match[str]) -> str:
        code, comma = match[1].removesuffix(":,"), match[1].endswith(":,")
        result = eval(code, {"math": math})
        return f"{result:,}" if comma else f"{result}"

    return re.sub(r"\[=(.+?)\](?!\])", value, text).replace("[MASK]", r"\[MASK\]")


def stages(file: Path = FILE) -> list[Stage]:
    """The stages in the order of the file."""
    return [
        Stage(
            row["title"],
            tuple(row["notebooks"]),
            tuple(
                Question(each["text"], tuple(each["choices"]), tuple(each["why"]), each["right"])
                for each in row["question"]
            ),
        )
        for row in tomllib.loads(file.read_text(encoding="utf-8"))["stage"]
    ]


class Checkpoints(Made):
    """A section for each stage."""

    def run(self) -> list[nodes.Node]:
        """Write the sections."""
        return [
            self.section("check-" + each.title.lower().replace(" ", "-"), each.title, each.text)
            for each in stages()
        ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("checkpoints", Checkpoints)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
