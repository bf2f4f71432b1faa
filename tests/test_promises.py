"""For every hidden observation: the promise that it stands on, and an example that shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autograder.authoring.attempt import attempt
from autograder.authoring.in_process import InProcess
from autograder.authoring.promised import house_rules, observations, plain, unpromised, visible
from autograder.course.course import Course
from autograder.course.public_examples import read_examples, source_of
from autograder.kernel.versions import defined
from autograder.verdict.evidence import decode
from autograder.verdict.judge import judge
from tests import harness

EACH = pytest.mark.parametrize("name", harness.ASSIGNMENTS)


@EACH
def test_what_is_graded_is_said_and_shown(name: str) -> None:
    """Each row names words that students read and examples that there are."""
    authored = harness.authored(name)

    assert "[promise." in authored.examples
    assert list(unpromised(authored)) == []


@EACH
def test_the_list_is_of_what_is_observed(name: str) -> None:
    """The names are read off the source; those that the reference records are the same."""
    for test, cell in harness.test_cells(name).items():
        recorded = [decode(record).name for record in harness.process(name).reference[test]]
        assert observations(cell.source) == recorded


def test_a_broken_promise_is_no_wrong_name_for_try() -> None:
    """Its name comes from the check that looks at it; no row of the table has to say so."""
    (found,) = attempt(Course(harness.ROOT), "08-training", "next_token_batch")

    assert {each.wrong.id for each in found.tried if each.promise}
    assert [each.wrong.id for each in found.tried if not each.is_right] == []


@EACH
def test_every_notebook_says_the_house_rules(name: str) -> None:
    """In the same words, so that they are learned once."""
    text = visible(harness.authored(name))

    assert [rule for rule in house_rules().values() if plain(rule) not in text] == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[promise.repeat_kv]", "[promise.other]", "has no row that says on"),
        ("shown = ['one copy of each']", "shown = ['two']", "shown by 'two', which is no example"),
        ("shown = ['one copy of each']", "shown = []", "has no row that says shown"),
        ("shown = ['one copy of each']", "shown = 'one copy of each'", "a list is expected: ['one"),
        ("shown = ['one copy of each']", "shown = ['x'], tels = 'own'", "has tels; its fields are"),
        ("'a single copy'", "'another'", "'another', which the hidden tests do not observe"),
        ("x (B, Hkv, S, E) -> (B, Hkv * n_rep", "x in, x out (B", "which students read nowhere"),
    ],
)
def test_a_row_that_does_not_hold_is_named(old: str, new: str, said: str) -> None:
    """Whatever is missing: the row, its words, its example, its observation."""
    authored = harness.authored("challenge-gqa")
    assert old in authored.examples

    failures = list(unpromised(replace(authored, examples=authored.examples.replace(old, new))))

    assert any(said in each for each in failures)


# What fell short of a promise and was told by no example, each a change of the reference.
SHORT = [
    (
        "challenge-gqa",
        "grouped_query_attention",
        "def grouped_query_attention(query, key, value, mask=None):\n"
        "    b, h, l, e = query.shape\n"
        "    scores = query.reshape(b, key.shape[1], -1, e) @ key.mT / e**0.5\n"
        "    weights = scores.reshape(b, h, l, -1).softmax(-1)\n"
        "    out = weights.reshape(b, key.shape[1], -1, key.shape[2]) @ value\n"
        "    return out.reshape(b, h, l, -1)\n",
        "no key at all",
    ),
    (
        "challenge-rope",
        "rope_attention",
        "def rope_attention(query, key, value, positions, causal=True, base=10_000.0):\n"
        "    turned = (apply_rope(each, positions, base) for each in (query, key))\n"
        "    q, k = turned\n"
        "    scores = q @ k.mT / q.shape[-1] ** 0.5\n"
        "    seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()\n"
        "    scores = scores.masked_fill(~seen, -1e9) if causal else scores\n"
        "    return scores.softmax(-1) @ value\n",
        "float16 stays float16",
    ),
    (
        "challenge-rope",
        "apply_rope",
        "def apply_rope(x, positions, base=10_000.0):\n"
        "    every = torch.arange(int(positions.max()) + 1)[:, None]\n"
        "    table = every * rope_frequencies(x.shape[-1], base)\n"
        "    cos, sin = table.cos()[positions], table.sin()[positions]\n"
        "    even, odd = x[..., 0::2], x[..., 1::2]\n"
        "    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1)\n"
        "    return turned.flatten(-2).to(x.dtype)\n",
        "before position 0",
    ),
    (
        "challenge-rope",
        "apply_rope",
        "def apply_rope(x, positions, base=10_000.0):\n"
        "    angles = positions[..., None] * rope_frequencies(x.shape[-1], base)\n"
        "    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))\n"
        "    turned = pairs * torch.polar(torch.ones_like(angles), angles)\n"
        "    return torch.view_as_real(turned).flatten(-2)\n",
        "float16, far along a text",
    ),
    (
        "02-causal-masking",
        "decode_step",
        "def decode_step(query, key, value, cache=None):\n"
        "    old_key, old_value = cache or (key[..., :0, :], value[..., :0, :])\n"
        "    key, value = torch.cat([old_key, key], -2), torch.cat([old_value, value], -2)\n"
        "    output, _ = masked_attention(query, key, value)\n"
        "    return output, [key, value]\n",
        "the text begins",
    ),
    (
        "05-transformer-block",
        "FeedForward",
        "class FeedForward(nn.Module):\n"
        "    def __init__(self, d_model, d_ff, dropout=0.0):\n"
        "        super().__init__()\n"
        "        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)\n"
        "        self.rate = dropout\n"
        "    def forward(self, x):\n"
        "        return self.linear2(F.dropout(F.gelu(self.linear1(x.float())), self.rate))\n",
        "16 and 64 bits",
    ),
]


@pytest.mark.parametrize(("name", "definition", "source", "example"), SHORT)
def test_check_tells_what_grading_takes_points_for(
    name: str, definition: str, source: str, example: str
) -> None:
    """Where a promise is broken, an example fails, and so does a hidden test."""
    here: InProcess = harness.process(name)
    own = defined(*here.authored.provided, here.authored.module, source)
    shown = [
        each
        for each in read_examples(here.authored.examples, list(here.authored.solution_cells))
        if each.definition == definition
    ]
    right = here.evidence(source_of(shown), [()])[()]
    result = judge("test-shown", 1.0, right, here._observed(source_of(shown), dict(own)))

    assert example in [check.name for check in result.checks if not check.passed]
    graded = here.judged(here.run(own, only=f"test-{definition}"))[f"test-{definition}"]
    assert not graded.is_right
