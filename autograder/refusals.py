"""How a command ends that cannot do what was asked: one sentence, exit status 2, no traceback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    except BrokenPipeError:
        raise  # whoever read it has seen enough: typer ends without a word
    except PermissionError as error:
        refuse(f"{error.filename} cannot be used: permission denied")
    except OSError as error:
        refuse(f"{error.filename or 'a file'} cannot be used: {error.strerror or error}")


def refuse(sentence: str) -> None:
    """End the command with a sentence."""
    typer.echo(f"workbook: {sentence}", err=True)
    raise typer.Exit(REFUSED)


def check_writable(path: Path) -> None:
    """Refuse before anything runs where its results could not be written in the end."""
    if str(path) == "-":
        return
    if not path.parent.is_dir():
        refuse(f"{path.parent} is not a folder, so the results cannot be written there")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        refuse(f"the results cannot be written to {path}")
