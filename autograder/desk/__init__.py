"""The student's desk: what one calls in a notebook, and the commands for students.

The functions are imported when they are asked for, so that the commands start without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.desk.attention_maps import show_attention
    from autograder.desk.check_table import check
    from autograder.desk.hints import hint
    from autograder.desk.installation_report import installation
    from autograder.desk.progress_report import progress
    from autograder.desk.study_plan import paths, plan
    from autograder.desk.trace_page import trace

_MODULES = {
    "check": "check_table",
    "hint": "hints",
    "installation": "installation_report",
    "paths": "study_plan",
    "plan": "study_plan",
    "progress": "progress_report",
    "show_attention": "attention_maps",
    "trace": "trace_page",
}

__all__ = [
    "check",
    "hint",
    "installation",
    "paths",
    "plan",
    "progress",
    "show_attention",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
