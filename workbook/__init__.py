"""The student's desk: what one calls in a notebook, and the commands for students.

The functions are imported when they are asked for, so that the commands start without torch.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbook.answering.check_table import check
    from workbook.answering.hints import hint
    from workbook.demo.trained_model import glassllm
    from workbook.demo.widget import attention_demo
    from workbook.guiding.pointer import guide
    from workbook.pictures.attention_maps import show_attention
    from workbook.pictures.generation_tables import show_beams, show_next_token
    from workbook.pictures.token_tables import show_merges, show_tokens
    from workbook.pictures.trace_page import trace
    from workbook.pictures.training_tables import show_steps, watch_training
    from workbook.studying.concept_map import concept_map
    from workbook.studying.installation_report import installation
    from workbook.studying.progress_report import progress
    from workbook.studying.study_plan import paths, plan

_MODULES = {
    "attention_demo": "demo.widget",
    "check": "answering.check_table",
    "concept_map": "studying.concept_map",
    "glassllm": "demo.trained_model",
    "guide": "guiding.pointer",
    "hint": "answering.hints",
    "installation": "studying.installation_report",
    "paths": "studying.study_plan",
    "plan": "studying.study_plan",
    "progress": "studying.progress_report",
    "show_attention": "pictures.attention_maps",
    "show_beams": "pictures.generation_tables",
    "show_merges": "pictures.token_tables",
    "show_next_token": "pictures.generation_tables",
    "show_steps": "pictures.training_tables",
    "show_tokens": "pictures.token_tables",
    "trace": "pictures.trace_page",
    "watch_training": "pictures.training_tables",
}

__all__ = [
    "attention_demo",
    "check",
    "concept_map",
    "glassllm",
    "guide",
    "hint",
    "installation",
    "paths",
    "plan",
    "progress",
    "show_attention",
    "show_beams",
    "show_merges",
    "show_next_token",
    "show_steps",
    "show_tokens",
    "trace",
    "watch_training",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


if "IPython" in sys.modules:  # this may be a notebook's kernel
    import_module(f"{__name__}.pictures.picture_words").install()
