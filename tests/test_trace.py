"""`trace` runs the student's own functions on a sentence and says where it first goes wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from bs4 import BeautifulSoup

from autograder.course.released import MATERIAL
from autograder.verdict.present import clean_html
from tests import browser, diagnosing, harness
from workbook.pictures.trace_page import MOST_WORDS, Trace, trace
from workbook.pictures.tracing import mistakes
from workbook.pictures.tracing.sentences import sentence
from workbook.pictures.tracing.vectors import vectors

FIRST, MASKING, HEADS = harness.ASSIGNMENTS[:3]
SENTENCE = "the cat sat on a mat"
REFERENCES = {assignment: harness.solutions(assignment) for assignment in (FIRST, MASKING, HEADS)}
ALL = {name: each for module in REFERENCES.values() for name, each in module.items()}

SCALE = "query @ key.mT / math.sqrt(query.shape[-1])"
MASKED_SOFTMAX = "weights = torch.softmax(scores, dim=-1).masked_fill(blocked, 0.0)"
FILLED = "scores = scores.masked_fill(blocked, -math.inf)"
TRIANGLE = "return allowed.tril(key_len - query_len)"
PIECES = "return pieces.transpose(-3, -2)"
EXPONENTIALS = "exponentials.sum(axis=axis, keepdims=True)"

# Notebook, what is replaced in the reference, by what, the step at fault, how its cause is named.
WRONG = [
    (
        FIRST,
        "query / math.sqrt(query.shape[-1])",
        "query",
        "scores",
        "not divided by anything (√4 is missing)",
    ),
    (FIRST, "math.sqrt(query.shape[-1])", "query.shape[-1]", "scores", "by its square root (by 4)"),
    (
        FIRST,
        "query.shape[-1])  #",
        "query.shape[-2])  #",
        "scores",
        "number of queries instead of the size",
    ),
    (FIRST, "scaled @ key.mT", "key @ scaled.mT", "scores", "row i, column j"),
    (FIRST, "scaled @ key.mT", "-scaled @ key.mT", "scores", "wrong sign"),
    (FIRST, "scaled @ key.mT", "(scaled @ key.mT).double()", "scores", "dtype is float64"),
    (FIRST, "scaled @ key.mT", "scaled.no_such(key)", "scores", "AttributeError"),
    (FIRST, EXPONENTIALS, "exponentials.sum(keepdims=True)", "softmax", "differ"),
    (
        FIRST,
        "key), dim=-1)",
        "key).flatten(), 0).view(6, 6)",
        "softmax",
        "sum over the whole array",
    ),
    (FIRST, EXPONENTIALS, "exponentials.sum(axis=-2, keepdims=True)", "softmax", "differ"),
    (FIRST, "np.where(total == 0, 1, total)", "1", "softmax", "differ"),
    (FIRST, "key), dim=-1)", "key), dim=-2)", "softmax", "columns sum to 1"),
    (FIRST, "return weights @ value,", "return weights.mT @ value,", "sum", "are transposed"),
    (FIRST, "return weights @ value,", "return weights @ key,", "sum", "mix the keys"),
    (FIRST, "return weights @ value,", "return weights @ value.flip(0),", "sum", "reverse"),
    (
        FIRST,
        "return weights @ value, weights",
        "return weights, weights @ value",
        "sum",
        "returned first and the output second",
    ),
    (FIRST, "return weights @ value, weights", "return weights @ value", "sum", "two things"),
    (
        MASKING,
        TRIANGLE,
        "return ~allowed.tril(key_len - query_len)",
        "mask",
        "True where a key is blocked",
    ),
    (
        MASKING,
        TRIANGLE,
        "return allowed.triu(key_len - query_len)",
        "mask",
        "on and above the diagonal",
    ),
    (MASKING, TRIANGLE, "return allowed.tril(key_len - query_len - 1)", "mask", "diagonal"),
    (
        MASKING,
        TRIANGLE,
        "return allowed.tril(key_len - query_len + 1)",
        "mask",
        "one key of its future",
    ),
    (MASKING, TRIANGLE, "return allowed.tril()", "mask", "aligned at the top left corner"),
    (MASKING, TRIANGLE, "return allowed.tril(key_len - query_len).float()", "mask", "float32"),
    (
        MASKING,
        SCALE,
        "query @ key.mT",
        "scores",
        "scores are not divided by anything (√4 is missing)",
    ),
    (MASKING, "blocked = ~mask", "blocked = mask", "mask", "taken for blocked"),
    (
        MASKING,
        FILLED,
        "scores, blocked = scores * mask, ~mask & mask",
        "mask",
        "Blocked scores are set to 0",
    ),
    (
        MASKING,
        "scores = scores.masked_fill(blocked, -math.inf)\n",
        "scores = scores\n",
        "mask",
        "applied after the softmax",
    ),
    (MASKING, MASKED_SOFTMAX, "weights = torch.softmax(scores, dim=0)", "softmax", "columns sum"),
    (
        HEADS,
        PIECES,
        "return x.reshape(*before[:-1], num_heads, before[-1], d_model // num_heads)",
        "split",
        "one regrouping, without the exchange",
    ),
    (
        HEADS,
        PIECES,
        "return x.reshape(*before, d_model // num_heads, num_heads).movedim(-1, -3)",
        "split",
        "dealt out to the heads in turn",
    ),
    (HEADS, PIECES, "return pieces", "split", "still stand before the heads"),
    (HEADS, "x.transpose(-3, -2).flatten(-2)", "x.mT.flatten(-2)", "merge", "shape"),
    (
        HEADS,
        "x.transpose(-3, -2).flatten(-2)",
        "x.reshape(*x.shape[:-3], x.shape[-2], -1)",
        "merge",
        "one regrouping, without exchanging",
    ),
    (
        HEADS,
        "math.sqrt(query_heads.shape[-1])",
        "math.sqrt(query.shape[-1])",
        "scores",
        "the width of the model, instead of the width of a head (by √4",
    ),
    (HEADS, "if mask is None:", "if True:", "mask", "The mask is not used"),
    (
        HEADS,
        "weights = torch.softmax(scores, dim=-1)  # (B, H, L, S)",
        "weights = torch.softmax(scores, dim=1)",
        "softmax",
        "over the heads instead of over the keys",
    ),
    (HEADS, "self.v_proj = nn.Linear", "self.w_proj = nn.Linear", "merge", "no attribute 'v_proj'"),
]


def traced(variables: Mapping[str, Any], sentence: str = SENTENCE, **options: Any) -> Trace:
    return trace(sentence, variables=variables, **options)


@pytest.mark.parametrize(
    "sentence", ["cat", "the cat sat", "the the the", SENTENCE, "The DOG. the dog, Über 猫 <b>&"]
)
@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("names", [*REFERENCES, "all three"])
def test_right_functions_are_right_at_every_step(names: str, heads: int, sentence: str) -> None:
    """The reference agrees with torch's own operators, whatever the sentence."""
    shown = traced(REFERENCES.get(names, ALL), sentence, heads=heads)

    assert shown.first is None
    assert [step.key for step in shown.steps if step.differs] == []
    assert "agrees with torch" in repr(shown)
    assert "≠" not in shown._repr_html_()


