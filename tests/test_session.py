"""A check neither meets what a student changed in the session nor leaves a trace in it."""

from __future__ import annotations

import collections
import contextlib
import random
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

from autograder.kernel.marks import compiled
from autograder.observe import collecting, gradients, observe, randn
from autograder.observe._writes import KEEPING
from autograder.sandbox.execute import execute
from autograder.verdict.evidence import Record, decode
from tests.harness import solutions, verdicts


def entered(context: Any) -> Callable[[], Any]:
    """Enters it, and gives what leaves it again."""
    context.__enter__()
    return lambda: context.__exit__(None, None, None)


def turned(setter: Callable[[Any], Any], to: Any, back: Any) -> Callable[[], Any]:
    setter(to)
    return lambda: setter(back)


def errors_raised() -> Callable[[], Any]:
    before = np.seterr(all="raise")
    return lambda: np.seterr(**before)


def warnings_raised() -> Callable[[], Any]:
    leave = entered(warnings.catch_warnings())
    warnings.simplefilter("error")
    return leave


def asks_for_a_debugger(*_: Any, **__: Any) -> None:
    raise NotImplementedError("nobody can answer")


CHANGES: dict[str, Callable[[], Callable[[], Any]]] = {
    "gradients": lambda: turned(torch.set_grad_enabled, False, True),
    "inference": lambda: entered(torch.inference_mode()),
    "dtype": lambda: turned(torch.set_default_dtype, torch.float64, torch.float32),
    "device": lambda: turned(torch.set_default_device, "meta", None),
    "autocast": lambda: entered(torch.autocast("cpu", torch.bfloat16)),
    "anomaly": lambda: entered(torch.autograd.set_detect_anomaly(True)),
    "deterministic": lambda: turned(torch.use_deterministic_algorithms, True, False),
    "matmul": lambda: turned(torch.set_float32_matmul_precision, "medium", "highest"),
    "threads": lambda: turned(torch.set_num_threads, 2, 1),
    "numpy": errors_raised,
    "warnings": warnings_raised,
    "debugger": lambda: turned(
        lambda hook: setattr(sys, "breakpointhook", hook), asks_for_a_debugger, sys.breakpointhook
    ),
}


@contextlib.contextmanager
def changed(what: str) -> Iterator[None]:
    back = CHANGES[what]()
    try:
        yield
    finally:
        back()


def state() -> list[Any]:
    return [
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_autocast_enabled("cpu"),
        torch.is_anomaly_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
        torch.get_num_threads(),
        np.geterr(),
        list(warnings.filters),
        sys.breakpointhook,
    ]


def seen_by_a_check() -> Record:
    """What right code gives that each of the switches would change or end."""
    with collecting() as records, observe("everything") as seen:
        x = randn(3, 3, requires_grad=True)
        breakpoint()
        warnings.warn("nothing to worry about", stacklevel=1)
        seen.table = torch.arange(3) / 2
        seen.product = x @ x
        seen.threads = torch.get_num_threads()
        seen.infinite = np.exp(np.array([1000.0]))
        seen.gradients = gradients(x @ x, [x])
        seen.rest = torch.empty(3).fill_(1.0)
        # Its gradient is NaN and then unused: which detection of anomalies does not let pass.
        root = torch.zeros(1, requires_grad=True)
        seen.gradient_of_a_root = torch.autograd.grad((root.sqrt() * 0).sum(), root)
        seen.switches = [torch.is_inference_mode_enabled(), torch.get_float32_matmul_precision()]
        seen.deterministic = torch.are_deterministic_algorithms_enabled()
    (record,) = map(decode, records)
    return record


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("what", CHANGES)
def test_no_switch_of_a_student_reaches_a_check(what: str) -> None:
    """What a check sees of right code is the same with each of them turned, which stays turned."""
    usual = seen_by_a_check()
    at_first = state()

    with changed(what):
        theirs = state()
        assert theirs != at_first
        found = seen_by_a_check()
        assert state() == theirs

    assert (found.raised, usual.raised) == (None, None)
    assert found.values == usual.values
    for key, array in usual.arrays.items():
        assert found.arrays[key].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[key].numbers, array.numbers)


@pytest.mark.parametrize("what", sorted({*CHANGES} - {"inference", "autocast", "warnings"}))
def test_what_a_check_turns_is_put_back(what: str) -> None:
    """A check may look under another default dtype; the next cell is the student's."""
    at_first = state()

    with collecting() as records, observe("turned") as seen:
        CHANGES[what]()
        seen.turned = state() != at_first

    assert decode(records[0]).values["turned"]["value"] is True
    assert state() == at_first


