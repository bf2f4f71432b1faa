"""Submissions of which one message, file or text is to cost the grader much: memory or minutes.

`tests/test_heavy.py` grades them in one process and measures what that takes.
"""

from __future__ import annotations

from nbformat import NotebookNode

from tests.hostile import ATTENTION, GRADED, Hostile
from tests.hostile.forging import MIME, SENDING
from tests.hostile.showing import answer

SHORT_ENOUGH = "how much is read of a message is limited, before it is read"
AS_TEXT = "what takes long to be set is shown as the text that it is"
SENDS = f"""{SENDING}
def message(*frames):
    kernel.session.send(publisher.pub_socket, "display_data",
                        {{"data": {{"text/plain": "x"}}, "metadata": {{}}}},
                        parent=publisher.parent_header, buffers=list(frames))

def content(text):
    was, kernel.session.pack = kernel.session.pack, lambda content: (
        content if isinstance(content, bytes) else was(content))
    kernel.session.send(publisher.pub_socket, "display_data", text.encode(),
                        parent=publisher.parent_header)
    kernel.session.pack = was
"""


def _sent(id: str, tries: str, code: str, ends: bool = False) -> Hostile:
    """A submission that sends what is not read, or so much that its kernel is ended."""
    return Hostile(
        f"heavy-{id}",
        tries,
        SHORT_ENOUGH,
        SENDS + code,
        status=ATTENTION if ends else GRADED,
        racing=ends,
    )


def _answered(id: str, tries: str, text: str) -> Hostile:
    return Hostile(f"heavy-{id}", tries, AS_TEXT, change=answer(text))


def own_heading(notebook: NotebookNode) -> NotebookNode:
    notebook.cells[0].source = "# " + "[" * 20_000 + "]" * 20_000
    return notebook


SUBMISSIONS = [
    _sent("frame", "sends a frame of 600 MB", "message(bytes(600 * 10**6))\n", ends=True),
    _sent(
        "frames",
        "sends a hundred frames of 20 MB in one message",
        "message(*[bytes(20 * 10**6)] * 100)\n",
        ends=True,
    ),
    _sent(
        "messages",
        "sends hundreds of messages of 20 MB",
        "large = bytes(20 * 10**6)\nfor _ in range(200):\n    message(large)\n",
        ends=True,
    ),
    _sent("objects", "shows five million lists", "content('[' + '[],' * 5 * 10**6 + '[]]')\n"),
    _sent("numbers", "shows five million numbers", "content('[' + '1.5,' * 5 * 10**6 + '1]')\n"),
    _sent(
        "wide-text",
        "shows 20 MB of text of which one character takes four bytes",
        """content('{"data": {"text/plain": "' + "x" * 20_000_000 + '\\U0001f600"}}')\n""",
    ),
    _sent(
        "wide-escapes",
        "shows 20 MB of text of which one character is an escape for a wide one",
        """content('{"data": {"text/plain": "' + "x" * 20_000_000 + r'\\ud83d\\ude00"}}')\n""",
    ),
    *(
        Hostile(
            f"heavy-heading-{what}",
            f"reports a record whose heading holds millions of {what}",
            "how much is read of a record's heading is limited",
            f"""
import base64
import struct
from IPython.display import publish_display_data
sent = []
def double(x):
    if not sent:
        heading = {text}
        record = struct.pack("<Q", len(heading)) + heading.encode()
        publish_display_data({{{MIME!r}: base64.b64encode(record).decode()}})
        sent.append(True)
    return 3 * x
""",
        )
        for what, text in (
            ("lists", "'[' + '[],' * 5_000_000 + '[]]'"),
            ("texts", """'{"__metadata__": {"record": "' + '[],' * 5_000_000 + '"}}'"""),
            ("levels", "'[' * 7_000_000 + ']' * 7_000_000"),
        )
    ),
    Hostile(
        "heavy-files",
        "makes a hundred thousand empty files in each folder",
        "so many files in scratch space, no more",
        """
made = 0
for folder in (".", "/tmp", "/dev/shm"):
    try:
        for number in range(100_000):
            open(f"{folder}/{number}", "x").close()
            made += 1
    except OSError:
        pass
    except KeyboardInterrupt:
        break
assert made <= 30_000
""",
    ),
    Hostile(
        "heavy-sockets",
        "leaves thirty thousand sockets in the folder that it shares with the grader",
        "nothing can be made in it once it is sealed",
        """
import socket
for number in range(30_000):
    try:
        socket.socket(socket.AF_UNIX).bind(f"/kernel/{number}")
    except OSError:
        break
""",
    ),
    _answered("brackets", "answers with nested brackets", "[" * 25_000 + "]" * 25_000),
    _answered("links", "answers with links in links", "[a" * 8_000 + "](x)" * 8_000),
    _answered("pictures", "answers with pictures in pictures", "![<" * 8_000 + "](x)" * 8_000),
    _answered("heading", "answers with a heading that nests", "# " + "*a **b " * 7_000),
    _answered("environments", "begins thousands of formulas", r"\begin{a}" * 5_500),
    _answered("lexer", "names the slowest language for its code", "```perl\n" + "((((" * 9_000),
    Hostile(
        "heavy-title",
        "nests brackets in the notebook's own heading",
        "the instructor's cells are the instructor's",
        change=own_heading,
    ),
]
