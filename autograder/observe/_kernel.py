"""Starts the kernel inside the sandbox: limits first, then an ordinary ipykernel."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from pathlib import Path

# What the student handed in beside the notebook, read-only, and where the notebook runs.
HANDED_IN = Path("/run/handed-in")


def main() -> None:
    """Take `memory processes file_bytes connection_file`, limit this process and serve."""
    memory, processes, file_bytes = (int(argument) for argument in sys.argv[1:4])
    for kind, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    if HANDED_IN.is_dir():
        for entry in HANDED_IN.iterdir():
            copy = shutil.copytree if entry.is_dir() else shutil.copyfile
            copy(entry, Path.cwd() / entry.name)
    # Last, so that a file handed in as torch.py shadows nothing.
    sys.path = [entry for entry in sys.path if entry not in ("", os.getcwd())] + [os.getcwd()]

    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(
        [
            "-f",
            sys.argv[4],
            "--InteractiveShellApp.ignore_cwd=True",
            "--HistoryManager.enabled=False",
        ]
    )


if __name__ == "__main__":
    main()
