"""The strongest level of isolation that a container allows: here a weaker one may be taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autograder.errors import SandboxUnavailableError
from autograder.sandbox import kernel_server, use_level
from autograder.sandbox.own_user import OwnUser, close_shared_folders


def take_strongest(out_of_reach: Sequence[Path]) -> str:
    """Start the fork server as well closed off as can be; what holds, in words.

    Raises: SandboxUnavailableError, where no level can be had; with the reasons of both.
    """
    try:
        kernel_server()
        return "bubblewrap: namespaces, all of docs/limits.md holds"
    except SandboxUnavailableError as error:
        stronger = error
    try:
        level = OwnUser(out_of_reach)
        close_shared_folders()
        use_level(level)
        return f"no namespaces ({stronger.why}), so {kernel_server().holds}"
    except SandboxUnavailableError as error:
        raise SandboxUnavailableError(
            f"code of students cannot be isolated here; with namespaces: {stronger.why}; without "
            f"them: {error.why}; docs/gradescope.md says what a container has to allow"
        ) from error