def drawn() -> list[float]:
    return [random.random(), float(np.random.rand()), float(torch.rand(1))]


def test_a_check_at_the_desk_takes_no_random_number_away() -> None:
    """Whoever seeds, checks and then draws gets what the seed promises."""

    def seeded() -> None:
        random.seed(5)
        np.random.seed(5)
        torch.manual_seed(5)

    seeded()
    expected = drawn()
    seeded()
    seen_by_a_check()

    assert drawn() == expected


TABLE = torch.arange(1.0, 5.0)
OWN = {"torch": torch, "kept": torch.ones(3)}
exec("def scaled(factor):\n    kept.mul_(factor)\n    return kept", OWN)


def test_what_a_check_writes_into_a_kept_table_is_put_back() -> None:
    """One table that is handed out twice costs its own check, not those after it."""
    before = TABLE.clone()
    with collecting() as records:
        with observe("the caller's own") as seen:
            TABLE.zero_()
            seen.after_writing = TABLE
        with observe("the next") as seen:
            seen.table = TABLE
        with observe("other ways to write") as seen:
            TABLE[1] = 7.0
            view = TABLE[2:]
            view *= 3
            TABLE.add_(1)
            seen.after_writing = TABLE
            raise ValueError

    own, following, other = map(decode, records)
    assert own.arrays["0"].numbers.tolist() == [0, 0, 0, 0]
    assert following.arrays["0"].numbers.tolist() == before.tolist()
    assert other.arrays["0"].numbers.tolist() == [2, 8, 10, 13]
    assert torch.equal(TABLE, before)


OF_A_STUDENT = """
class Table:
    __slots__ = ("rows",)
    made = 0

class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2))

def table(): return array
def rows(): return numbers
array, numbers, named, seen_before = np.arange(4.0), [3, 1, 2], {"a": [1]}, {1, 2}
slots, layer, raw, queue = Table(), Layer(), bytearray(b"ab"), deque([1, 2])
slots.rows = 1
"""
# Each is run in a check of its own, on what the student's session keeps.
WRITING = [
    "table()[0] = 7",
    "table()[1:] *= 3",
    "view = table()[2:]; view += 1",
    "table().fill(0)",
    "table().sort(); table()[:] = table()[::-1]",
    "np.copyto(table(), 5.0)",
    "np.add(table(), 1, out=table())",
    "array += 1",
    "rows().append(4)",
    "rows().sort()",
    "rows()[0], rows()[1] = 8, 9",
    "del rows()[0]",
    "taken = rows().pop(), rows().pop()",
    "numbers += [5]",
    "named['b'] = 2",
    "named['a'].append(2)",
    "named['a'] += [2]",
    "named.clear()",
    "if True:\n    for each in (1, 2):\n        named.setdefault(each, []).append(each)",
    "def change():\n    seen_before.add(3)\nchange()",
    "seen_before |= {7}",
    "raw[0] = 0; queue.rotate(); queue.popleft()",
    "slots.rows = 2",
    "del slots.rows",
    "Table.made += 1; Table.new = 3",
    "rows.calls = 1",
    "layer.weight = torch.nn.Parameter(torch.zeros(2)); layer.other = 1",
    "setattr(layer, 'weight', None)",
    "try:\n    1 / 0\nexcept ZeroDivisionError:\n    rows().reverse()",
]


def kept_state(of: dict[str, Any]) -> str:
    """All that the student's session keeps, as text."""
    layer, slots = of["layer"], of["slots"]
    kept = {name: of[name] for name in ("array", "numbers", "named", "seen_before", "raw", "queue")}
    own = [sorted(set(vars(layer)) - set(vars(torch.nn.Module()))), list(layer.parameters())]
    of_class = {k: v for k, v in vars(of["Table"]).items() if k in ("made", "new")}
    return str((kept, own, of_class, getattr(slots, "rows", None), vars(of["rows"])))


def test_what_a_check_writes_into_anything_is_put_back() -> None:
    """Arrays, containers and attributes, by whatever statement, each as it was before."""
    kept: dict[str, Any] = {"torch": torch, "np": np, "deque": collections.deque}
    exec(OF_A_STUDENT, kept)
    at_first = kept_state(kept)
    for writing in WRITING:
        inside = f"with observe('one') as seen:\n{textwrap.indent(writing, '    ')}\n"
        source = f"{inside}    seen.state = state(kept)"
        names = {**kept, "kept": kept, "state": kept_state, "observe": observe, **KEEPING}
        with collecting() as records:
            exec(compiled(source, "<check>"), names)

        (record,) = map(decode, records)
        assert record.raised is None, (writing, record.raised)
        assert record.values["state"]["value"] != at_first, f"{writing} changes nothing"
        assert kept_state(kept) == at_first, writing


