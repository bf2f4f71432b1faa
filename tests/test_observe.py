"""What happens inside the student's kernel: observations are recorded and never judged."""

from __future__ import annotations

import ast
import gc
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from autograder.observe import (
    at_most,
    collecting,
    devices_met,
    gradients,
    memory_at_most,
    observe,
    randint,
    randn,
    randomise,
    tensors_made,
)
from autograder.verdict.evidence import Record, decode


def drawn(name: str, seed: str, monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    monkeypatch.setenv("WORKBOOK_SEED", seed)
    with collecting(), observe(name):
        return randn(3, 5)
    raise AssertionError


def one_record(records: list[bytes]) -> Record:
    (record,) = records
    return decode(record)


def test_inputs_depend_on_the_run_and_the_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same run and name draw the same numbers, another run or name draws others."""
    first = drawn("a", "1", monkeypatch)

    assert torch.equal(drawn("a", "1", monkeypatch), first)
    assert not torch.equal(drawn("a", "2", monkeypatch), first)
    assert not torch.equal(drawn("b", "1", monkeypatch), first)


def test_whole_numbers_lie_in_their_range() -> None:
    """`randint` includes the lower bound and excludes the upper one."""
    with collecting(), observe("whole numbers"):
        numbers = randint(2, 5, (1000,))

    assert numbers.unique().tolist() == [2, 3, 4]


def test_an_exception_is_recorded_and_the_next_block_runs() -> None:
    """An exception that leaves a block is evidence; what was seen before it is kept."""
    with collecting() as records:
        with observe("first", naming="key") as seen:
            seen.before = 1
            raise ValueError("key has another size than query")
        with observe("second") as seen:
            seen.after = 2

    first, second = (decode(record) for record in records)
    assert first.raised is not None
    assert first.raised[0] == "ValueError"
    assert first.names is True
    assert set(first.values) == {"before"}
    assert second.raised is None


def test_outside_of_grading_a_record_is_the_same_every_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a check costs is for a grader; nbval compares the outputs of two runs."""

    def record(seed: str | None) -> bytes:
        if seed is None:
            monkeypatch.delenv("WORKBOOK_SEED", raising=False)
        else:
            monkeypatch.setenv("WORKBOOK_SEED", seed)
        with collecting() as records, observe("sum") as seen:
            seen.sum = sum(range(200_000))
        return records[0]

    assert record(None) == record(None)
    assert decode(record("1")).seconds > 0


def test_an_argument_inside_another_word_is_not_named() -> None:
    """A message about `keyword` does not name the argument `key`."""
    with collecting() as records, observe("refused", naming="key"):
        raise ValueError("unexpected keyword")

    assert one_record(records).names is False


def test_an_interrupt_is_recorded_and_goes_on() -> None:
    """The time limit reaches the cell as KeyboardInterrupt, which no block may swallow."""
    with collecting() as records, pytest.raises(KeyboardInterrupt), observe("endless"):
        raise KeyboardInterrupt

    assert "KeyboardInterrupt" in (one_record(records).raised or ())


def test_values_are_copied_when_they_are_seen() -> None:
    """A change in place after the fact does not reach the evidence."""
    with collecting() as records, observe("copied") as seen:
        tensor = torch.zeros(3)
        seen.tensor = tensor
        tensor += 1

    assert one_record(records).arrays["0"].numbers.tolist() == [0, 0, 0]


def test_bfloat16_arrives_with_its_dtype_and_numbers() -> None:
    """NumPy has no bfloat16; the judge reads it all the same."""
    with collecting() as records, observe("bfloat16") as seen:
        seen.tensor = torch.tensor([1.0, -2.5, 3.140625], dtype=torch.bfloat16)

    array = one_record(records).arrays["0"]
    assert array.dtype == "bfloat16"
    assert array.numbers.tolist() == [1.0, -2.5, 3.140625]


def test_a_tensor_subclass_is_not_taken_for_a_tensor() -> None:
    """An object that only poses as a tensor is named, not measured."""

    class Flattering(torch.Tensor):
        def __eq__(self, other: object) -> bool:
            return True

    with collecting() as records, observe("subclass") as seen:
        seen.tensor = torch.zeros(2).as_subclass(Flattering)

    assert one_record(records).values["tensor"] == {"kind": "other", "type": "Flattering"}


def test_parameters_are_set_by_name_not_by_order() -> None:
    """Two modules with the same parameters in another order get the same values."""

    class Pair(nn.Module):
        def __init__(self, first: str, second: str) -> None:
            super().__init__()
            self.add_module(first, nn.Linear(3, 5))
            self.add_module(second, nn.Linear(3, 5))

    with collecting(), observe("parameters"):
        one, other = Pair("a", "b"), Pair("b", "a")
        randomise(one)
        randomise(other)

    for name, values in one.state_dict().items():
        assert torch.equal(values, other.state_dict()[name])


def test_a_missing_gradient_is_none() -> None:
    """Neither a detached output nor an unused input is an error of the test."""
    with collecting(), observe("gradients"):
        x, unused = randn(3, requires_grad=True), randn(3, requires_grad=True)

        assert gradients(x.detach(), [x]) == (None,)
        found = gradients(2 * x, [x, unused])

    assert found[0] is not None
    assert found[1] is None


def test_the_cotangent_is_random() -> None:
    """The gradient of a sum of all outputs would hide mistakes that a random cotangent shows."""
    with collecting(), observe("cotangent"):
        x = randn(7, requires_grad=True)
        (gradient,) = gradients(x * 1.0, [x])

    assert gradient is not None
    assert gradient.unique().numel() == 7


def test_sizes_of_tensors_made() -> None:
    """The largest tensor and the most that were alive together, views and inputs not counted."""
    x = torch.ones(10, 100)
    with tensors_made() as one_at_a_time:
        for row in x:
            (row * 2).view(50, 2)
    with tensors_made() as all_together:
        kept = [row * 2 for row in x]

    assert (one_at_a_time.largest, all_together.largest) == (100, 100)
    assert one_at_a_time.held <= 200
    assert all_together.held == 1000
    assert len(kept) == 10


@pytest.mark.parametrize(
    ("work", "mixed"),
    [
        (lambda x: x + torch.arange(3, device=x.device), False),
        (lambda x: x + torch.ones(()), False),
        (lambda x: x + torch.arange(3).to(x.device), False),
        (lambda x: x[torch.arange(2)], False),
        (lambda x: (x + 1) * x.sum().item(), False),
        (lambda x: x + torch.arange(3), True),
        (lambda x: x.masked_fill(torch.ones(3, dtype=torch.bool), 0.0), True),
        (lambda x: torch.cat([torch.zeros(3), x]), True),
        (lambda x: float(x.sum()) + (x * torch.arange(3)).sum(), False),
    ],
)
def test_devices_that_meet(work: Callable[[torch.Tensor], object], mixed: bool) -> None:
    """Only what is computed of both counts; whoever looks at a value ends there, in silence."""
    with devices_met() as met:
        work(torch.ones(3, device="meta"))

    assert met.mixed is mixed
    with pytest.raises(ValueError, match="own"), devices_met():
        raise ValueError("own")
    with pytest.raises(NotImplementedError), devices_met():
        raise NotImplementedError


@pytest.mark.parametrize(
    "work",
    [
        lambda x: x @ x.mT,
        lambda x: nn.Linear(5, 2, device="meta")(x[:1].expand(4, 3, 5)),
        lambda x: (x.mT * 2 + x[0, :, 0]).softmax(-1).masked_fill(x.mT > 0, 0.0).half(),
        lambda x: x.max(-1).indices + torch.arange(1, 4, device="meta"),
        lambda x: torch.linalg.inv(x @ x.mT),
        lambda x: x.new_zeros(10**12, 5),
    ],
)
def test_what_is_made_of_tensors_without_values_is_what_torch_makes(work: object) -> None:
    """The sizes, the strides and the dtypes; and with them what works on these."""
    assert callable(work)
    x = torch.ones(2, 3, 5, device="meta")
    expected = work(x)

    with devices_met() as met:
        found = work(x)

    for each in ("shape", "dtype", "device", "layout"):
        assert getattr(found, each) == getattr(expected, each)
    assert found.stride() == expected.stride()
    assert met.mixed is False


def test_what_depends_on_values_stops_where_there_are_none() -> None:
    """Zeros stand in for them only where no value is asked for."""
    reached = []
    for ask in (lambda x: bool(x.sum()), lambda x: x.max().item(), lambda x: x.tolist()):
        with devices_met():
            reached.append(ask(torch.ones(3, device="meta")))

    assert reached == []


def test_a_look_at_devices_imports_nothing_more() -> None:
    """torch's own way would import its compiler, which takes longer than an answer may."""
    code = """
import sys, torch
from autograder.observe import devices_met
before = {*sys.modules}
with devices_met() as met:
    x = torch.nn.Linear(4, 4).to("meta")(torch.ones(2, 3, 4, device="meta"))
    (x @ x.mT).softmax(-1) * 2 + torch.arange(3, device="meta")
    met.done = True
assert met.done
print(sorted({"sympy", "torch._dynamo"} & ({*sys.modules} - before)))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "call",
    [
        lambda x: nn.functional.scaled_dot_product_attention(x, x, x),
        lambda x: torch.ops.aten.scaled_dot_product_attention(x, x, x),
        lambda x: getattr(nn.functional, "scaled_dot" + "_product_attention")(x, x, x),
    ],
)
def test_calls_are_seen_under_any_name(call: object) -> None:
    """An alias, `getattr` or the operator below: the call is seen where it happens."""
    assert callable(call)
    with collecting() as records, observe("calls"):
        call(randn(2, 3, 5))

    assert any("scaled_dot_product" in name for name in one_record(records).calls)


def test_rules_travel_with_the_value() -> None:
    """A limit is part of the evidence, to be read from the reference's."""
    with collecting() as records, observe("size") as seen:
        seen.largest = at_most(100, 120)

    assert one_record(records).values["largest"]["limit"] == 120


def test_nothing_else_of_the_grader_is_loaded_in_the_kernel() -> None:
    """`autograder.observe` runs without the rest, and the desk without what takes seconds."""
    import subprocess

    code = (
        "import sys, autograder.observe\n"
        "print([m for m in sys.modules if m.startswith('autograder.') and 'observe' not in m])\n"
        "from workbook import check, hint, show_attention, trace\n"
        "print({'nbformat', 'jsonschema'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["[]", "set()"]


def test_garbage_makes_no_room_in_a_limit_of_memory() -> None:
    """What nobody can reach is given back before the limit is counted, not inside it."""
    mebibyte = 2**20 // 4  # numbers of 4 bytes
    cycle: list[object] = [torch.zeros(512 * mebibyte)]
    cycle.append(cycle)
    gc.disable()
    try:
        del cycle
        with memory_at_most(64 * 2**20):
            gc.collect()
            with pytest.raises(RuntimeError, match="memory"):
                torch.zeros(256 * mebibyte)
    finally:
        gc.enable()


def in_a_process_that_notes(code: str) -> list[Any]:
    """What code prints, each a literal, in another process: noting cannot be undone."""
    first = """
import warnings, torch
from torch import nn
from torch.overrides import _get_current_function_mode as function_mode
from torch.utils._python_dispatch import _get_current_dispatch_mode as dispatch_mode
from autograder.observe import collecting, observe
from autograder.observe._everywhere import note_everywhere
from autograder.verdict.evidence import decode
warnings.simplefilter("ignore")
"""
    command = [sys.executable, "-c", first + code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [ast.literal_eval(line) for line in done.stdout.splitlines()]


def test_where_operators_are_noted_everywhere_torch_is_not_asked_about_each() -> None:
    """Noted are those of every library of torch's, and of its functions those in Python."""
    printed = in_a_process_that_notes("""
with observe("before"):
    print(dispatch_mode() is None, function_mode() is None, sep=",")
note_everywhere(["layer_norm", "multi_head_attention", "flex_attention"])
numbers = torch.quantize_per_tensor(torch.rand(2, 4), 0.1, 0, torch.quint8)
ones = torch.ones(4)
layer = nn.MultiheadAttention(4, 2)
from torch.nn.attention.flex_attention import flex_attention
with collecting() as records, observe("after"):
    print(dispatch_mode() is None, function_mode() is None, sep=",")
    nn.functional.layer_norm(torch.rand(2, 4), (4,))
    with torch._C.DisableTorchFunction():
        torch.ops.quantized.layer_norm(numbers, [4], ones, ones, 1e-5, 0.1, 0)
        layer(torch.rand(2, 4), torch.rand(2, 4), torch.rand(2, 4))
        flex_attention(*torch.rand(3, 1, 1, 16, 16))
print([name for name in decode(records[0]).calls])
""")

    before, after, names = printed
    assert (before, after) == ((False, False), (True, True))
    assert {"aten::layer_norm", "aten::native_layer_norm", "quantized::layer_norm"} <= {*names}
    assert {"multi_head_attention_forward", "flex_attention"} <= {*names}


def test_what_failed_is_told_of_the_functions_that_fail_from_then_on() -> None:
    """Of the first it would cost every block of right work as much as much else in it."""
    printed = in_a_process_that_notes("""
note_everywhere(["layer_norm"])
with collecting() as records:
    with observe("refused", naming=""):
        raise ValueError
    for place in range(2):
        with observe(f"block {place}"):
            print(function_mode() is None)
            torch.rand(2, 3) @ torch.rand(4, 5)
print([decode(record).given for record in records])
with collecting(), observe("another one's"):
    print(function_mode() is None)
""")

    assert printed == [True, False, [(), (), ("float32 (2, 3)", "float32 (4, 5)")], True]


def test_a_tensor_that_a_check_wrote_into_is_as_before_where_torch_is_not_asked() -> None:
    """By its name, its place, its function: what grading runs is marked wherever it may write."""
    written = """
with observe("writes"):
    seen = [table.add_(1) + 1, table[1:].mul_(2)]
    table[0] = 5
    table *= 2
    torch.Tensor.sub_(table, *given)
    torch.relu_(table)
    print(table.tolist())
    (lambda: table.mul_(3))()
    for row in table:
        row.zero_()
"""
    printed = in_a_process_that_notes(f"""
from autograder.kernel.marks import compiled
from autograder.observe._writes import KEEPING
note_everywhere(["layer_norm"])
table, given = torch.zeros(3), [torch.ones(1)]
names = {{"observe": observe, "torch": torch, "table": table, "given": given}}
with collecting():
    exec(compiled({written!r}, "<hidden>"), {{**names, **KEEPING}})
print(table.tolist())
""")

    assert printed == [[9.0, 3.0, 3.0], [0.0, 0.0, 0.0]]
