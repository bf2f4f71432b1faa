"""Runs a student's notebooks in processes of their own, and reads what happened there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from workbook.studying.written import Written

WITHIN = "WORKBOOK_PROGRESS"  # set where progress runs notebooks: these may ask for it again


def run(
    notebooks: Mapping[str, tuple[Path, Written]], seconds: float
) -> dict[str, list[dict[str, str]]]:
    """The events of running each notebook, in processes of their own."""
    if not notebooks:
        return {}
    with tempfile.TemporaryDirectory(prefix="workbook-") as results:
        jobs = [
            {
                "folder": str(folder.resolve()),
                "results": str(Path(results, name)),
                "seconds": written.lesson.run_seconds,
                "cells": [asdict(cell) for cell in written.code()],
            }
            for name, (folder, written) in notebooks.items()
        ]
        subprocess.run(
            # -P: a student's file beside the notebooks is not taken for a module of ours.
            [sys.executable, "-P", "-m", "workbook.studying.runner"],
            input=json.dumps({"jobs": jobs, "seconds": seconds}).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, WITHIN: "1", "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"},
            check=False,
        )
        return {name: _events(Path(results, name)) for name in notebooks}


def _events(results: Path) -> list[dict[str, str]]:
    """What a run told, as far as it got; a line that was cut off tells nothing."""
    lines = results.read_text("utf-8").splitlines(True) if results.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]
