"""The judge's outputs of a test cell: a table for people, one plain float for nbgrader."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

import nh3
from nbformat import NotebookNode, from_dict

from autograder.course.assignment import is_test, nbgrader_of
from autograder.verdict.verdict import CellResult, Check, as_data
from autograder.verdict.visible import visible_failure

TEXT = {"a", "abbr", "acronym", "b", "blockquote", "code", "em", "i", "li", "ol", "strong", "ul"}
BLOCKS = {"br", "details", "div", "h1", "h2", "h3", "h4", "h5", "h6", "p", "pre", "span", "summary"}
TABLES = {"caption", "table", "tbody", "td", "th", "thead", "tr"}
FORMULAS = {  # as `autograder.feedback.markdown` writes them
    *("math", "menclose", "mfrac", "mi", "mn", "mo", "mover", "mpadded", "mphantom", "mroot"),
    *("mrow", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext"),
    *("mtr", "munder", "munderover"),
}
_CLEANER = nh3.Cleaner(
    tags=TEXT | BLOCKS | TABLES | FORMULAS,
    attributes={
        "*": {"class"},
        "abbr": {"title"},
        "acronym": {"title"},
        "th": {"scope"},
        "math": {"display"},
        "mo": {"stretchy"},
    },
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
VERDICT = "workbook_verdict"  # where a graded test cell keeps the verdict as data


def write_verdicts(
    notebook: NotebookNode,
    results: dict[str, CellResult],
    reason: str | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Replace what the test cells printed by what the judge says.

    `reason` says why the notebook could not be graded to its end, `notes` what happened besides.
    """
    about = notebook.metadata.setdefault("workbook", NotebookNode())
    about["reason"], about["notes"] = reason, list(notes)
    for cell in notebook.cells:
        if not is_test(cell):
            continue
        result = results[nbgrader_of(cell)["grade_id"]]
        failure = visible_failure(cell)
        cell.metadata[VERDICT] = from_dict({**as_data(result), "visible": failure})
        outputs = [
            {
                "output_type": "display_data",
                "data": {
                    "text/plain": as_text(result, failure),
                    "text/html": as_html(result, failure),
                },
                "metadata": {},
            },
            # nbgrader takes a cell's points from a float in its result, and from nothing else.
            {
                "output_type": "execute_result",
                "data": {"text/plain": repr(float(result.score))},
                "metadata": {},
                "execution_count": cell.execution_count,
            },
        ]
        cell.outputs = [from_dict(output) for output in outputs]


def explanations(result: CellResult) -> list[str]:
    """What explains the failures of a cell, a sentence or two each, without hints."""
    named = dict.fromkeys(each for check in result.checks for each in check.because)
    sentences = [f"Likely cause: {each.name} {each.effect}" for each in named]
    if result.follows_from:
        sentences.append(f"This follows from {', '.join(result.follows_from)}: mend that first.")
    elif result.mend_first:
        sentences.append(
            f"It uses {', '.join(result.mend_first)}, which fails checks of its own: mend that "
            "first."
        )
    if result.on_right:
        sentences.append(
            f"It was judged once more with a right {' and '.join(result.on_right)} in place of "
            "yours, and has the points that it earns there."
        )
    return [*sentences, *result.notes]


def _messages(checks: Sequence[Check]) -> list[tuple[Check, str]]:
    """Each check with what is said of it: of one that failed as the one above did, no more."""
    above = [None, *checks][: len(checks)]
    return [
        (
            check,
            "as above"
            if before and (before.passed, before.message) == (False, check.message)
            else check.message,
        )
        for before, check in zip(above, checks, strict=True)
    ]


def as_text(result: CellResult, failure: str | None = None) -> str:
    """The verdict in plain lines."""
    lines = [f"{result.score:g} of {result.max_score:g} points", *explanations(result)]
    lines += [
        f"{'passed' if check.passed else 'failed'}  {check.name}: {message}"
        for check, message in _messages(result.checks)
    ]
    return "\n".join([*lines, f"visible tests: {failure}"] if failure else lines)


def as_html(result: CellResult, failure: str | None = None) -> str:
    """The verdict as a table; every text in it is escaped."""
    rows = "".join(
        f"<tr><td>{'passed' if check.passed else '<strong>failed</strong>'}</td>"
        f"<td>{html.escape(check.name)}</td>"
        f"<td>{html.escape(message)}</td>"
        f"<td>{check.points if check.passed else 0:.2f} / {check.points:.2f}</td></tr>"
        for check, message in _messages(result.checks)
    )
    below = [*explanations(result), *([f"The visible tests said: {failure}"] if failure else [])]
    return (
        f'<table class="table"><caption>{html.escape(result.grade_id)}: {result.score:g} of '
        f"{result.max_score:g} points</caption><thead><tr><th>verdict</th><th>check</th>"
        f"<th>what happened</th><th>points</th></tr></thead><tbody>{rows}</tbody></table>"
        + "".join(f"<p>{html.escape(each)}</p>" for each in below)
    )


def clean_html(element: str | bytes) -> str:
    """Make HTML from a notebook safe to show; the filter that nbconvert's pages call.

    nbconvert's own lets through a table but not its parts, and no formula.
    """
    text = element.decode() if isinstance(element, bytes) else str(element)
    # A kernel can send half a character, or one that a terminal obeys; no page can hold them.
    text = _CONTROL.sub("?", text.encode("utf-8", "replace").decode())
    return _CLEANER.clean(text)
