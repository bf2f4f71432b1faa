"""What a level of isolation is to the one who starts a fork server."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Isolation(Protocol):
    """How kernels are kept apart: by `Bubblewrap`, or by `OwnUser` where one says so.

    `remedy` is what to do where it cannot be had, `ends_itself` whether a server has something to
    see to when it ends.
    """

    remedy: str
    ends_itself: bool

    def uid(self) -> int | None:
        """A user for a kernel, or for trying it; None where it stays the one who asks."""

    def command(self, listening: int, kernels: Path, uid: int | None) -> list[str]:
        """What starts the fork server: the number of its socket, the folder of its kernels."""

    def variables(self, kernels: Path) -> dict[str, str]:
        """The environment variables of the fork server itself, besides those that it sets."""

    def environment(self, folder: Path) -> dict[str, str]:
        """The environment variables of a kernel with this folder, but for its seed."""

    def seen(self, folder: Path) -> str:
        """Where a kernel sees its folder."""
