"""A name stands for what Python's own rules say, where the test of a definition stands."""

# ruff: noqa: E501  (a submission a line)

from __future__ import annotations

import pytest

from autograder.reading.from_scratch import messages, read_definitions, used
from autograder.reading.standing import Cell

GIVEN = Cell(
    "import math\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn", "given"
)
FORBIDDEN = {"attend": ["scaled_dot_product", "layer_norm"], "linear": ["layer_norm"]}
THREAD = "threading.Thread(target=lambda: out.append({call}(q, q, q))).start()"
TEST = Cell("", "test", "attend")


def solution(source: str, name: str = "attend") -> Cell:
    return Cell(source, "solution", name, keeps=True)


def said(*cells: Cell | str, name: str = "attend") -> str | None:
    every = [Cell(each) if isinstance(each, str) else each for each in cells]
    return messages([GIVEN, *every], FORBIDDEN).get(name)


def attend(*lines: str, arguments: str = "q") -> Cell:
    return solution("\n    ".join([f"def attend({arguments}):", *lines]))


@pytest.mark.parametrize(
    "decoy",
    [
        "unused = lambda F: 0",
        "def unused(F): return 0",
        "unused = [F for F in ()]",
        "class Unused:\n        F = 0",
        "def unused():\n        global later\n        F = later = 0",
        "unused = lambda: [(F := 0) for _ in ()]",
        "def unused():\n        try: pass\n        except ValueError as F: pass",
        "def unused(x):\n        match x:\n            case [F, *_]: return F",
        "def unused(x):\n        for F in x: pass",
        "def unused(*F, **nn): return 0",
    ],
)
def test_a_name_bound_in_an_inner_scope_hides_nothing_outside(decoy: str) -> None:
    """The observations do not see another thread, so that the source has to be read right."""
    call = THREAD.format(call="F.scaled_dot_product_attention")

    message = said("import threading", attend("out = []", decoy, call))

    assert message == (
        "calls torch.nn.functional.scaled_dot_product_attention, which is to be built here, "
        "not called"
    )


@pytest.mark.parametrize(
    "cells",
    [
        [attend("return ff.layer_norm(q)", arguments="q, ff=F")],
        [attend("return (lambda ff=F: ff.layer_norm(q))()")],
        [attend("return (lambda ff: ff.layer_norm(q))(F)")],
        [attend("if (ff := F):\n        return ff.layer_norm(q)")],
        [attend("for ff in (F,):\n        return ff.layer_norm(q)")],
        [attend("return [ff.layer_norm(q) for ff in [F]]")],
        [attend("match F:\n        case ff:\n            return ff.layer_norm(q)")],
        [attend("with closing(F) as ff:\n        return ff.layer_norm(q)")],
        [attend("ff = {'a': F}['a']", "return ff.layer_norm(q)")],
        [attend("h, ff = 1, F", "return ff.layer_norm(q)")],
        [attend("global ff", "ff = F", "return ff.layer_norm(q)")],
        ["class Box:\n    ff = F", attend("return Box.ff.layer_norm(q)")],
        ["class Box: pass\nBox.ff = F", attend("return Box.ff.layer_norm(q)")],
        ["def get():\n    return F", attend("return get().layer_norm(q)")],
        ["a = b = F", attend("return b.layer_norm(q)")],
        ["g = h = None\nh = g; g = h; g = F", attend("return h.layer_norm(q)")],
        ["from torch.nn.functional import *", attend("return layer_norm(q, 3)")],
        ["exec('def helper(q): return F.layer_norm(q)')", attend("return helper(q)")],
        [attend("exec('from torch import layer_norm as z\\nz(q)')")],
        ["def helper(q): return F.layer_norm(q)", attend("return eval('helper(q)')")],
        ["def poison():\n    global helper\n    helper = F.layer_norm\npoison()", attend("return helper(q)")],
        ["import builtins\nbuiltins.helper = F.layer_norm", attend("return helper(q)")],
        ["math.sqrt = F.layer_norm", attend("return math.sqrt(q)")],
        ["torch.Tensor.mine = F.layer_norm", attend("return q.mine(3)")],
        [attend("return attend.op(q)"), "attend.op = F.layer_norm", TEST],
        ["table = []\ntable.append(F.layer_norm)", attend("return table[0](q)")],
        ["import threading", attend("t = threading.Thread(target=lambda: q.layer_norm(3))", "t.start()")],
        ["class K:\n    def _(self): return 0\n_K__ff = F", attend("class K:\n        def go(self): return __ff.layer_norm(q)", "return K().go()")],
        ["helper = F.layer_norm", "1 / 0\ndef helper(q): return q", attend("return helper(q)")],
        ["helper = F.layer_norm", Cell("def helper(q): return q", has_stopped=True), attend("return helper(q)")],
        ["helper = F.layer_norm", "%%script false\ndef helper(q): return q", attend("return helper(q)")],
        [attend("return linear(q)"), solution("def linear(x): return F.scaled_dot_product_attention(x, x, x)", "linear")],
    ],
)  # fmt: skip
def test_a_module_or_a_function_that_is_handed_around_is_found(cells: list[Cell | str]) -> None:
    """By arguments, containers, attributes, classes, `global`, texts and other cells."""
    message = said(*cells)

    assert message is not None
    assert "layernorm" in message.replace("_", "") or "scaled_dot_product" in message


