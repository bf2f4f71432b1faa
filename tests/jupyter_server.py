"""A Jupyter server with nbgrader's pages, on loopback, for one course folder."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

LONGEST_START = 120


@contextmanager
def jupyter_server(
    root: Path,
    home: Path,
    settings: Callable[[Mapping[str, str]], dict[str, str]] = dict,
) -> Iterator[str]:
    """The address of a server on `root`; all that Jupyter keeps for its user is below `home`.

    `settings` makes its environment of the usual one, as the student's desk does.
    """
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    command = [
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"),
        *("--ip=127.0.0.1", "--port=0", "--IdentityProvider.token="),
        "--LabApp.expose_app_in_browser=True",  # so that a test can wait for the end of a command
        f"--ServerApp.root_dir={root}",
    ]
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=root, env=settings(environment), stdout=output, stderr=output
        )
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            process.wait(60)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server says that it listens, once it does: it says so a moment before."""
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())
        if found and _listens(int(found[1])):
            return found[0]
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")


def _listens(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0
