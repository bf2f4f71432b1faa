"""Memory that a block takes is seen, whoever asks for it and whatever the process held before."""

from __future__ import annotations

import ctypes
import mmap
import multiprocessing.pool
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from autograder.observe import least_memory, memory_taken, tensors_made
from tests import harness

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="address space is counted there")

MIB = 2**20
ENOUGH = 14 * MIB
FLASH = "challenge-flash-attention"


@torch.library.custom_op("of_the_tests::large", mutates_args=())
def in_an_operator(x: Tensor) -> Tensor:
    return torch.ones(4 * MIB).sum() * x


def by_the_c_library() -> None:
    library = ctypes.CDLL(None)
    library.malloc.restype = library.calloc.restype = ctypes.c_void_p
    library.free(ctypes.c_void_p(library.calloc(16, MIB)))


def in_a_thread() -> None:
    with multiprocessing.pool.ThreadPool(1) as pool:
        pool.apply(np.ones, ((16, MIB // 8),))


@pytest.mark.parametrize(
    "take",
    [
        lambda: torch.ones(4 * MIB),
        lambda: np.ones(2 * MIB),
        lambda: in_an_operator(torch.ones(1)),
        lambda: bytearray(16 * MIB),
        lambda: mmap.mmap(-1, 16 * MIB),
        lambda: [np.ones(2**15) for _ in range(80)],
        by_the_c_library,
        in_a_thread,
    ],
    ids=["torch", "numpy", "operator", "bytes", "mmap", "pieces", "C", "thread"],
)
def test_it_is_seen_whoever_takes_it(take: Callable[[], Any]) -> None:
    """As much as was taken, though nothing of it is left; a little beside it is not."""
    with memory_taken() as large:
        take()
    with memory_taken() as small:
        torch.ones(MIB // 4).exp()

    assert large.bytes >= 16 * MIB
    assert small.bytes <= 3 * MIB


def test_what_was_taken_before_makes_no_room() -> None:
    """Neither an earlier peak nor blocks that were given back to the C library."""
    pieces = [np.ones(2**13) for _ in range(1_000)]
    last = np.ones(2**13)
    del pieces
    torch.ones(64 * MIB)

    with memory_taken() as taken:
        kept = [np.ones(2**13) for _ in range(300)]

    assert taken.bytes >= 16 * MIB
    assert len(kept) == 300
    assert last.size


def test_what_a_library_sets_up_once_is_not_held_against_it() -> None:
    """The least of a few runs counts; what is too much each time stays too much."""
    sizes = iter((64, 1, 64))

    assert least_memory(lambda: torch.ones(next(sizes) * MIB // 4), ENOUGH) < 3 * MIB
    assert least_memory(lambda: torch.ones(8 * MIB), ENOUGH) >= 32 * MIB


def test_a_table_from_before_the_block_counts_as_it_is_written() -> None:
    """Else a result is put into it, and nothing seems to be made."""
    table = torch.empty(100, 100)
    with tensors_made() as outside:
        torch.mul(torch.ones(100, 1), torch.ones(100), out=table)
    with tensors_made() as inside:
        made = torch.zeros(10)
        made += 1

    assert outside.largest == 10_000
    assert outside.held >= 10_000
    assert (inside.largest, inside.held) == (10, 10)


def dense(query: Tensor, key: Tensor, value: Tensor, causal: bool) -> tuple[Any, Any, Any]:
    """Attention with the whole matrix, by NumPy alone: output, logsumexp, weights."""
    q, k, v = (each.detach().double().numpy() for each in (query, key, value))
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    rows, columns = scores.shape[-2:]
    if causal:
        scores = np.where(np.tri(rows, columns, columns - rows, bool), scores, -np.inf)
    most = scores.max(-1, keepdims=True, initial=-np.inf)
    finite = np.where(np.isfinite(most), most, 0)
    total = np.exp(scores - finite).sum(-1, keepdims=True)
    with np.errstate(divide="ignore"):
        logsumexp = finite + np.log(total)
    weights = np.exp(scores - np.where(np.isfinite(logsumexp), logsumexp, 0))
    return weights @ v, logsumexp[..., 0], weights


def numpy_attention(
    query: Tensor, key: Tensor, value: Tensor, block_size: int = 64, causal: bool = False
) -> tuple[Tensor, Tensor]:
    if block_size < 1:
        raise ValueError("block_size is below 1")
    output, logsumexp, _ = dense(query, key, value, causal)
    wide = torch.promote_types(query.dtype, torch.float32)
    return torch.from_numpy(output).to(query.dtype), torch.from_numpy(logsumexp).to(wide)


@torch.library.custom_op("of_the_tests::attention", mutates_args=())
def operator_attention(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> tuple[Tensor, Tensor]:
    output, logsumexp = numpy_attention(q, k, v, 1, causal)
    return output.clone(), logsumexp.clone()


def by_an_operator(
    query: Tensor, key: Tensor, value: Tensor, block_size: int = 64, causal: bool = False
) -> tuple[Tensor, Tensor]:
    if block_size < 1:
        raise ValueError("block_size is below 1")
    output, logsumexp = operator_attention(query, key, value, causal)
    return output, logsumexp


@pytest.mark.parametrize("attention", [numpy_attention, by_an_operator])
def test_attention_with_the_whole_matrix_is_seen_for_what_it_is(attention: Any) -> None:
    """By NumPy or in an operator of one's own: what it holds is no less than by torch."""
    own = harness.solutions(FLASH) | {"flash_attention": attention}

    verdict = harness.verdicts(FLASH, own, only="test-flash_attention")["test-flash_attention"]

    failed = {check.name for check in verdict.checks if not check.passed}
    assert {
        "no tensor as large as the matrix",
        "no blocks that together are as large",
    } <= failed
    said = {check.name: check.message for check in verdict.checks}
    assert "bytes_of_memory" in said["no tensor as large as the matrix"]