def test_so_it_is_in_grading() -> None:
    """A kernel runs a hidden part with its marks."""
    hidden = """### BEGIN HIDDEN TESTS
from autograder.observe import observe
with observe("the caller's own") as seen:
    table()[0] = 7
    table.rows.append(2)
with observe("the next") as seen:
    seen.table, seen.rows = table(), table.rows
### END HIDDEN TESTS
"""
    mine = "import numpy as np\ntable = lambda kept=np.arange(2): kept\ntable.rows = [1]"
    flags = {"grade_id": "test-table", "grade": True, "solution": False}
    test = new_code_cell(hidden, metadata={"nbgrader": flags})

    execution = execute(new_notebook(cells=[new_code_cell(mine), test]), seed=1)

    _, record = map(decode, execution.evidence["test-table"])
    assert record.arrays["0"].numbers.tolist() == [0, 1]
    assert record.values["rows"]["items"] == [{"kind": "int", "value": 1}]


class Refusing(list[int]):
    """A container that does what its writer wants when it is copied."""

    def copy(self) -> Any:
        raise SystemExit

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise SystemExit


def test_what_cannot_be_kept_is_written_all_the_same() -> None:
    """A class of the student's own is not asked to copy itself; nor is what fails undone."""
    fixed = np.arange(3)
    fixed.flags.writeable = False
    names = {"mine": Refusing([1]), "fixed": fixed, "observe": observe, **KEEPING}
    writing = "mine[0] = 2\n    mine.append(3)\n    seen.mine = list(mine)\n    fixed[0] = 1"
    with collecting() as records:
        exec(compiled(f"with observe('one') as seen:\n    {writing}", "<check>"), names)

    (record,) = map(decode, records)
    assert record.values["mine"]["items"] == [{"kind": "int", "value": n} for n in (2, 3)]
    assert record.raised is not None


def test_what_a_students_function_writes_is_not_put_back() -> None:
    """Else a definition that keeps what it must not keep would pass for one that does not."""
    with collecting() as records:
        for name in ("first", "second"):
            with observe(name) as seen:
                seen.scaled = OWN["scaled"](2.0)  # type: ignore[operator]

    found = [decode(record).arrays["0"].numbers.tolist() for record in records]
    assert found == [[2, 2, 2], [4, 4, 4]]


def test_a_gradient_is_no_hindrance() -> None:
    """Also a result in a graph of gradients, or one that shares its memory with itself, is safe."""
    weight = torch.ones(3, requires_grad=True)
    result = weight * 2
    wide = torch.ones(1).expand(4)

    with collecting() as records:
        with observe("in a graph"):
            result.zero_()
        with observe("expanded"):
            wide.zero_()

    assert result.tolist() == [2, 2, 2]
    assert wide.tolist() == [1, 1, 1, 1]
    assert decode(records[0]).raised is None


KEPT = "import functools\n@functools.cache\ndef {name}("
IN_A_DICTIONARY = """
def kept(function, tables={{}}):
    def look_up(*given, **named):
        key = str((given, named))
        if key not in tables:
            tables[key] = function(*given, **named)
        return tables[key]
    return look_up
@kept
def {name}("""


@pytest.mark.parametrize("kept", [KEPT, IN_A_DICTIONARY], ids=["cache", "dictionary"])
@pytest.mark.parametrize(
    ("assignment", "name", "check"),
    [
        ("challenge-rope", "rope_frequencies", "a returned table is the caller's own"),
        ("04-positional-encoding", "sinusoidal_encoding", None),
        ("02-causal-masking", "causal_mask", None),
    ],
)
def test_a_table_that_is_kept_costs_its_own_check(
    assignment: str, name: str, check: str | None, kept: str
) -> None:
    """A right table, handed out twice, loses the promise that it breaks and nothing besides."""
    definitions = solutions(assignment, f"def {name}(", kept.format(name=name))

    judged = verdicts(assignment, definitions)

    failed = [
        (test, each.name)
        for test, result in judged.items()
        for each in result.checks
        if not each.passed
    ]
    assert len(failed) == 1
    assert failed[0][0] == f"test-{name}"
    assert check in (None, failed[0][1])
