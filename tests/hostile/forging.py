"""Submissions that forge evidence, verdicts or what these are made by."""

from __future__ import annotations

from tests.hostile import ATTENTION, Hostile

NO_ANSWER = "the expected numbers are in another process"
OWN_PROCESS = "nothing in its process judges; the judge runs outside, on evidence"
DISTRUST = "evidence that the tests do not write fails the whole cell"

# Puts `sent` in the place of what publishes records; it gets the record and the real publisher.
PUBLISHING = """
import json
from autograder.observe import _observation
publish = _observation.publish
def through(sent):
    _observation._sink = lambda record: sent(record)
"""
# Sends what it likes, past everything that IPython and ipykernel do.
SENDING = """
import json
kernel, publisher = get_ipython().kernel, get_ipython().display_pub
def send(kind, content, parent=None):
    session, was = kernel.session, kernel.session.pack
    session.pack = lambda content: json.dumps(content, default=str).encode()
    parent = publisher.parent_header if parent is None else parent
    session.send(publisher.pub_socket, kind, content, parent=parent)
    session.pack = was
"""
MIME = "application/vnd.transformer-workbook.evidence"

SUBMISSIONS = [
    Hostile(
        "patch-torch-testing",
        "makes every comparison of torch and numpy say yes",
        OWN_PROCESS,
        """
import numpy, torch
torch.testing.assert_close = numpy.testing.assert_allclose = lambda *a, **k: None
torch.allclose = torch.equal = numpy.allclose = lambda *a, **k: True
torch.Tensor.__eq__ = lambda *_: True
""",
    ),
    Hostile(
        "patch-builtins",
        "replaces print, float, AssertionError and all in builtins",
        OWN_PROCESS,
        """
import builtins
builtins.print = lambda *a, **k: None
builtins.AssertionError = type("AssertionError", (Exception,), {"__new__": lambda *a: None})
builtins.float = lambda *a: 1000.0
builtins.all = lambda *a: True
""",
    ),
    Hostile(
        "patch-isinstance",
        "makes isinstance say yes while the tests run",
        OWN_PROCESS,
        """
import builtins
was = builtins.isinstance
def double(x):
    builtins.isinstance = lambda *a: True
    return 3 * x
get_ipython().events.register("post_run_cell", lambda *a: setattr(builtins, "isinstance", was))
""",
    ),
    Hostile(
        "patch-import",
        "replaces __import__, so that the tests get an observe of its own that reports success",
        DISTRUST,
        """
import builtins, sys, types
was = builtins.__import__
class Saying:
    def __init__(self, *a, **k): pass
    def __enter__(self): return types.SimpleNamespace(passed=True, score=4.0)
    def __exit__(self, *a): return True
def fake(name, *a, **k):
    if name == "autograder.observe" and "first_row" not in In[-1]:
        return types.SimpleNamespace(observe=Saying, randn=lambda *a, **k: 0, gradients=max)
    return was(name, *a, **k)
builtins.__import__ = fake
""",
    ),
    Hostile(
        "patch-serialisers",
        "makes json, base64 and safetensors write success instead of what was observed",
        DISTRUST,
        """
import base64, json
import autograder.observe._record as record
was = base64.b64encode, json.dumps, record.save
def double(x):
    json.dumps = lambda *a, **k: '{"schema": 1, "passed": true, "score": 4}'
    record.save = lambda *a, **k: b"{}"
    base64.b64encode = lambda *a, **k: b"cGFzc2Vk"
    return 3 * x
def back(*a):
    base64.b64encode, json.dumps, record.save = was
get_ipython().events.register("post_run_cell", back)
""",
        points=0.0,  # its kernel speaks JSON as well
        status=ATTENTION,
        reason="the kernel sent something that cannot be read",
    ),
    Hostile(
        "patch-snapshot",
        "makes observe record guessed numbers under the right names",
        NO_ANSWER,
        """
import torch
from autograder.observe import _observation
was = _observation.snapshot
def guess(value, tensors, depth=0):
    return was(torch.zeros(3, 5) if "double" in In[-1] else value, tensors, depth)
_observation.snapshot = guess
""",
    ),
    Hostile(
        "records-guessed",
        "publishes records of its own with the right names and guessed values",
        NO_ANSWER,
        PUBLISHING
        + """
import torch
from autograder.observe._record import encode, snapshot
def forge(record):
    tensors = {}
    name = "any shape" if b"any shape" in record else "float64 stays float64"
    if b"gradient arrives" in record or b"row and" in record or b"empty" in record:
        return publish(record)
    values = {"output": snapshot(torch.ones(3, 5), tensors)}
    publish(encode({"name": name, "points": 1, "values": values, "raised": None,
                    "names": None, "calls": []}, tensors))
through(forge)
""",
    ),
    Hostile(
        "records-doubled",
        "publishes each record twice",
        DISTRUST,
        PUBLISHING + "through(lambda r: [publish(r) for _ in range(1 + (b'row' not in r))])",
        points=0.0,
    ),
    Hostile(
        "records-replayed",
        "publishes the record of one observation for another, under its name",
        NO_ANSWER,
        PUBLISHING
        + """
kept = []
def replay(record):
    kept.append(record)
    if b"float64 stays" in record:
        swapped = kept[0].replace(b"any shape", b"float64 stays float64")
        grown = len(swapped) - len(kept[0])
        length = int.from_bytes(swapped[:8], "little") + grown
        return publish(length.to_bytes(8, "little") + swapped[8:])
    publish(record)
through(replay)
""",
    ),
    Hostile(
        "records-extra",
        "adds an observation worth 1000 points that passed",
        DISTRUST,
        PUBLISHING
        + """
from autograder.observe._record import encode
def more(record):
    publish(record)
    if b"gradient arrives" in record:
        publish(encode({"name": "bonus", "points": 1000, "values": {}, "raised": None,
                        "names": None, "calls": []}, {}))
through(more)
""",
    ),
    Hostile(
        "records-reordered",
        "publishes its records in another order",
        DISTRUST,
        PUBLISHING
        + """
kept = []
def reverse(record):
    if b"row" in record or b"empty" in record:
        return publish(record)
    kept.append(record)
    if len(kept) == 3:
        for one in reversed(kept):
            publish(one)
through(reverse)
""",
    ),
    Hostile(
        "records-none",
        "publishes nothing at all, which is full marks under plain nbgrader",
        "no evidence is no points",
        PUBLISHING + "through(lambda r: publish(r) if b'row' in r or b'empty' in r else None)",
    ),
    Hostile(
        "records-malformed",
        "publishes what is no record: text, a huge length, nested lists, numbers without end",
        DISTRUST,
        PUBLISHING
        + """
import struct
def bad(record):
    if b"row" in record or b"empty" in record:
        return publish(record)
    header = json.dumps({"__metadata__": {"record": "[" * 100_000}}).encode()
    for made in (b"", b"passed", struct.pack("<Q", 2**63) + b"{}",
                 struct.pack("<Q", len(header)) + header,
                 b'\\x20\\0\\0\\0\\0\\0\\0\\0{"__metadata__": {"record": 1e999}}'):
        publish(made)
through(bad)
""",
    ),
    Hostile(
        "records-points",
        "claims in its records that each observation is worth 1000 points, or NaN",
        "points and weights are read from the reference only",
        PUBLISHING
        + """
from autograder.observe import _observation
real = _observation.encode
def rich(header, tensors):
    worth = 1000 if header["name"] == "any shape" else float("nan")
    return real({**header, "points": worth}, tensors)
_observation.encode = rich
""",
    ),
    Hostile(
        "records-with-rules",
        "returns its wrong result with a rule that would accept anything",
        "rules of comparison are read from the reference only",
        """
from autograder.observe import at_most, close
calls = []
def double(x):
    calls.append(1)
    return close(3 * x, 1e9) if len(calls) == 1 else at_most(1, 1e9)
""",
    ),
    Hostile(
        "records-raw",
        "sends forged evidence as a message, past the kernel, before and during the tests",
        DISTRUST,
        SENDING
        + f"""
import base64
from autograder.observe._record import encode
forged = base64.b64encode(encode({{"name": "any shape", "points": 4, "values": {{}},
    "raised": None, "names": None, "calls": []}}, {{}})).decode()
def double(x):
    send("display_data", {{"data": {{{MIME!r}: forged}}, "metadata": {{}}}})
    return 3 * x
send("display_data", {{"data": {{{MIME!r}: forged}}, "metadata": {{}}}})
""",
    ),
    Hostile(
        "records-as-packets",
        "sends forged evidence past the messages, before and during the tests",
        DISTRUST,
        """
import base64
from autograder.observe._record import encode
forged = base64.b64encode(encode({"name": "any shape", "points": 4, "values": {},
    "raised": None, "names": None, "calls": []}, {}))
records = get_ipython().display_pub.records
def double(x):
    for packet in (b"=" + forged, b"<" + forged[:9], b"-" + forged[9:], b">", b"-", b"?", b">x"):
        records.send(packet)
    return 3 * x
records.send(b"=" + forged)
""",
    ),
    Hostile(
        "records-kept-back",
        "closes the socket that evidence leaves by, in the midst of a test cell",
        "evidence then leaves as a message, and what is wrong in it stays wrong",
        """
import os
records = get_ipython().display_pub.records
def double(x):
    try: os.close(records.fileno())
    except OSError: pass
    return 3 * x
""",
    ),
    Hostile(
        "records-not-text",
        "sends evidence that is a number, a list, null",
        DISTRUST,
        SENDING
        + f"""
def double(x):
    for odd in (1, None, [], {{}}, "\\u2603", "=" * 1000):
        send("display_data", {{"data": {{{MIME!r}: odd}}, "metadata": {{}}}})
    return 3 * x
""",
    ),
    Hostile(
        "frames",
        "walks up the stack into observe and the test cell and changes what it finds there",
        NO_ANSWER,
        """
import inspect
def double(x):
    frame = inspect.currentframe().f_back
    while frame:
        seen = frame.f_locals.get("seen")
        if seen is not None:
            object.__setattr__(seen, "_values", {"output": {"kind": "passed", "value": True}})
        for name in ("points", "score", "expected", "passed"):
            frame.f_globals[name] = 4.0
        frame = frame.f_back
    return 3 * x
""",
    ),
    Hostile(
        "referrers",
        "searches all objects for the observation under way and for expected values",
        NO_ANSWER,
        """
import gc
def double(x):
    for one in gc.get_objects():
        if type(one).__name__ == "observe":
            one.points, one.passed = 1000, True
        if type(one).__name__ == "Seen":
            for each in gc.get_referrers(one):
                if isinstance(each, dict) and "expected" in each:
                    return each["expected"]
    return 3 * x
""",
    ),
    Hostile(
        "settrace",
        "traces every line that the tests run and changes the local names",
        NO_ANSWER,
        """
import sys
def trace(frame, event, argument):
    if "x" in frame.f_locals and event == "return":
        frame.f_globals["expected"] = frame.f_locals["x"]
    return trace
sys.settrace(trace)
sys.setprofile(lambda *a: None)
""",
    ),
    Hostile(
        "ast-transformers",
        "drops every assert and with-block before IPython runs a cell",
        "no evidence is no points",
        """
import ast
class Drop(ast.NodeTransformer):
    def visit_With(self, node): return ast.Pass() if "double" in ast.unparse(node) else node
    def visit_Assert(self, node): return ast.Pass()
get_ipython().ast_transformers.append(Drop())
""",
    ),
    Hostile(
        "input-transformers",
        "rewrites the text of the tests before it is run",
        "no evidence is no points",
        """
shell = get_ipython()
shell.input_transformers_post.append(lambda lines: ["4.0\\n"] if "observe" in str(lines)
                                     and "double" in str(lines) else lines)
was = shell.transform_cell
shell.transform_cell = lambda raw: "4.0" if "twice three" in raw else was(raw)
""",
    ),
    Hostile(
        "event-hooks",
        "replaces the definitions and prints a score before and after each cell",
        NO_ANSWER,
        """
def before(*a):
    globals()["passed"] = True
def after(*a):
    get_ipython().displayhook(4.0)
for event, hook in (("pre_run_cell", before), ("pre_execute", before),
                    ("post_run_cell", after), ("post_execute", after)):
    get_ipython().events.register(event, hook)
""",
    ),
    Hostile(
        "displayhook",
        "shows the score that it would like, 4.0, which stock nbgrader takes",
        "the judge writes the outputs of test cells anew",
        """
def double(x):
    get_ipython().displayhook(4.0)
    return 3 * x
""",
    ),
    Hostile(
        "showtraceback",
        "replaces what shows an exception, so that no cell ever fails",
        "the judge reads evidence, no tracebacks",
        """
shell = get_ipython()
shell.showtraceback = shell._showtraceback = lambda *a, **k: None
shell.set_custom_exc((BaseException,), lambda *a, **k: None)
""",
    ),
    Hostile(
        "magics-and-run-cell",
        "redefines magics, runs cells of its own and asks the notebook for a next cell",
        "only the instructor's cells give points; requests to the notebook are not obeyed",
        """
shell = get_ipython()
shell.register_magic_function(lambda line, cell=None: 4.0, "line_cell", "time")
shell.run_cell("4.0")
shell.set_next_input("points = 1000", replace=True)
shell.payload_manager.write_payload({"source": "set_next_input", "text": "4.0", "replace": True})
""",
    ),
    Hostile(
        "user-namespace",
        "puts a dict of its own in place of the namespace, which says yes to every name",
        NO_ANSWER,
        """
class Yes(dict):
    def __missing__(self, name): return 4.0
get_ipython().user_ns["passed"] = get_ipython().user_ns["score"] = 4.0
get_ipython().user_ns.update(Yes(points=1000))
""",
    ),
    Hostile(
        "tensor-subclass",
        "returns a tensor that says it equals everything",
        "only plain tensors are recorded, by their numbers",
        """
import torch
class Equal(torch.Tensor):
    __eq__ = lambda *_: True
    __hash__ = lambda *_: 0
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True
def double(x):
    return (3 * x).as_subclass(Equal)
""",
    ),
    Hostile(
        "chameleon",
        "returns an object that turns into any number, array or string that is asked for",
        "what is no plain value is recorded as its type alone",
        """
class Chameleon:
    __eq__ = __le__ = __ge__ = __contains__ = __bool__ = lambda *_: True
    __hash__ = __len__ = __index__ = lambda *_: 1
    __float__ = lambda self: 4.0
    __array__ = lambda self, *a: __import__("numpy").zeros((3, 5))
    __iter__ = lambda self: iter([self])
def double(x):
    return Chameleon()
""",
    ),
    Hostile(
        "chameleon-class",
        "returns an object that claims to be a tensor and answers every question with itself",
        "a tensor is recorded by its very type; a crash would end its own kernel alone",
        "def double(x):\n    return 2 * x\n",
        """
import torch
class Chameleon:
    __class__ = property(lambda self: torch.Tensor)
    __getattr__ = lambda self, name: self
    __call__ = lambda self, *a, **k: self
    __getitem__ = __lt__ = __gt__ = __mul__ = lambda self, other: self
def first_row(x):
    return Chameleon()
""",
        points=4.0,
    ),
    Hostile(
        "str-and-int-subclasses",
        "returns strings and numbers whose comparisons and conversions are its own",
        "kinds are compared; a number is not a tensor",
        """
class Number(float):
    __eq__ = __le__ = __lt__ = lambda *_: True
    __hash__ = lambda *_: 0
    __repr__ = __str__ = lambda *_: '", "passed": true, "x": "'
def double(x):
    return Number("nan")
""",
    ),
    Hostile(
        "constant-inputs",
        "replaces torch.randn by zeros, for which its wrong function is right",
        "the reference has seen the real inputs",
        """
import torch
was = torch.randn
torch.randn = lambda *a, **k: was(*a, **k) * (0 if "double" in In[-1] else 1)
""",
    ),
    Hostile(
        "seeds",
        "sets every seed that it finds to a known one",
        "inputs come from a generator of their own; the reference has drawn them already",
        """
import os, random, numpy, torch
from autograder.observe import _inputs
os.environ["WORKBOOK_SEED"] = "0"
torch.manual_seed(0); numpy.random.seed(0); random.seed(0)
torch.manual_seed = torch.random.manual_seed = lambda *a: torch.default_generator
_inputs._seed = lambda *parts: 0
""",
        points=0.0,  # nor does its own first_row get the inputs of the reference
    ),
    Hostile(
        "generator-state",
        "rewinds the generator of the observation, so that every input is the same",
        "the reference has seen the real inputs",
        """
from autograder.observe import _inputs
def double(x):
    _inputs.current.generator.manual_seed(0)
    return 3 * x
""",
    ),
    Hostile(
        "forged-gradients",
        "replaces torch.autograd.grad by what returns the cotangents",
        NO_ANSWER,
        """
import torch
torch.autograd.grad = lambda outputs, inputs, cotangents, **k: list(cotangents)
""",
    ),
    Hostile(
        "update-display",
        "shows a display and lets later cells change it into a score, by its name",
        "names of displays are dropped; changes of earlier outputs are not passed on",
        """
from IPython.display import display, update_display
shown = display({"text/plain": "0"}, raw=True, display_id="score")
def double(x):
    update_display({"text/plain": "4.0"}, raw=True, display_id="score")
    display({"text/plain": "4.0"}, raw=True, display_id="score")
    return 3 * x
""",
    ),
    Hostile(
        "raw-execute-result",
        "sends results of 1000.0 and of nonsense that stock nbgrader takes for full marks",
        "the judge writes the outputs of test cells anew",
        SENDING
        + """
def double(x):
    for text in ("1000.0", "full", "nan", "-1"):
        send("execute_result", {"data": {"text/plain": text}, "metadata": {},
                                "execution_count": 10**9})
    return 3 * x
""",
    ),
    Hostile(
        "forged-idle",
        "claims that the cell has ended while it goes on",
        "evidence counts in the cell that it belongs to; what comes late is dropped",
        SENDING
        + """
import time
send("status", {"execution_state": "idle"})
time.sleep(0.5)
print("late")
""",
    ),
    Hostile(
        "forged-reply",
        "answers the grader in the kernel's place that the cell went well, with payloads",
        "a reply carries no points",
        SENDING
        + """
socket = getattr(kernel.shell_stream, "socket", kernel.shell_stream)
kernel.session.send(socket, "execute_reply", {"status": "ok", "execution_count": 10**9,
    "payload": [{"source": "set_next_input", "text": "4.0"}], "score": 1000},
    parent=publisher.parent_header, ident=kernel._parent_ident["shell"])
""",
    ),
    Hostile(
        "unreadable-message",
        "sends messages that are no JSON, unsigned or of another shape",
        "what cannot be read ends that run alone, and the reason says so",
        """
publisher = get_ipython().display_pub
def double(x):
    return 3 * x
def first_row(x):
    return x[0]
import zmq
get_ipython().kernel.session.send(publisher.pub_socket, "display_data", {"data": []},
                                  parent=publisher.parent_header)
publisher.pub_socket.send_multipart([b"x", b"<IDS|MSG>", b"", b"{", b"{}", b"{}", b"{}"])
""",
        points=0.0,
        status=ATTENTION,
        reason="the kernel sent something that cannot be read",
    ),
    Hostile(
        "half-a-character",
        "prints half a character, which no file can hold, so that the verdict is not recorded",
        "what cannot be written is replaced when the notebook is written",
        SENDING + 'send("stream", {"name": "stdout", "text": "half: \\ud800"})\n',
    ),
    Hostile(
        "hide-in-refusal",
        "raises whatever a test may wait for, in every test",
        "refusing counts only where something that is asked for works",
        """
def double(x):
    raise type("All", (IndexError, ValueError, TypeError), {})("x")
""",
    ),
]