@pytest.mark.parametrize(
    ("assignment", "old", "new", "key", "cause"),
    WRONG,
    ids=[f"{each[0][:2]}-{each[3]}-{each[4]}" for each in WRONG],
)
def test_the_first_step_that_goes_wrong_is_marked(
    assignment: str, old: str, new: str, key: str, cause: str
) -> None:
    """One mistake in the reference is found in its step and named in words."""
    shown = traced(harness.solutions(assignment, old, new))

    assert shown.first is not None
    assert shown.first.key == key
    assert cause in " ".join(map(str, shown.first.faults))
    for form in (repr(shown), shown._repr_html_()):
        assert form.count("HERE IT FIRST GOES WRONG") == 1
        assert "Traceback" not in form


def test_what_check_says_of_a_mistake_trace_says_too() -> None:
    """One sentence for one mistake: all that trace knows by an id is recorded for `check`."""
    x, heads = torch.arange(12.0).reshape(3, 4), torch.rand(2, 3, 4)
    mask = torch.ones(3, 3).tril() > 0
    found = [
        *mistakes.of_split(x, 2),
        *mistakes.of_merge(heads),
        *mistakes.of_mask(mask),
        *mistakes.of_weights(heads, heads, heads @ heads.mT, mask),
        *mistakes.of_output(mask.float(), x, x, x),
    ]
    known = {each for mistake in found for each in mistake.known}

    assert len(known) > 40
    for assignment, id in known:
        entry = diagnosing.catalogue(assignment).by_id[id]
        assert sentence([(assignment, id)], entry.definition) == entry.name.rstrip(".")
    assert all(mistake.known or mistake.own for mistake in found)


