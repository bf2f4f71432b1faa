"""How a recorded value is to be compared; only the reference's rules are ever read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ruled:
    """A value together with the rule by which the judge compares it."""

    value: Any
    rule: dict[str, Any]


def exactly(value: Any) -> Ruled:
    """Compare bit for bit (booleans, integers and strings always are)."""
    return Ruled(value, {"rule": "exactly"})


def close(value: Any, tolerance: float) -> Ruled:
    """Compare to within `tolerance` times the largest magnitude of the reference's value."""
    return Ruled(value, {"rule": "close", "tolerance": tolerance})


def at_most(value: float, limit: float) -> Ruled:
    """Accept any number up to `limit`, such as the size of the largest tensor made."""
    return Ruled(value, {"rule": "at_most", "limit": limit})
