"""How a command ends that cannot do what was asked: one sentence, exit status 2, no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

REFUSED = 2


@contextmanager
def refusals() -> Iterator[None]:
    """One sentence on stderr and exit status 2 for what the user can mend; no traceback."""
    from autograder.errors import (
        CourseError,
        DeskError,
        KernelServerError,
        SandboxUnavailableError,
    )

    try:
        yield
    except (CourseError, DeskError, SandboxUnavailableError, KernelServerError) as error:
        refuse(str(error))
    except PermissionError as error:
        refuse(f"{error.filename} cannot be used: permission denied")
    except OSError as error:
        refuse(f"{error.filename or 'a file'} cannot be used: {error.strerror or error}")


def refuse(sentence: str) -> None:
    """End the command with a sentence."""
    typer.echo(f"workbook: {sentence}", err=True)
    raise typer.Exit(REFUSED)
