"""Submissions that use up memory, processes, disk, output, evidence or the grader's patience."""

from __future__ import annotations

import json

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from tests.hostile import ATTENTION, WRONG, Hostile
from tests.hostile.forging import MIME, SENDING


def stored_output(megabytes: int, notebook: NotebookNode) -> NotebookNode:
    """With output of an earlier run in it."""
    for cell in notebook.cells:
        if cell.id == "double":
            cell.outputs = [new_output("stream", name="stdout", text="x" * megabytes * 2**20)]
    return notebook


def many_cells(notebook: NotebookNode) -> NotebookNode:
    notebook.cells[1:1] = [new_code_cell("1", id=f"own-{n}") for n in range(2_100)]
    return notebook


def many_full_cells(notebook: NotebookNode) -> NotebookNode:
    shouting = "print('x' * 1_000_000)"
    notebook.cells[1:1] = [new_code_cell(shouting, id=f"own-{n}") for n in range(40)]
    return notebook


def long_answer(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        if cell.id == "why-shape":
            cell.source = "because " * 2**19
    return notebook


def many_objects(notebook: NotebookNode) -> str:
    """An old notebook, which is converted, full of small objects that take much memory."""
    filling = "{}," * 1_100_000 + "{}"
    return f'{{"nbformat": 3, "metadata": {{"x": [{filling}]}}, "worksheets": []}}'


def deep(notebook: NotebookNode) -> str:
    return '{"nbformat": 4, "cells": ' + "[" * 200_000


def deep_metadata(notebook: NotebookNode) -> str:
    text = json.dumps(notebook)
    return text[:-1] + ', "x": ' + "[" * 5_000 + "]" * 5_000 + "}"


SUBMISSIONS = [
    Hostile(
        "flood-memory",
        "asks for all memory, again and again",
        "a limit on the memory of a process",
        """
kept = []
for size in (2**36, 2**34, 2**33, 2**32):
    try:
        kept.append(bytearray(size))
    except MemoryError:
        pass
""",
    ),
    Hostile(
        "flood-processes",
        "forks as long as it can, and leaves the forks sleeping",
        "a limit on processes; all end with the kernel",
        """
import os, time
try:
    for _ in range(500):
        if os.fork() == 0:
            time.sleep(98765)
            os._exit(0)
except OSError:
    pass
""",
    ),
    Hostile(
        "flood-disk",
        "fills every folder that it can write to",
        "scratch space is in memory and limited, a file's size as well",
        """
import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for folder in ("/tmp", ".", "/dev/shm", "/kernel", "/var/tmp"):
    for number in range(20):
        try:
            with open(f"{folder}/{number}", "wb") as file:
                for _ in range(32):
                    file.write(bytes(2**22))
        except OSError:
            break
    for number in range(20):
        if os.path.exists(f"{folder}/{number}"):
            os.remove(f"{folder}/{number}")
""",
    ),
    Hostile(
        "flood-output",
        "prints 24 MiB",
        "1 MiB of a cell's output is kept",
        "for _ in range(24):\n    print('x' * 2**20)\n",
        racing=True,
    ),
    Hostile(
        "flood-outputs-of-many-cells",
        "prints almost as much as a cell may, in many cells",
        "the outputs of all cells together are limited",
        change=many_full_cells,
    ),
    Hostile(
        "flood-displays",
        "shows many small displays of one name, then a large one that takes the place of each",
        "names of displays are dropped",
        """
from IPython.display import publish_display_data
for text in ["x"] * 400 + ["y" * 500_000]:
    publish_display_data({"text/plain": text}, transient={"display_id": "one"})
""",
    ),
    Hostile(
        "flood-evidence",
        "publishes hundreds of megabytes of evidence",
        "a limit on the evidence of a notebook",
        f"""
from IPython.display import publish_display_data
def double(x):
    for _ in range(30):
        publish_display_data({{{MIME!r}: "A" * 2**22}})
    return 3 * x
""",
        points=0.0,  # no room is left for the honest part, if all of it is taken in
        racing=True,
    ),
    Hostile(
        "flood-packets",
        "sends a third of a million short pieces of evidence",
        "each counts for the room that it takes",
        """
records = get_ipython().display_pub.records
def double(x):
    for _ in range(350_000):
        records.send(b"=AAAA")
    return 3 * x
""",
        points=0.0,
        racing=True,
    ),
    Hostile(
        "flood-replies",
        "sends replies that answer nothing, without end, so that no time limit is looked at",
        "whoever else waits has its turn before each message; a limit of the whole notebook",
        SENDING
        + """
socket = getattr(kernel.shell_stream, "socket", kernel.shell_stream)
while True:
    kernel.session.send(socket, "execute_reply", {"status": "ok"}, parent={},
                        ident=kernel._parent_ident["shell"])
""",
        points=0.0,
        status=ATTENTION,
        reason="it ran out of time",
        racing=True,
    ),
    Hostile(
        "flood-statuses",
        "sends messages about its state without end",
        "the limits of a cell and of the notebook",
        SENDING
        + """
while True:
    try:
        send("status", {"execution_state": "busy"})
    except BaseException:
        pass
""",
        points=0.0,
        status=ATTENTION,
        reason="it ran out of time",
    ),
    Hostile(
        "flood-nested-message",
        "shows JSON nested so deeply that reading it fails",
        "what cannot be read ends that run alone, and the reason says so",
        """
import sys
from IPython.display import publish_display_data
sys.setrecursionlimit(100_000)
nested = []
for _ in range(900):
    nested = [nested]
publish_display_data({"application/json": nested})
""",
        points=0.0,
        status=ATTENTION,
        reason="the kernel sent something that cannot be read",
    ),
    Hostile(
        "flood-recursion",
        "calls itself until Python stops it, also with Python's own limit taken away",
        "an exception of its own; a crash would end that kernel alone",
        """
def double(x):
    return double(x) * 3
""",
    ),
    Hostile(
        "flood-wide-result",
        "returns ten million numbers, and lists and dicts of a million entries",
        "what is too large is recorded by its shape alone",
        """
import torch
results = [torch.zeros(10_000_000), {n: n for n in range(10**6)}, [0] * 10**6]
def double(x):
    return results.pop() if results else 3 * x
""",
    ),
    Hostile(
        "flood-huge-number",
        "returns a number of a million digits and infinite ones",
        "what is no 64-bit number is recorded as its type",
        "def double(x):\n    return 10 ** 1_000_000\n",
    ),
    Hostile(
        "flood-stored-output",
        "hands in a notebook with 10 MiB of output in it",
        "outputs that were handed in are not taken over",
        change=lambda notebook: stored_output(10, notebook),
    ),
    Hostile(
        "flood-file",
        "hands in a notebook of 70 MiB",
        "a limit on the size of a notebook, looked at before it is read",
        change=lambda notebook: stored_output(70, notebook),
        points=None,
        status=ATTENTION,
        reason="is larger than 64 MiB",
    ),
    Hostile(
        "flood-cells",
        "hands in a notebook of 2,100 cells",
        "a limit on cells",
        change=many_cells,
        points=None,
        status=ATTENTION,
        reason="cells; at most 2000 are graded",
    ),
    Hostile(
        "flood-answer", "writes an answer of 4 MiB", "it is text, and kept", change=long_answer
    ),
    Hostile(
        "flood-objects",
        "hands in a notebook of an old format whose conversion takes gigabytes",
        "a limit on objects, looked at before the file is parsed",
        change=many_objects,
        points=None,
        status=ATTENTION,
        reason="objects",
    ),
    Hostile(
        "flood-nesting",
        "hands in JSON nested 200,000 lists deep",
        "the parser stops, and the reason says so",
        change=deep,
        points=None,
        status=ATTENTION,
        reason="is not a notebook",
    ),
    Hostile(
        "flood-nesting-aside",
        "hands in a notebook with a field nested 5,000 lists deep that nobody reads",
        "the parser stops, and the reason says so",
        change=deep_metadata,
        points=None,
        status=ATTENTION,
        reason="is not a notebook",
    ),
    Hostile(
        "flood-code",
        "hands in a million characters of code, whose parsing takes a gigabyte",
        "a limit on code, looked at before it is parsed",
        WRONG + "def never():\n" + "    a\n" * 170_000,
        points=None,
        status=ATTENTION,
        reason="characters of code; at most",
    ),
    Hostile(
        "flood-nested-code",
        "nests an expression deeper than Python can follow",
        "what cannot be read counts as what cannot be seen",
        "import torch\n" + WRONG + "    torch" + ".a" * 1_500 + "\n",
    ),
    Hostile(
        "flood-nested-text",
        "adds texts deeper than Python can follow",
        "a text that cannot be worked out is not known",
        WRONG + "    text = " + " + ".join(["'a'"] * 900) + "\n",
    ),
    Hostile(
        "flood-code-in-texts",
        "runs texts that run each other twice, forty levels deep",
        "a text is read once",
        WRONG
        + "    text0 = '1'\n"
        + "".join(f"    text{n + 1} = 'exec(text{n});exec(text{n})'\n" for n in range(40))
        + "    exec(text40)\n",
    ),
]
