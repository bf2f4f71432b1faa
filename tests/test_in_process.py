"""What an author's own process does with code that does not end, and with code not written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autograder.authoring.at_the_desk import examples_serve, recorded, told_at_the_desk
from autograder.authoring.authored import read_authored
from autograder.authoring.in_process import InProcess
from autograder.kernel.versions import defined
from tests import harness, mini
from tests.test_limits import set_limits

ENDLESS = "def double(x):\n    while True:\n        pass"


def test_a_version_without_end_is_stopped_once_for_its_whole_cell(tmp_path: Path) -> None:
    """An observation that swallowed the limit would leave the one behind it without any."""
    course = set_limits(mini.make_course(tmp_path), {"cell_seconds": 0.2})
    (assignment,) = course.chosen([mini.NAME])
    process = InProcess(read_authored(course, assignment))

    evidence = process.run(defined(ENDLESS), only="test-double")

    assert len(evidence["test-double"]) == 1


@pytest.mark.parametrize(("error", "is_told"), [("ValueError", True), ("Exception", False)])
def test_an_example_that_a_stub_passes_does_not_serve(error: str, is_told: bool) -> None:
    """Who has written the steps before is told what is still to do, and not what is wrong."""
    authored = harness.authored("02-causal-masking")
    own = f"""[example.padding_mask]
"caught" = {{ code = '''
try:
    padding_mask(torch.tensor([2]), 3)
except {error}:
    pass
left = 1''', hint = 'None.' }}
"""
    before = authored.examples.partition("[example.padding_mask]")[0]
    one = replace(authored, examples=before + own)
    answers = recorded(one, ["causal_mask", "padding_mask"])

    failures = examples_serve(one, answers, one.course.config).failures

    said = "check takes the stub of padding_mask for something written" in failures
    assert said is not is_told


def test_an_example_that_right_work_fails_does_not_serve() -> None:
    """A style is right: the example that it fails looks at something that nobody promised."""
    authored = harness.authored("02-causal-masking")
    own = """[example.causal_mask]
"kind" = { code = 'type(causal_mask(2)).__name__', hint = 'None.' }
"""
    style = """class Mask(torch.Tensor):
    pass


written = causal_mask
causal_mask = lambda *given, **named: written(*given, **named).as_subclass(Mask)
"""
    one = replace(authored, examples=own, styles={"other_kind": style})
    answers = recorded(one, ["causal_mask"])

    failures = examples_serve(one, answers, one.course.config).failures

    assert "the style other_kind fails the public example 'kind' of causal_mask" in failures


def test_a_misconception_that_no_example_shows_is_told() -> None:
    """Who checks before handing in would hear of it from the grader alone."""
    own = """[example.causal_mask]
"shape" = { code = 'causal_mask(3).shape', hint = 'None.' }
"""
    one = replace(harness.authored("02-causal-masking"), examples=own)
    answers = recorded(one, ["causal_mask"])

    findings = told_at_the_desk(one, answers, ["mask-inverted"])

    (said,) = findings.failures
    assert said.startswith("no public example shows 'mask-inverted'")
