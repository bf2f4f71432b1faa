"""Turns a sealed fork into an ordinary ipykernel that says when it can be spoken to."""

from __future__ import annotations

import copy
import gc
import importlib
import json
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograder.kernel import linux
from autograder.kernel.request import Needs

CONNECTION = "connection.json"
LARGE_BLOCK_BYTES = 2**20
BACKLOG = 16
# What a kernel would import for itself, before and in its first cells.
LATER = (
    *("IPython.core.completer", "IPython.core.completerlib", "IPython.core.logger"),
    *("IPython.core.oinspect", "IPython.core.ultratb", "bdb", "ipykernel.debugger", "numpy"),
    *("tornado.locks", "tornado.platform.asyncio", "tornado.queues"),
    *("autograder.kernel.app", "autograder.kernel.versions"),
)


def import_all() -> None:
    """Import what a kernel and a notebook need, in the fork server; torch leaves much for later."""
    linux.map_blocks_of(LARGE_BLOCK_BYTES)
    sys.modules.setdefault("debugpy", None)  # type: ignore[arg-type]  # nobody is there to debug
    import torch

    for name in LATER:
        importlib.import_module(name)
    torch.set_num_threads(1)
    warm_up()


def warm_up() -> None:
    """Have torch import and set up what it leaves for later, so that no first check pays for it."""
    import numpy
    import torch
    from torch.nn import functional

    from autograder.observe import collecting, gradients, observe, randn

    torch.manual_seed(torch.initial_seed())
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        layer = torch.nn.TransformerEncoderLayer(4, 2, 4, dtype=dtype)  # many operators at once
        functional.gelu(layer(torch.ones(2, 2, 4, dtype=dtype))).mean()
    with suppress(AssertionError):
        torch.testing.assert_close(torch.zeros(2), torch.ones(2))
    seen: Any
    with collecting(), observe("a small forward and backward pass") as seen:
        leaf = randn(2, 2, requires_grad=True)
        output = copy.deepcopy(torch.nn.Linear(2, 2)).double().float()(leaf)
        seen.output, seen.gradients = output, gradients(output, [leaf])
        seen.array = numpy.ones(2)
        output.detach().add_(1)


def make_ready(needs: Needs) -> None:
    """Do what a kernel needs once, for every process that is forked from now on."""
    from autograder.observe._everywhere import note_everywhere

    note_everywhere(needs.noted)
    if needs.has_compiler and "torch._dynamo" not in sys.modules:
        import torch._dynamo  # noqa: F401

        gc.freeze()  # as at the start of the server: a fork would copy what a collection looks at


def listening(folder: str, uid: int | None) -> dict[int, int]:
    """Listen where the client will connect to; by the ports of the connection file, file numbers.

    Done before the sealing, after which nothing can be made in that folder any more.
    """
    told = json.loads(Path(folder, CONNECTION).read_text())
    found = {}
    own = os.geteuid()
    os.seteuid(own if uid is None else uid)  # whose they are
    for port in (number for name, number in told.items() if name.endswith("_port")):
        address = f"{folder}/{Path(told['ip']).name}-{port}"
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(address)
            made.listen(BACKLOG)
            made.setblocking(False)
            found[port] = made.detach()
    os.seteuid(own)
    return found


def serve(
    connection: socket.socket,
    environment: Mapping[str, str],
    sockets: Mapping[int, int],
    folder: str,
    records: int,
) -> None:
    """Serve the notebook's client until the process is killed; announce it on `connection`.

    `folder` is the kernel's own, as it sees it; `records` the number of the socket for evidence.
    """
    home, handed_in, packages = environment["HOME"], Path(folder, "handed-in"), f"{folder}/packages"
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = environment.get("TMPDIR")  # not what was found before the sealing
    random.seed()
    if handed_in.is_dir():
        shutil.copytree(handed_in, home, dirs_exist_ok=True, copy_function=shutil.copyfile)
    # Last, so that a file handed in as torch.py shadows nothing.
    others = [entry for entry in sys.path if entry not in ("", home)]
    sys.path = [packages, *others, home] if os.path.isdir(packages) else [*others, home]
    signal.signal(signal.SIGINT, signal.default_int_handler)

    from autograder.kernel.app import KernelApp
    from autograder.kernel.streams import Publisher

    Publisher.records = socket.socket(fileno=records)
    app = KernelApp.instance(connection_file=f"{folder}/{CONNECTION}")
    app.listening = sockets
    app.initialize([])
    connection.sendall(b'{"ready": true}')
    connection.close()
    app.start()
