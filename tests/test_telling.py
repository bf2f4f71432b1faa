"""What a failed check tells by itself: the promise it looks at, whatever the code looks like."""

from __future__ import annotations

import json

import pytest

from autograder.course.course import Course
from autograder.course.telling import CALLS, TYPE, read_telling
from autograder.errors import CourseError
from autograder.grading.grade import grade
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.workers import ThisProcess
from autograder.submission.handed_in import HandedIn
from tests import diagnosing, harness, student_work

CELLS = [
    {"cell_type": "markdown", "id": "above", "metadata": {}, "source": ""},
    {
        "cell_type": "code",
        "id": "double",
        "metadata": {"nbgrader": {"grade_id": "double", "solution": True}},
        "source": "",
    },
]


def told(rows: str) -> dict[str, str]:
    """The ids by check, without those that every definition has."""
    found = read_telling(f"[promise.double]\n{rows}", CELLS)
    return {check: each.id for (_, check), each in found.items() if check not in (TYPE, CALLS)}


def test_a_check_of_one_house_rule_tells_it() -> None:
    """Of several it tells that it is one of them; of words of the notebook, nothing."""
    rows = """
'no rows' = { on = ['sizes'] }
'16 bits, and no rows' = { on = ['dtype', 'sizes'] }
'twice' = { on = ['Twice the number'] }
'twice, and no rows' = { on = ['Twice the number', 'sizes'] }
'refused' = { on = ['naming x'], tells = 'refused' }
'anything' = { on = ['own'], tells = '' }
"""

    assert told(rows) == {
        "no rows": "sizes-double",
        "16 bits, and no rows": "dtype-or-sizes-double",
        "refused": "refused-double",
    }


def test_what_is_told_is_explained_right_above() -> None:
    """As a misconception is where its row says nothing else."""
    found = read_telling("[promise.double]\n'no rows' = { on = ['sizes'] }", CELLS)

    assert {each.explained for each in found.values()} == {"above"}


def test_another_family_is_an_error_of_the_author() -> None:
    """With the check that asks for it."""
    with pytest.raises(CourseError, match="promise of 'no rows' is of the family 'size'"):
        told("'no rows' = { on = ['sizes'], tells = 'size' }")


@pytest.mark.parametrize("name", harness.ASSIGNMENTS)
def test_every_notebook_tells_in_whole_sentences(name: str) -> None:
    """And no two things under one id."""
    telling = harness.authored(name).catalogue.telling.values()

    assert len({each.id for each in telling}) == len({(e.id, e.name, e.hint) for e in telling})
    for each in telling:
        assert each.name.endswith(".")
        assert each.effect.endswith(".")
        assert each.hint.endswith(("?", "."))
        assert "{" not in each.name + each.effect + each.hint


# Forms that no table of wrong versions has.
FORMS = {
    "a list for a tuple": (
        "01-scaled-dot-product-attention",
        "attention_shapes",
        "-> dict[str, tuple[int, ...]]:",
        None,
        "tuple-attention_shapes",
    ),
    "a table that is kept": (
        "04-positional-encoding",
        "sinusoidal_encoding",
        "def sinusoidal_encoding",
        "import functools\n\n\n@functools.lru_cache(None)\ndef sinusoidal_encoding",
        "own-sinusoidal_encoding",
    ),
    "a size left to torch": (
        "challenge-gqa",
        "grouped_query_attention",
        "reshape(batch, num_heads, query_len, value.shape[-1])",
        "reshape(-1, num_heads, query_len, value.shape[-1])",
        "sizes-grouped_query_attention",
    ),
    "a number that float16 lacks": (
        "03-multi-head-attention",
        "MultiHeadAttention",
        "scores.masked_fill(blocked, -math.inf)",
        "scores.masked_fill(blocked, -1e9)",
        "dtype-MultiHeadAttention",
    ),
    "a mask of whole numbers": (
        "02-causal-masking",
        "masked_attention",
        "if mask.dtype != torch.bool:",
        "if mask.is_floating_point():",
        "refused-masked_attention",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_broken_promise_has_a_name_in_any_form(form: str) -> None:
    """Where no check failed but such as look at one."""
    name, definition, old, new, expected = FORMS[form]
    module = harness.authored(name).module
    if new is None:
        module += f"\n_kept = {definition}\n\n\ndef {definition}(*given, **named):\n"
        module += "    shapes = _kept(*given, **named)\n"
        module += "    return {name: list(shape) for name, shape in shapes.items()}\n"
    else:
        assert module.count(old) == 1
        module = module.replace(old, new)

    result = diagnosing.diagnosed(name, module, f"test-{definition}")[f"test-{definition}"]

    assert {*diagnosing.names(result)} == {expected}


def test_other_names_of_parameters_are_told_whatever_else_fails() -> None:
    """Here all that the check of the parameters does not see could not be looked at."""
    name, definition = "04-positional-encoding", "LearnedPositionalEmbedding"
    module = harness.authored(name).module.replace("self.embedding", "self.pos_emb")

    result = diagnosing.diagnosed(name, module, f"test-{definition}")[f"test-{definition}"]

    assert sum(not check.passed for check in result.checks) > 1
    assert diagnosing.names(result) == [f"parameters-{definition}"]


def test_a_stub_is_told_nothing() -> None:
    """It breaks every promise, and is not written yet."""
    name, definition = "04-positional-encoding", "sinusoidal_encoding"
    module = harness.authored(name).module
    module += f"\n\ndef {definition}(*given, **named):\n    raise NotImplementedError\n"

    result = diagnosing.diagnosed(name, module, f"test-{definition}")[f"test-{definition}"]

    assert diagnosing.names(result) == []


def test_what_is_right_alone_depends_on_the_calls_before() -> None:
    """In grading, where a check can be run in a kernel in which nothing was called before."""
    name = "02-causal-masking"
    kept = """
_masks = {}

def causal_mask(query_len, key_len=None, device=None):
    if query_len not in _masks:
        keys = query_len if key_len is None else key_len
        allowed = torch.ones(query_len, keys, dtype=torch.bool, device=device)
        _masks[query_len] = allowed.tril(keys - query_len)
    return _masks[query_len].clone()
"""
    course = Course(harness.ROOT)
    (assignment,) = course.chosen([name])
    key = answer_keys(course, [assignment], ThisProcess(), Seeds(given=3))[name]
    notebook = json.dumps(student_work.solved(name, kept)).encode()

    graded = grade(key, HandedIn("kept.ipynb", None, notebook))

    assert graded.reason is None
    named = {each.id for check in graded.tests["test-causal_mask"].checks for each in check.because}
    assert named == {"calls-causal_mask"}
