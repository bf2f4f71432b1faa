"""The command line with short limits, for submissions that do not end."""

from __future__ import annotations

import functools

from autograder.cli import main
from autograder.reference import answer_key
from autograder.sandbox import Limits

SHORT = Limits(cell_seconds=2, notebook_seconds=7)

if __name__ == "__main__":
    short = functools.partial(
        Limits, cell_seconds=SHORT.cell_seconds, notebook_seconds=SHORT.notebook_seconds
    )
    answer_key.Limits = short  # type: ignore[assignment, misc]
    main()