def test_each_function_has_its_own_sentence() -> None:
    """The same numbers are another notebook's mistake in another notebook's function."""
    known = [(FIRST, "no-scaling"), (HEADS, "unscaled")]

    assert sentence(known, "MultiHeadAttention") == "The scores are not scaled before softmax"
    assert sentence(known, "softmax") == "The dot products are not divided by anything"


def test_where_the_notebooks_are_not_installed_the_id_has_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A course elsewhere has other notebooks; trace goes on."""
    monkeypatch.setenv(MATERIAL, str(tmp_path))

    shown = traced(harness.solutions(FIRST, "query / math.sqrt(query.shape[-1])", "query"))

    assert "Likely cause: no scaling (√4 is missing)" in " ".join(repr(shown).split())


def test_later_steps_only_inherit() -> None:
    """A wrong result goes on; the steps after it are right about what they are given."""
    wrong = harness.solutions(FIRST, "query / math.sqrt(query.shape[-1])", "query")
    shown = traced({**wrong, "causal_mask": REFERENCES[MASKING]["causal_mask"]})
    steps = {step.key: step for step in shown.steps}

    assert [key for key, step in steps.items() if step.faults] == ["scores"]
    assert [key for key, step in steps.items() if step.differs] == ["scores", "softmax", "sum"]
    assert repr(shown).count("Wrong because of step 2.") == 2


def test_a_second_mistake_waits_for_the_first() -> None:
    """Only one step is the first; the other mistake is told, with which to mend before it."""
    wrong = {
        **harness.solutions(FIRST, "scaled @ key.mT", "-scaled @ key.mT"),
        "softmax": lambda x: x,
    }
    shown = traced(wrong)

    assert shown.first is not None
    assert shown.first.key == "scores"
    assert "used as weights, without the softmax" in " ".join(repr(shown).split())
    assert "MEND STEP 2 FIRST" in repr(shown)


def test_a_later_function_that_stops_is_not_called_right() -> None:
    """It has no numbers to differ, and all the same a fault of its own."""
    wrong = {
        **harness.solutions(FIRST, "query / math.sqrt(query.shape[-1])", "query"),
        "causal_mask": lambda *arguments: 1 / 0,
    }
    shown = traced(wrong)

    assert "mask. IT GOES WRONG HERE, TOO: MEND STEP 2 FIRST." in repr(shown)
    assert "ZeroDivisionError" in repr(shown)


def test_weights_and_output_in_the_wrong_order_where_their_shapes_are_equal() -> None:
    """With as many words as numbers only the numbers tell; no earlier step is blamed."""
    old, new = "return weights @ value, weights", "return weights, weights @ value"
    shown = traced(
        harness.solutions(MASKING, old + "  # (..., L, Ev), (..., L, S)", new), "a b c d"
    )

    assert [step.key for step in shown.steps if step.differs] == ["sum"]
    assert shown.first is shown.steps[-1]


def test_one_mistake_in_both_columns_is_told_once() -> None:
    """The fault names the columns that show it."""
    shown = traced(harness.solutions(MASKING, SCALE, "query @ key.mT"))

    assert shown.first is not None
    assert [fault.where for fault in shown.first.faults] == [["bidirectional", "causal"]]
    # Its own weights and output are what one sees.
    assert [step.key for step in shown.steps if step.differs] == ["softmax", "sum"]


def test_a_row_that_may_look_at_nothing_is_zero() -> None:
    """A causal mask without its diagonal empties the first row; no NaN follows from it."""
    wrong = harness.solutions(MASKING, TRIANGLE, "return allowed.tril(key_len - query_len - 1)")
    shown = traced({**REFERENCES[FIRST], **wrong})
    steps = {step.key: step for step in shown.steps}

    assert [key for key, step in steps.items() if step.faults] == ["mask"]
    assert steps["softmax"].shown[1][0].tolist() == [0.0] * 6
    assert "NaN" not in repr(shown)


def test_nan_is_found_where_it_arises() -> None:
    """Softmax of nothing is 0 / 0, which shows in the causal column and is said in words."""
    mask = harness.solutions(MASKING, TRIANGLE, "return allowed.tril(key_len - query_len - 1)")
    nan = harness.solutions(FIRST, "np.where(total == 0, 1, total)", "total")
    with pytest.warns(RuntimeWarning):
        shown = traced({"softmax": nan["softmax"], "causal_mask": mask["causal_mask"]})
    softmax = next(step for step in shown.steps if step.key == "softmax")

    assert [fault.where for fault in softmax.faults] == [["causal"]]
    assert "6 are NaN" in str(softmax.faults[0])
    assert "NaN" in shown._repr_html_()


def to_do(*arguments: object) -> None:
    raise NotImplementedError


def test_what_is_still_to_do_is_said_kindly() -> None:
    """An unwritten function is no fault; torch's numbers stand in its place."""
    unwritten = {**REFERENCES[FIRST], "attention_scores": to_do}
    unwritten["scaled_dot_product_attention"] = to_do
    shown = traced(unwritten)

    assert shown.first is None
    assert "attention_scores is still to do. Worked out by torch." in repr(shown)
    assert "scaled_dot_product_attention is still to do." in shown._repr_html_()
    assert "Your softmax agrees with torch." in repr(shown)


