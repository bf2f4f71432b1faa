"""What the visible tests of a cell said, as far as it is the instructor's own words.

Student code can read the hidden tests while they run, and put any words into an exception. So
shown are texts that stand in the visible part, with numbers where it puts values in, and what
`torch.testing.assert_close` says of numbers.
"""

from __future__ import annotations

import ast
import re

from nbformat import NotebookNode

from autograder.course.assignment import error_type, without_hidden

MOST_CHARACTERS = 800
# One character or word at a time, so that there is one way only to read a text.
_VALUE = r"(?:[-+\d.e\[\](),:\s]|nan|inf|tensor|True|False|None|torch|Size|float|bool){0,80}?"
_CLOSE = re.compile(
    "|".join(
        line.replace("#", _VALUE)
        for line in (
            r"(?:Tensor-likes|Scalars) are not (?:close|equal)!",
            r"Mismatched elements: # / # \(#%\)",
            r"Expected # but got #\.?",
            r"(?:Greatest )?(?:absolute|relative|Absolute|Relative) difference: #"
            r"(?: at index #)?(?: \(up to # allowed\))?",
            r"The values for attribute '(?:shape|dtype)' do not match: # != #\.?",
            "",
        )
    )
)


def visible_failure(cell: NotebookNode) -> str | None:
    """What ended the visible tests of a cell, with its words where they are the instructor's."""
    name = error_type(cell)
    if name is None:
        return None
    words = next(o.get("evalue", "") for o in cell.outputs if o.output_type == "error").strip()
    return f"{name}: {words}" if words and _is_instructors(words, cell.source) else name


def _is_instructors(words: str, source: str) -> bool:
    visible = without_hidden(source)
    if words in visible:
        return True
    if len(words) > MOST_CHARACTERS:
        return False
    own = _templates(visible)
    if any(re.fullmatch(each, words) for each in own):
        return True
    if "assert_close" not in visible:
        return False
    lines = [line.strip() for line in words.splitlines()]
    first = next((i for i, line in enumerate(lines) if line and _CLOSE.fullmatch(line)), len(lines))
    above = "\n".join(lines[:first]).strip()
    is_own = not above or any(re.fullmatch(each, above) for each in own)
    return is_own and first < len(lines) and all(map(_CLOSE.fullmatch, lines[first:]))


def _templates(visible: str) -> list[str]:
    """Patterns of the texts in a source; where one has a value put in, numbers stand."""
    try:
        tree = ast.parse(visible)
    except (SyntaxError, ValueError):
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else _VALUE
                for part in node.values
            ]
            # An escaped space ends in a backslash when only the space is taken away.
            found.append(re.sub(r"^(?:\\?\s)+|(?:\\?\s)+$", "", "".join(parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(re.escape(node.value.strip()))
    return [each for each in found if each]
