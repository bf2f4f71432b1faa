"""Submissions that look for answers, tests, secrets and other students' work, and print them."""

from __future__ import annotations

from tests.hostile import Hostile

NOT_THERE = "the course and the machine's files are not in the kernel's root"
OWN_MESSAGES = "messages name only what cannot carry a text of the student's"

# Prints what looks like a secret of the test, which all begin alike, in whatever it is given.
SEARCH = """
import glob, os, re
PATTERN = re.compile(rb"canary-[0-9a-f]{16}")
def search(*paths):
    for path in paths:
        try:
            with open(path, "rb") as file:
                print(path, PATTERN.findall(file.read(2**24)))
        except OSError:
            pass
"""
HIDDEN_LINE = "with observe('any shape') as seen"

SUBMISSIONS = [
    Hostile(
        "read-course",
        "opens the solutions, the source, the gradebook and other submissions by their paths",
        NOT_THERE,
        SEARCH
        + """
for top in (COURSE, OUTSIDE):
    for parent, _, files in os.walk(top):
        search(*(os.path.join(parent, name) for name in files))
search(f"{COURSE}/gradebook.db", f"{COURSE}/solutions/mini.py", "../../../gradebook.db")
""",
    ),
    Hostile(
        "read-import-solutions",
        "imports the reference and takes its functions",
        "the package is not there",
        """
import importlib, sys
sys.path[:0] = [COURSE, f"{COURSE}/solutions", "/kernel/packages", "/opt/workbook"]
GRADER = ("autograder.verdict.judge", "autograder.reference.answer_key")
for name in ("solutions.mini", "mini", "solutions", *GRADER):
    try:
        double = importlib.import_module(name).double
    except Exception as error:
        print(error)
""",
    ),
    Hostile(
        "read-everything",
        "walks the whole file system for a file called solutions, and for secrets in small ones",
        NOT_THERE,
        SEARCH
        + """
for parent, folders, files in os.walk("/"):
    if parent.startswith(("/usr", "/proc", "/opt")) or "site-packages" in parent:
        folders.clear()
        continue
    for name in files:
        if "solution" in name or "gradebook" in name or name.endswith((".ipynb", ".txt", ".db")):
            search(os.path.join(parent, name))
""",
    ),
    Hostile(
        "read-notebook",
        "looks for the notebook file, in which stock nbgrader has put the hidden tests",
        "no notebook is given to the kernel",
        SEARCH
        + """
found = glob.glob("**/*.ipynb", recursive=True) + glob.glob("/kernel/**", recursive=True)
search(*found, f"{COURSE}/source/01-mini/01-mini.ipynb")
print(found)
""",
    ),
    Hostile(
        "read-environment",
        "prints the environment, its own and that of every process",
        "the kernel's environment is made anew, and it sees no process but its own",
        SEARCH
        + """
print(dict(os.environ))
search(*glob.glob("/proc/*/environ"), *glob.glob("/proc/*/cmdline"))
""",
    ),
    Hostile(
        "read-proc",
        "follows /proc to the roots, folders and open files of other processes",
        "a /proc of its own shows its own processes alone",
        SEARCH
        + """
for process in range(1, 300):
    for place in ("root", "cwd"):
        top = f"/proc/{process}/{place}"
        search(f"{top}{COURSE}/gradebook.db", f"{top}{OUTSIDE}/secret.txt")
search(*glob.glob("/proc/*/fd/*"))
""",
    ),
    Hostile(
        "read-home",
        "reads home folders, the password file and keys",
        NOT_THERE,
        SEARCH
        + """
homes = ("/root", os.path.expanduser("~root"), *glob.glob("/home/*"), os.path.dirname(OUTSIDE))
for home in homes:
    search(*glob.glob(f"{home}/.*"), *glob.glob(f"{home}/.ssh/*"), *glob.glob(f"{home}/*.txt"))
search("/etc/shadow", "/etc/passwd", "/var/run/secrets")
""",
    ),
    Hostile(
        "read-neighbours",
        "looks for the folders of other kernels and of the fork server",
        "a kernel's root holds its own folder only",
        SEARCH
        + """
for pattern in ("/kernels/*/*", "/tmp/workbook-*/**", "/kernel/../*", "/old/*", "/new-root/*"):
    print(pattern, glob.glob(pattern, recursive=True))
    search(*glob.glob(pattern, recursive=True))
""",
    ),
    Hostile(
        "read-memory",
        "searches its own memory, a copy of the fork server's, and all objects for secrets",
        "the fork server is given no secret",
        SEARCH
        + """
import gc
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps:
        span, rights, *rest = line.split()
        begin, end = (int(each, 16) for each in span.split("-"))
        if "[heap]" in line and "r" in rights:
            memory.seek(begin)
            print(set(PATTERN.findall(memory.read(min(end - begin, 2**26)))))
print([type(one) for one in gc.get_objects() if type(one).__name__ in ("Server", "AnswerKey")])
""",
    ),
    Hostile(
        "read-descriptors",
        "reads from every file that it may have inherited",
        "a kernel inherits no open file",
        SEARCH
        + """
for number in range(3, 64):
    try:
        print(number, os.readlink(f"/proc/self/fd/{number}"))
        print(PATTERN.findall(os.pread(number, 2**20, 0)))
    except OSError:
        pass
""",
    ),
    Hostile(
        "read-tests",
        "reads the hidden tests from the history and prints them",
        "what student code printed is not part of the feedback",
        """
import inspect
def double(x):
    print(In[-1])
    print(inspect.currentframe().f_back.f_code.co_names)
    return 3 * x
""",
    ),
    Hostile(
        "leak-by-exception",
        "raises an exception whose type, module and message are lines of the hidden tests",
        "exceptions are named by their built-in type; messages only if the visible tests hold them",
        """
def double(x):
    line = next(each for each in In[-1].splitlines() if "seen" in each)
    raise type(line, (Exception,), {"__module__": line})(line)
""",
    ),
    Hostile(
        "leak-by-type",
        "returns an object whose type is called like a line of the hidden tests",
        OWN_MESSAGES,
        """
def double(x):
    line = next(each for each in In[-1].splitlines() if "seen" in each)
    return type(line.strip(" :").replace('"', "'"), (), {})()
""",
    ),
    Hostile(
        "leak-by-device",
        "records a device that is a text with lines of the hidden tests and terminal escapes",
        OWN_MESSAGES,
        f"""
from autograder.observe import _record
was = _record._tensor
def device(value, tensors):
    found = was(value, tensors)
    if "double" in In[-1]:
        found["device"] = {HIDDEN_LINE!r} + "\\x1b[31m\\x07" + In[-1]
    return found
_record._tensor = device
""",
    ),
    Hostile(
        "leak-by-values",
        "records kinds, strings, keys and shapes that are lines of the hidden tests",
        OWN_MESSAGES,
        f"""
from autograder.observe import _record
was = _record._tensor
def odd(value, tensors):
    if "double" not in In[-1]:
        return was(value, tensors)
    return {{"kind": {HIDDEN_LINE!r}, "value": In[-1], "shape": [In[-1]], "items": {{In[-1]: 1}}}}
_record._tensor = odd
""",
    ),
]
