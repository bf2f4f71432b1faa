"""The demo in a notebook, where a sentence also goes through the student's own functions."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import anywidget
import traitlets

from workbook.demo.page import module, numbers, style
from workbook.pictures.trace_page import trace


class AttentionDemo(anywidget.AnyWidget):
    """The page's demo, and beside it what `trace` says of the functions among `variables`.

    The trained model, whose weights would be saved with the notebook, is on the page alone.
    """

    _esm = module()
    _css = style()
    asks = traitlets.Bool(True).tag(sync=True)
    sentence = traitlets.Unicode().tag(sync=True)
    own = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    minilm = traitlets.Dict().tag(sync=True)

    def __init__(self, sentence: str, variables: Mapping[str, Any]) -> None:
        super().__init__(state={"source": "own", "sentence": sentence}, minilm=numbers("minilm"))
        self._variables = variables
        self.sentence = sentence

    @traitlets.observe("sentence")
    def _follow(self, change: Mapping[str, Any]) -> None:
        self.own = trace(change["new"], variables=self._variables)._repr_html_()

    def _repr_mimebundle_(self, **given: Any) -> Any:
        """Where no widgets are, in a page made of the notebook, the tables stand."""
        bundle, metadata = super()._repr_mimebundle_(**given) or ({}, {})
        return {**bundle, "text/html": self.own}, metadata


def attention_demo(
    sentence: str = "the cat sat", variables: Mapping[str, Any] | None = None
) -> AttentionDemo:
    """Play with attention, by small numbers, by heads of MiniLM, and by your own functions.

    They are looked for among `variables`, by default those of the notebook that calls.
    """
    if variables is None:
        variables = sys._getframe(1).f_globals
    return AttentionDemo(sentence, variables)
