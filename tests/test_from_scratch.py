"""What a definition takes from a library is found in its source, under any name."""

# ruff: noqa: E501  (a submission a line)

from __future__ import annotations

import tracemalloc

import pytest

from autograder.authoring.authored import ORACLE
from autograder.reading.from_scratch import messages
from autograder.reading.standing import Cell
from tests import harness

IMPORTS = "import torch\nimport torch.nn.functional as F\nfrom torch import nn"
FORBIDDEN = {"attend": ["scaled_dot_product", "layer_norm"]}


def said(*cells: str) -> str | None:
    return messages([Cell(IMPORTS, "given"), *cells], FORBIDDEN).get("attend")


@pytest.mark.parametrize(
    "cells",
    [
        ["def attend(q):\n    return F.scaled_dot_product_attention(q, q, q)"],
        ["def attend(q):\n    return torch.nn.functional.scaled_dot_product_attention(q, q, q)"],
        ["def attend(q):\n    return torch.ops.aten._scaled_dot_product_flash_attention(q, q, q)"],
        ["g = F.scaled_dot_product_attention", "def attend(q):\n    return g(q, q, q)"],
        ["attend = F.scaled_dot_product_attention"],
        ["def helper(q):\n    h = F\n    return h.scaled_dot_product_attention(q, q, q)", "def attend(q):\n    return helper(q)"],
        ["from torch.nn.functional import scaled_dot_product_attention as s\ndef attend(q):\n    return s(q, q, q)"],
        ["def attend(q):\n    from torch.nn.functional import layer_norm\n    return layer_norm(q, (3,))"],
        ["def attend(q):\n    return getattr(F, 'scaled_dot' + '_product_attention')(q, q, q)"],
        ["NAME = 'layer_norm'", "def attend(q):\n    return getattr(torch, NAME)(q)"],
        ["def attend(q):\n    return vars(F)['layer_norm'](q)"],
        ["def attend(q):\n    return F.__dict__['layer_norm'](q)"],
        ["import sys\ndef attend(q):\n    return sys.modules['torch'].layer_norm(q)"],
        ["def attend(q):\n    return __import__('torch').layer_norm(q)"],
        ["import importlib\ndef attend(q):\n    return importlib.import_module('torch.nn').LayerNorm(3)(q)"],
        ["def attend(q):\n    return eval('torch.layer_norm')(q)"],
        ["def attend(q):\n    exec('x = torch.layer_norm(q)')"],
        ["class attend(nn.Module):\n    def __init__(self):\n        self.norm = nn.LayerNorm(3)"],
        ["import threading\ndef attend(q):\n    threading.Thread(target=F.layer_norm, args=(q, 3)).start()"],
        ["if True:\n    def attend(q):\n        return F.layer_norm(q, (3,))"],
        ["%matplotlib inline\nfiles = !ls\nF?\ndef attend(q):\n    %time\n    return F.layer_norm(q, (3,))"],
        ["%%time\ndef attend(q):\n    return F.layer_norm(q, (3,))"],
        ["import builtins\ndef attend(q):\n    return builtins.eval('torch.layer_norm')(q)"],
        ["class LayerNorm(nn.Module):\n    pass", "from torch.nn import LayerNorm", "def attend(q):\n    return LayerNorm(3)(q)"],
    ],
)  # fmt: skip
def test_what_is_to_be_built_here_is_found(cells: list[str]) -> None:
    """Aliases, helpers, `getattr`, modules fetched by name and code in texts hide nothing."""
    message = said(*cells)

    assert message is not None
    assert "which is to be built here, not called" in message


@pytest.mark.parametrize(
    "cells",
    [
        ["def attend(q, name):\n    return getattr(F, name)(q)"],
        ["import base64\ndef attend(q):\n    return eval(base64.b64decode(b'cQ=='))"],
        ["def attend(q):\n    return F.__dict__[''.join(reversed('mron_reyal'))](q)"],
    ],
)
def test_what_cannot_be_seen_through_is_refused(cells: list[str]) -> None:
    """A name put together at run time earns nothing, and the student learns what to change."""
    message = said(*cells)

    assert message is not None
    assert "write the call out" in message


