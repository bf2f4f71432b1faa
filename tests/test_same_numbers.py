"""What `workbook release` records is the same bytes on every machine that has the same to say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from autograder.authoring import at_the_desk
from autograder.release.same_numbers import with_numbers_of
from tests import anew
from tests.harness import PYTHON_PATH, authored
from workbook.material import answers

NAME = "01-scaled-dot-product-attention"
RECORD = """
import sys, torch
torch.set_num_threads(1)
from tests.test_same_numbers import recorded
print(recorded(sys.argv[1]))
"""
NO_VECTORS = {
    "OMP_NUM_THREADS": "1",
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
}


def recorded(name: str) -> str:
    """What is recorded here, as JSON."""
    return json.dumps(dict(at_the_desk.recorded(authored(name)).data))


def recorded_elsewhere(name: str) -> dict[str, Any]:
    """What is recorded on a machine with other instructions, threads and libraries."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RECORD, name],
        env={**os.environ, "PYTHONPATH": PYTHON_PATH, **NO_VECTORS},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    known: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return known


@pytest.mark.parametrize("name", anew.a_few_now(one_more=False))
def test_another_machine_writes_the_same_bytes(name: str) -> None:
    """Without vector instructions the last digits differ, and what was released is kept.

    Also where nothing is left but rounding, as of a gradient that is 0.
    """
    # What was released comes from kernels; in an author's process, which is asked here, one wrong
    # version of flash attention has a gradient that is NaN at one more place.
    here = with_numbers_of(answers(name), json.loads(recorded(name)))
    there = recorded_elsewhere(name)

    made, back = with_numbers_of(here, there), with_numbers_of(there, here)

    assert json.dumps(made["definitions"]) == json.dumps(here["definitions"])
    assert json.dumps(back["definitions"]) == json.dumps(there["definitions"])


def test_what_differs_is_recorded() -> None:
    """A wrong number, a version that is gone or new, and a changed example are not kept back."""
    kept = answers(NAME)
    definition = kept["definitions"]["attention_scores"]
    first, second = list(definition["versions"])[:2]

    changed = json.loads(json.dumps(kept))
    new = changed["definitions"]["attention_scores"]
    new["expected"] = new["expected"][::-1]
    new["versions"] = {"unheard-of": new["versions"][first], second: new["versions"][second]}
    made = with_numbers_of(kept, changed)["definitions"]["attention_scores"]

    assert made["expected"] == definition["expected"][::-1]
    assert list(made["versions"]) == ["unheard-of", second]
    for id, origin in (("unheard-of", first), (second, second)):
        assert [made["records"][number] for number in made["versions"][id]] == [
            definition["records"][number] for number in definition["versions"][origin]
        ]