def test_what_torch_has_not_implemented_is_no_function_to_do() -> None:
    """Its own message is shown, as of any other exception."""

    def of_whole_numbers(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        return torch.softmax(query.long(), -1)

    shown = traced({**REFERENCES[FIRST], "attention_scores": of_whole_numbers})

    assert shown.first is not None
    assert "still to do" not in repr(shown)
    assert "not implemented for 'Long'" in " ".join(repr(shown).split())


def test_no_function_at_all() -> None:
    """Before any cell was run one sees the whole way by torch, and is told so."""
    shown = traced({})

    assert shown.first is None
    assert "None of your functions is at work here yet" in repr(shown)
    assert [step.key for step in shown.steps] == ["words", "scores", "mask", "softmax", "sum"]


@pytest.mark.parametrize("softmax", [torch.softmax, torch.nn.functional.softmax, 3])
def test_a_librarys_function_is_not_the_students(softmax: object) -> None:
    """A notebook may import one of the same name, or use the name for something else."""
    shown = traced({**REFERENCES[HEADS], "softmax": softmax})

    assert shown.first is None
    assert "softmax" not in [name for step in shown.steps for name in step.functions]


def test_an_error_is_told_by_its_type_and_message() -> None:
    """One line, shortened, as text; torch's numbers go on from there."""

    def breaks(query: object, key: object) -> None:
        raise RuntimeError("<script>\n" + "x" * 999)

    shown = traced({**REFERENCES[FIRST], "attention_scores": breaks})

    assert shown.first is not None
    (fault,) = shown.first.faults
    assert str(fault).startswith("attention_scores: it stopped with RuntimeError: <script> xxx")
    assert len(str(fault)) < 250
    assert "<script" not in shown._repr_html_()
    assert not shown.first.differs


@pytest.mark.parametrize("result", [None, "text", 3, [[1.0]], torch.ones(2), torch.ones(6, 6) > 0])
def test_whatever_comes_back_is_described(result: object) -> None:
    """A result of another kind, shape or dtype is a fault of its step, never an exception."""
    shown = traced(dict.fromkeys(ALL, lambda *arguments: result))

    assert shown.first is not None
    assert repr(shown)
    assert shown._repr_html_()


def test_the_functions_are_those_of_the_caller() -> None:
    """In a notebook nothing but the sentence need be given."""
    namespace = {**REFERENCES[HEADS], "trace": trace}
    exec("shown = trace('the cat sat')", namespace)

    assert namespace["shown"].steps[1].functions == ["split_heads"]


def test_nothing_of_the_notebook_changes() -> None:
    """Inputs are copies and random numbers go on as if nothing had been drawn."""

    def spoils(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        torch.rand(3)
        return query.zero_() @ key.mT

    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    shown = traced({**ALL, "attention_scores": spoils})

    assert torch.equal(torch.rand(3), expected)
    assert [step.key for step in shown.steps if step.faults] == ["scores"]


def test_equal_words_have_equal_vectors() -> None:
    """Small whole numbers that depend on the letters alone."""
    the, cat, again = vectors(["The", "cat", "the,"])[0]

    assert torch.equal(the, again)
    assert not torch.equal(the, cat)
    for each in vectors(SENTENCE.split()):
        assert torch.equal(each, each.round())
        assert 0 <= each.min() <= each.max() <= 4


def test_repeated_words_can_be_told_apart() -> None:
    """Their headers carry the position."""
    text = repr(traced({}, "the cat and the dog"))

    assert "the (0)" in text
    assert "the (3)" in text
    assert "cat (1)" not in text


def test_the_shape_stands_at_every_arrow() -> None:
    """Shapes as torch has them, by hand: 2 heads, 6 words, 4 numbers."""
    arrows = [line for line in repr(traced(REFERENCES[HEADS])).splitlines() if "→" in line]

    assert arrows == [
        "6 words → query (6, 4), key (6, 4), value (6, 4)",
        "query, key and value: (6, 4) → (2, 6, 2)",
        "query (2, 6, 2), key (2, 6, 2) → scores (2, 6, 6)",
        "scores (2, 6, 6), mask (6, 6) → scores (2, 6, 6)",
        "scores (2, 6, 6) → weights (2, 6, 6)",
        "weights (2, 6, 6), value (2, 6, 2) → output (2, 6, 2)",
        "(2, 6, 2) → output (6, 4)",
    ]


def test_what_is_worked_out_by_hand_can_be_worked_out() -> None:
    """The sums on the page are true."""
    said = re.findall(r"By hand.*", repr(traced({}, "the cat sat")))
    score, weight, output = (line.split(": ", 1)[1].rstrip(".") for line in said)

    dot, scaled = score.split(", and ")
    left, right = dot.replace("·", "*").split(" = ")
    assert eval(left) == int(right)
    left, right = scaled.replace("√4", "2").split(" = ")
    assert eval(left) == float(right)
    left, right = weight.replace("e^", "2.718281828**").split(" = ")
    assert eval(left) == pytest.approx(float(right), abs=0.005)
    left, right = output.replace("·", "*").split(" = ")
    assert eval(left) == pytest.approx(float(right), abs=0.05)


@pytest.mark.parametrize("sentence", ["", "  ", []])
def test_an_empty_sentence_is_answered_by_a_sentence(sentence: Any) -> None:
    """No exception: what to type."""
    shown = traced({}, sentence)

    assert "Type some" in repr(shown)
    assert "Type some" in shown._repr_html_()


@pytest.mark.parametrize("sentence", [3, None, len, torch.tensor(1.0)])
def test_what_is_no_sentence_is_answered_by_a_sentence(sentence: Any) -> None:
    """No exception: what it was, and what to type."""
    words = f'of type {type(sentence).__name__}. Type one: trace("the cat sat")'

    assert words in repr(traced({}, sentence))


@pytest.mark.parametrize("heads", [0, 3, 8, "two"])
def test_heads_that_cannot_share_four_numbers(heads: Any) -> None:
    """No exception: which numbers of heads there are."""
    assert "take 1, 2 or 4" in repr(traced({}, heads=heads))


def test_a_long_sentence_is_cut_and_it_is_said() -> None:
    """40 words would fill the page; the first ones stay."""
    shown = traced(ALL, " ".join(f"word{i}" for i in range(40)))

    assert f"Only the first {MOST_WORDS} of the 40 words are traced." in repr(shown)
    assert shown.words == [f"word{i}" for i in range(MOST_WORDS)]


WRONG_HEADS = harness.solutions(HEADS, PIECES, "return x.reshape(num_heads, -1, 2)")
SHOWN = [
    traced({}, "cat"),
    traced(REFERENCES[FIRST]),
    traced(REFERENCES[HEADS]),
    traced(WRONG_HEADS),
]


@pytest.mark.parametrize("shown", SHOWN, ids=["torch", "right", "heads", "wrong"])
def test_the_html_is_plain(shown: Trace) -> None:
    """Nothing that a sanitiser takes away, and each table has a caption and scopes."""
    tree = BeautifulSoup(shown._repr_html_(), "html.parser")

    assert {each.name for each in tree.find_all()} <= {
        *("div", "p", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td")
    }
    assert {name for each in tree.find_all() for name in each.attrs} <= {"style", "scope"}
    for table in tree.find_all("table"):
        assert table.caption.get_text(strip=True)
        assert {th.get("scope") for th in table.find_all("th")} <= {"col", "row"}
        assert table.thead.th["scope"] == "col"


@pytest.mark.parametrize("shown", SHOWN, ids=["torch", "right", "heads", "wrong"])
def test_it_survives_the_sanitiser(shown: Trace) -> None:
    """What nbconvert's pages leave of it: all the words, no element as text."""
    before = BeautifulSoup(shown._repr_html_(), "html.parser")
    after = BeautifulSoup(clean_html(shown._repr_html_()), "html.parser")

    assert after.get_text() == before.get_text()
    assert [each.name for each in after.find_all()] == [each.name for each in before.find_all()]


@browser.needs_chromium
@pytest.mark.parametrize(("width", "beside"), [(1_000, True), (360, False)])
def test_it_fits_the_window(width: int, beside: bool) -> None:
    """Bidirectional and causal stand side by side where there is room, and nothing sticks out."""
    with browser.chromium() as started:
        page = started.new_page(viewport={"width": width, "height": 800})
        page.set_content(SHOWN[1]._repr_html_())
        places = [
            page.locator("div > div", has_text=f"weights, {kind}").bounding_box()
            for kind in ("bidirectional", "causal")
        ]
        widest = page.evaluate("document.documentElement.scrollWidth")

    assert (places[0]["y"] == places[1]["y"]) == beside
    assert widest <= width


@browser.needs_chromium
@pytest.mark.parametrize("colours", ["", "background:#111;color:#eee"], ids=["white", "dark"])
def test_nothing_serious_is_inaccessible(colours: str) -> None:
    """axe finds nothing serious or critical, on a white page and a dark one."""
    shown = traced(WRONG_HEADS, "the cat sat")._repr_html_()

    assert browser.serious_in(shown, colours) == []