@pytest.mark.parametrize(
    "cells",
    [
        ["def attend(q):\n    return torch.softmax(q @ q.mT, -1) @ q"],
        ["expected = F.scaled_dot_product_attention(a, a, a)", "def attend(q):\n    return q"],
        ["g = F.layer_norm", "def attend(q):\n    g = q @ q.mT\n    return g"],
        ["g = F.layer_norm", "def attend(q, g):\n    return g + q"],
        ["class LayerNorm(nn.Module):\n    pass", "def attend(q):\n    return LayerNorm()(q)"],
        ["def attend(self, q):\n    return self.layer_norm(q)"],
        ['def attend(q):\n    """Like F.scaled_dot_product_attention."""\n    return q'],
        ["def attend(q):\n    return q.eval()"],
        ["%matplotlib inline\ndef attend(q):", "def attend(q):\n    return q"],
        ["def attend(q):\n    return getattr(q, 'dtype')"],
        [
            "from torch.nn import LayerNorm",
            "class LayerNorm(nn.Module):\n    pass",
            "def attend(q):\n    return LayerNorm()(q)",
        ],
        ["def attend(q):\n    return isinstance(q, (nn.LayerNorm, nn.Linear))"],
        [
            "def attend(q: nn.Module) -> nn.LayerNorm:\n    norm: nn.LayerNorm = q.norm1\n    return norm"
        ],
        [
            "class Graph:\n    def eval(self, q):\n        return q",
            "def attend(q):\n    return Graph().eval(q)",
        ],
    ],
)
def test_honest_work_is_not_accused(cells: list[str]) -> None:
    """Comparing with torch in a cell of one's own, or names that only look alike, are fine."""
    assert said(*cells) is None


def test_a_module_of_ones_own_is_no_library() -> None:
    """A helper file beside the notebook may call its functions what it likes."""
    cells = ["from helpers import layer_norm", "def attend(q):\n    return layer_norm(q)"]

    assert messages([IMPORTS, *cells], FORBIDDEN, ["helpers"]) == {}
    assert messages([IMPORTS, *cells], FORBIDDEN) != {}


def test_a_file_called_like_a_library_hides_nothing() -> None:
    """It comes last on the import path, so that the library is what is imported."""
    cells = ["def attend(q):\n    return F.layer_norm(q)"]

    assert messages([IMPORTS, *cells], FORBIDDEN, ["torch", "threading"]) != {}


def test_what_is_nested_too_deeply_is_refused() -> None:
    """Reading it ends in an exception of Python, which is no fault of the grader's."""
    message = said("def attend(q):\n    return torch" + ".nn" * 1_500)

    assert message is not None
    assert "nested too deeply" in message


@pytest.mark.parametrize(
    "lines",
    [
        ["s0 = 'layer_norm'", *(f"s{n + 1} = s{n} + s{n}" for n in range(22))],
        ["s0 = 'layer_norm'", *(f"s{n + 1} = ''.join([s{n}, s{n}])" for n in range(22))],
        ["s0 = lambda: 1", *(f"s{n + 1} = lambda: s{n}()" for n in range(2_000))],
        ["s0 = '1'", *(f"s{n + 1} = 'exec(s{n});exec(s{n})'" for n in range(40)), "exec(s40)"],
    ],
    ids=["doubled", "joined", "chained", "run"],
)
def test_reading_a_source_takes_little(lines: list[str]) -> None:
    """It is read outside the sandbox: what doubles with every line must not double there."""
    cells = ["\n".join(lines), "def attend(q):\n    " + "\n    ".join(lines)]
    tracemalloc.start()
    said(*cells)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 30 * 2**20


@pytest.mark.parametrize("assignment", harness.ASSIGNMENTS)
def test_no_correct_style_is_accused(assignment: str) -> None:
    """Neither the reference nor any of the variants takes what is to be built."""
    forbidden = {
        name.removeprefix("test-"): harness.forbidden(assignment, cell)
        for name, cell in harness.test_cells(assignment).items()
    }
    every = harness.authored(assignment).styles
    styles = [source for name, source in every.items() if not name.startswith(ORACLE)]
    for source in (harness.solution_source(assignment), *styles):
        assert messages([source], forbidden, ["solutions"]) == {}
