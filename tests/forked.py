"""Commands as a person runs them, each in a fork of this process.

Such a process has imported all of it already, and its kernels come from this process's fork
server; so a command costs what it does and not its start, which other tests pay.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, NoReturn

from autograder.sandbox import kernel_server

LONGEST_SECONDS = 600


def forked(
    main: Callable[[], object],
    arguments: list[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Call an entry point in a folder, with these arguments and variables besides one's own."""
    kernel_server()
    with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the threads of this process
            process = os.fork()
        if process == 0:
            os.environ.update(environment or {})
            _run(main, arguments, folder, out, err)
        _, status = os.waitpid(process, 0)
        printed = [file.seek(0) or file.read().decode("utf-8") for file in (out, err)]
    code = os.waitstatus_to_exitcode(status)
    return subprocess.CompletedProcess(arguments, code, *printed)


def _run(
    main: Callable[[], object],
    arguments: list[str],
    folder: Path,
    out: IO[bytes],
    err: IO[bytes],
) -> NoReturn:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(LONGEST_SECONDS)
    warnings.simplefilter("ignore")  # not errors, as in a test, and not on a person's screen
    code: object = 0
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        sys.stdin, sys.stdout, sys.stderr = map(_text, (0, 1, 2))
        os.chdir(folder)
        sys.argv = arguments
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _text(descriptor: int) -> io.TextIOWrapper:
    file = io.FileIO(descriptor, "w" if descriptor else "r", closefd=False)
    buffered = io.BufferedWriter(file) if descriptor else io.BufferedReader(file)
    return io.TextIOWrapper(buffered, encoding="utf-8", line_buffering=descriptor == 2)
