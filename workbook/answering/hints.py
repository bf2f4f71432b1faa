"""`hint("name")`: one step more each time it is asked for, never the answer."""

from __future__ import annotations

import sys
from typing import Any

from autograder.errors import DeskError
from workbook.answering.answers import every
from workbook.answering.check_table import tried
from workbook.answering.verdicts import Verdict
from workbook.guiding.pointer import in_the_guide
from workbook.result_table import Marked, Table

# How many hints were given, by notebook, definition and the hints that there are: they begin anew
# when something else fails, and go on when it is the first mistake again.
_given: dict[tuple[str, ...], int] = {}


def hint(definition: Any = None, notebook: str | None = None) -> Table:
    """Give the next hint on a definition that does not pass yet; `notebook` as in `check`."""
    namespace = sys._getframe(1).f_globals
    try:
        if definition is None:
            known = (name for each in every() for name in each.definitions)
            here = next((name for name in known if name in namespace), "name")
            raise DeskError(f'hint needs a name, as in hint("{here}").')
        found = tried(definition, namespace, notebook, "hint")
    except DeskError as error:
        return Table(Marked(str(error), "strong"), (), ())
    name = Marked(found.definition, "code")
    if found.passed:
        return Table((name, " passes: there is nothing to hint at."), (), ())
    steps = _steps(found)
    key = (found.answers.name, found.definition, *steps)
    number = _given[key] = min(_given.get(key, 0) + 1, len(steps))
    left = "There is one more." if number == len(steps) - 1 else "There are more."
    last = number == len(steps)
    below = "This is the last one." if last else f"{left} Ask again when you need it."
    caption = (Marked(f"Hint {number} of {len(steps)}", "strong"), " on ", name)
    more = in_the_guide(found.answers.name, found.definition) if last else []
    return Table(caption, (), (), [steps[number - 1], below, *more])


def _steps(found: Verdict) -> list[str]:
    """From where to look, over a question, to the text that explains it."""
    answers = found.answers
    if found.earlier:
        return [f"It uses {found.earlier[0]}, which does not pass. Mend that first."]
    if found.unwritten:
        first = answers.examples(found.definition)[0]
        steps = [f"Start with one example, {first.name!r}: {first.code}", first.hint]
        cells = [found.definition]
    else:
        failed = next(each for each in found.tried if not each.check.passed)
        steps = [f"Look at the check {failed.example.name!r}. {failed.example.hint}"]
        steps += [each.hint for each in found.causes]
        cells = [each.explained for each in found.causes] or [found.definition]
    sections = dict.fromkeys(heading for cell in cells if (heading := answers.heading(cell)))
    return steps + [f"It is explained in the notebook under {heading!r}." for heading in sections]
