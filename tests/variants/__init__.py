"""Correct work in other styles, as source, by assignment."""

from __future__ import annotations

import importlib

from tests import harness


def sources_of(assignment: str) -> list[str]:
    """The source of every variant of an assignment."""
    module = importlib.import_module(f"tests.variants.{harness.module_name(assignment)}")
    return list(module.VARIANTS.values())
