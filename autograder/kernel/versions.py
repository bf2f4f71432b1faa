"""Runs versions of an instructor's definitions, one after the other, in a kernel of their own.

None of it is a student's: what these leave behind reaches no submission.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from autograder.kernel.around import CellTimeoutError, quiet, time_limit
from autograder.kernel.marks import compiled
from autograder.kernel.request import GRADED_NAMES, IN_TURN, InTurn, joined
from autograder.observe import collecting
from autograder.observe._observation import publish
from autograder.observe._writes import KEEPING


def run() -> None:
    """Publish what each version observes that the running cell's request holds, by its place."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    asked = shell.kernel.get_parent("shell")["metadata"][GRADED_NAMES][IN_TURN]
    for place, each in enumerate(asked):
        publish(joined([str(place).encode(), *_records(InTurn(*each))]))


def _records(version: InTurn) -> list[bytes]:
    names: dict[str, Any] = {"__name__": "__main__"}
    with quiet():
        definitions: Mapping[str, Any] = {}
        with suppress(Exception):  # then it observes nothing
            definitions = defined(version.module)
        for text, is_defined in version.above:
            if is_defined:
                names[text] = definitions.get(text)
            else:
                with suppress(Exception):  # as a kernel goes on behind it
                    exec(plain(text), names)
        return observed(version.source, names, version.seconds)


def observed(source: str, names: dict[str, Any], seconds: float) -> list[bytes]:
    """The records of source that observes, as far as it came in these seconds."""
    with collecting() as records, suppress(Exception, CellTimeoutError), time_limit(seconds):
        exec(compiled(source, "<authored>"), names | KEEPING)
    return records


def defined(*sources: str) -> dict[str, Any]:
    """What a module of this source defines; of several, each may define anew what others use."""
    names: dict[str, Any] = {"__name__": "of_the_author"}
    for source in sources:
        exec(plain(source), names)
    return names


@cache
def plain(source: str) -> types.CodeType:
    """Source as it stands, compiled once."""
    return compile(source, "<authored>", "exec")