@pytest.mark.parametrize(
    "cells",
    [
        ["globals()['helper'] = F.layer_norm", attend("return helper(q)")],
        ["def helper(q): return q", "globals()['hel' + 'per'] = F.layer_norm", attend("return helper(q)")],
        ["get_ipython().user_ns['helper'] = F.layer_norm", attend("return helper(q)")],
        ["import __main__\n__main__.helper = len", attend("return helper(q)")],
        ["exec(open('x').read())", attend("return helper(q)")],
        [attend("return getattr(F, name)(q)", arguments="q, name")],
        [attend("g = getattr", "return g(F, 'layer' + '_norm')(q)")],
        [attend("d = vars(F)", "return d['layer_norm'](q)")],
        [attend("return F.__dict__.get('layer_norm')(q)")],
        [attend("import sys", "return sys.modules.get('torch').layer_norm(q)")],
        [attend("word = 'a'", "word = q.word", "return getattr(F, word)(q)")],
    ],
)  # fmt: skip
def test_what_is_bound_or_looked_up_unseen_is_refused(cells: list[Cell | str]) -> None:
    """It might be anything, and the student learns what to change."""
    assert "write the call out" in (said(*cells) or "")


@pytest.mark.parametrize(
    "cells",
    [
        [attend("def linear(n, m): return n * m", "return linear(2, 3)"), solution("def linear(x): return nn.LayerNorm(3)(x)", "linear")],
        [attend("layer_norm = q + 1", "return [layer_norm for layer_norm in q]")],
        [attend("return [F for F in q]")],
        [attend("F = q.mT", "return F.layer_norm")],
        [attend("return q.layer_norm(q)")],
        [Cell("def shown(q): return F.layer_norm(q, 3)", "given"), attend("return shown(q)")],
        [attend("return q"), "attend = F.scaled_dot_product_attention", TEST],
        ["attend = F.scaled_dot_product_attention", attend("return q"), TEST],
        [attend("return q"), TEST, "def attend(q): return F.layer_norm(q, 3)"],
        [attend("return q"), "mine = attend\nattend = F.layer_norm\nattend = mine", TEST],
        [attend("return helper(q)"), "def helper(q): return q", TEST, "helper = F.layer_norm"],
        ["helper = F.layer_norm\nprint(helper)", "def helper(q):\n    return q", attend("return helper(q)")],
        ["import torch.nn.functional as FF\nFF.layer_norm(torch.ones(3), (3,))", attend("return FF.relu(q)")],
        ["table = {}\ntable['torch'] = F.layer_norm", attend("return q")],
        ["if __name__ == '__main__':\n    print(1)\nDEBUG = 'x' in globals()", "def helper(q): return q", attend("return helper(q)")],
        ["get_ipython().run_line_magic('matplotlib', 'inline')", "def helper(q): return q", attend("return helper(q)")],
        [attend("xp = torch if q is None else math", "return xp.exp(q)")],
        [solution("class attend(nn.Module):\n    def __init__(self):\n        self.layer_norm = nn.Linear(3, 3)\n    def forward(self, q):\n        return self.layer_norm(q)")],
        ["def compare(q):\n    return F.layer_norm(attend(q), (3,))", attend("return q"), "compare(torch.ones(3))", TEST],
    ],
)  # fmt: skip
def test_right_work_is_not_accused(cells: list[Cell | str]) -> None:
    """Local names, the book's own cells, comparisons with a library before, between and below."""
    assert said(*cells) is None


def test_a_helper_with_the_name_of_an_exercise_is_the_helper_of_its_cell() -> None:
    """In another solution cell it is what Python makes of it, and that cell answers for it."""
    first = solution("def linear(x): return x", "linear")
    helped = solution("def linear(x): return F.layer_norm(x, 3)\ndef attend(q): return linear(q)")

    assert said(first, Cell("", "test", "linear"), helped, TEST) is not None
    assert said(first, Cell("", "test", "linear"), helped, TEST, name="linear") is None


def test_what_a_definition_uses_is_what_its_names_stand_for() -> None:
    """A local function of the same name is no use of the other definition."""
    cells = [
        solution("def linear(x): return x", "linear"),
        attend("def linear(x): return x", "return linear(q)"),
    ]

    assert used(read_definitions(cells, FORBIDDEN), "attend") == frozenset()
    cells[1] = attend("return helper(q)")
    helper = Cell("def helper(q): return linear(q)")
    assert used(read_definitions([helper, *cells], FORBIDDEN), "attend") == {"linear"}
