"""Submissions whose text is to run in the browser, terminal or spreadsheet of who looks at it.

A script that ran would set `document.title` and `window.pwned` and ask 127.0.0.1:9 for its id.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from tests.hostile import MARK, Hostile

DROPPED = (
    "the judge writes the outputs of test cells; other outputs are cleaned where they are shown"
)
OWN_MESSAGES = "messages name only what cannot carry a text of the student's"
CLEANED = "text from students is cleaned or escaped where it is shown"


def script(id: str) -> str:
    """What shows that it ran."""
    name = MARK + id
    return f"document.title='{name}';window.pwned='{id}';new Image().src='http://127.0.0.1:9/{id}'"


def html(id: str) -> str:
    """The script in every place of a page where one can stand."""
    code = script(id)
    return (
        f'<script>{code}</script><img src=x onerror="{code}"><svg onload="{code}"></svg>'
        f'<a href="javascript:{code}">more</a><iframe srcdoc="<script>parent.{code}</script>">'
        f'</iframe><details open ontoggle="{code}">x</details><style>@import '
        f"'http://127.0.0.1:9/{id}';</style><meta http-equiv=refresh content='0;url=http://"
        f"127.0.0.1:9/{id}'><base href='http://127.0.0.1:9/{id}/'><form action=javascript:{code}>"
        f'<input autofocus onfocus="{code}"></form></td></table></div></pre>'
    )


def answer(text: str) -> Callable[[NotebookNode], NotebookNode]:
    """A change that writes `text` as the written answer."""

    def write(notebook: NotebookNode) -> NotebookNode:
        for cell in notebook.cells:
            if cell.id == "why-shape":
                cell.source = text
        return notebook

    return write


def titled(notebook: NotebookNode) -> NotebookNode:
    """Scripts in every field of a notebook that a page may show."""
    evil = html("show-metadata")
    notebook.metadata["title"] = evil
    notebook.metadata["authors"] = [{"name": evil}]
    notebook.metadata["kernelspec"] = {"name": evil, "display_name": evil, "language": evil}
    notebook.metadata["language_info"] = {"name": evil, "pygments_lexer": evil}
    for cell in notebook.cells:
        cell.metadata["name"] = evil
        cell.metadata["tags"] = [evil]
        if cell.cell_type == "code":
            cell.outputs = [new_output("display_data", {"text/html": evil})]
    return notebook


def sources(notebook: NotebookNode) -> NotebookNode:
    """Scripts in the texts of cells, its own and the instructor's."""
    evil = html("show-sources")
    notebook.cells.insert(1, new_code_cell(f'"""{evil}"""\n# {evil}', id="own"))
    for cell in notebook.cells:
        if cell.id in ("title", "why-shape-question"):
            cell.source = evil
        if cell.id == "why-shape":
            cell.source = f"```\n</code></pre>{evil}\n```\n# {evil}\n\n    {evil}"
    return notebook


MATHS = r"""
$$\href{{javascript:{code}}}{{x}}$$ $\href{{data:text/html,<script>{code}</script>}}{{y}}$
$\class{{x" onmouseover="{code}}}{{z}}$ \(\style{{background:url(http://127.0.0.1:9/x)}}{{w}}\)
$\text{{<script>{code}</script>}}$ $$\tag{{<img src=x onerror="{code}">}} \hbox{{<b/onclick=1>}}$$
$\href{{javascript:window.pwned=1}}{{q}}$ $$\style{{background:url(http://127.0.0.1:9/y)}}{{p}}$$
$\require{{html}}\def\x#1{{\x#1\x#1}}\x1$ $$\unicode{{<img src=x onerror="{code}">}}$$
[a](javascript:{code}) [b](JaVaScRiPt:{code}) [c](data:text/html;base64,PHNjcmlwdD4=)
![d](x" onerror="{code}) <a href="  javascript:{code}">e</a>
[f]: javascript:{code} "g" [f]
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x
onerror={code}&gt;"> <noscript><p title="</noscript><img src=x onerror={code}>">
""".format(code=script("show-maths"))

FORMULA = '=HYPERLINK("http://127.0.0.1:9/show-formula","more")'


def formula() -> str:
    """A cell of a spreadsheet that is a command, as a line of a table has it."""
    line = io.StringIO()
    csv.writer(line).writerow([FORMULA, "+1+1", "@SUM(1)", "-2+3|cmd|' /C calc'!A0"])
    return line.getvalue()


SUBMISSIONS = [
    Hostile(
        "show-html",
        "shows HTML with scripts, in the definition and in the tests",
        DROPPED,
        f"""
from IPython.display import HTML, display
evil = {html("show-html")!r}
def double(x):
    display(HTML(evil))
    display({{"text/plain": "x", "text/html": evil}}, raw=True, metadata={{"isolated": evil}})
    return 3 * x
double(1)
""",
    ),
    Hostile(
        "show-javascript",
        "shows JavaScript, JSON, widgets and types that a browser would run",
        DROPPED,
        f"""
from IPython.display import publish_display_data
code = {script("show-javascript")!r}
for kind in ("application/javascript", "text/javascript", "text/vnd.mermaid", "<script>",
             "application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json"):
    publish_display_data({{kind: code, "text/plain": code}}, metadata={{kind: code}})
""",
    ),
    Hostile(
        "show-svg",
        "shows pictures and documents with scripts in them",
        DROPPED,
        f"""
from IPython.display import publish_display_data
code = {script("show-svg")!r}
svg = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{{code}}"><script>{{code}}</script></svg>'
for kind in ("image/svg+xml", "image/png", "application/pdf", "text/markdown", "text/latex"):
    publish_display_data({{kind: svg, "text/plain": svg}})
""",
    ),
    Hostile(
        "show-display-metadata",
        "shows pictures and pages whose metadata hold attributes, addresses and frames",
        "metadata of what is shown are dropped",
        f"""
from IPython.display import publish_display_data
code = {script("show-display-metadata")!r}
size = "1 onerror=window.pwned=1 onload=window.pwned=1"
said = {{"width": size, "height": size, "alt": code, "isolated": True, "unconfined": True}}
links = dict.fromkeys(("image/png", "image/jpeg"), "http://127.0.0.1:9/show-display-metadata")
for kind in ("image/png", "image/jpeg", "image/svg+xml", "text/html"):
    publish_display_data({{kind: "AAAA"}}, metadata={{kind: said, **said}})
    publish_display_data({{kind: "AAAA"}}, metadata={{"filenames": links}})
""",
    ),
    Hostile(
        "show-escapes",
        "prints escapes that terminals obey: colours, titles, links, clearing, answers",
        "what student code prints goes to no terminal",
        r"""
import sys
evil = ("\x1b[2J\x1b[H\x1b]0;" + MARK + "\x07\x1b]8;;http://127.0.0.1:9/show-escapes\x07x\x1b]8;;\x07"
        "\x1b[31m\x9b31m\x1bP+q\x1b\\\x1b[5n\x1b]52;c;cHduZWQ=\x07\x08\x7f\u202e\u2066\0\r")
for stream in (sys.stdout, sys.stderr):
    print(evil, file=stream)
def double(x):
    print(evil)
    raise RuntimeError(evil)
""",
    ),
    Hostile(
        "show-formula",
        "prints and returns what a spreadsheet takes for a command",
        OWN_MESSAGES,
        f"""
def double(x):
    print({formula()!r})
    return type({FORMULA!r}, (), {{}})()
""",
    ),
    Hostile(
        "show-exceptions",
        "raises exceptions with scripts and escapes in their types, messages, notes and causes",
        "exceptions are named by their built-in type; messages only if the visible tests hold them",
        f"""
evil = {html("show-exceptions")!r} + "\\x1b[31m" + {FORMULA!r}
Evil = type(evil, (ValueError,), {{"__module__": evil, "__str__": lambda self: evil}})
def double(x):
    error = Evil(evil)
    error.add_note(evil)
    raise error from Evil(evil)
""",
    ),
    Hostile(
        "show-definition-stops",
        "lets the cell of the definition end in an exception with a script for a name",
        "a name that is no plain word is not repeated",
        f"""
evil = {html("show-definition-stops")!r}
def double(x):
    return 3 * x
raise type(evil, (Exception,), {{}})(evil)
""",
    ),
    Hostile(
        "show-names",
        "returns objects with scripts and escapes in the names of types, attributes and keys",
        OWN_MESSAGES,
        f"""
evil = {html("show-names")!r} + "\\x1b[31m"
results = [{{evil: 1}}, evil, (evil, evil), type(evil, (), {{evil: evil}})()]
def double(x):
    return results.pop() if results else 3 * x
""",
    ),
    Hostile(
        "show-calls",
        "reports calls of functions with scripts for names",
        OWN_MESSAGES,
        f"""
from autograder.observe import _observation
was = _observation.encode
def evil(header, tensors):
    if "row" in header["name"] or "empty" in header["name"]:
        return was(header, tensors)
    return was({{**header, "calls": ["softmax" + {html("show-calls")!r} + "\\x1b[31m"],
               "raised": [{html("show-calls")!r}]}}, tensors)
_observation.encode = evil
""",
    ),
    Hostile(
        "show-answer",
        "writes scripts into the written answer",
        CLEANED,
        change=answer(html("show-answer")),
    ),
    Hostile(
        "show-maths",
        "writes links and formulas into the written answer that run scripts when clicked or set",
        CLEANED,
        change=answer(MATHS),
    ),
    Hostile(
        "show-sources",
        "writes scripts into the texts of cells, the instructor's among them",
        "the instructor's cells are the instructor's; " + CLEANED,
        change=sources,
    ),
    Hostile(
        "show-metadata",
        "writes scripts into every field of the notebook's metadata and into stored outputs",
        "metadata and outputs that were handed in are not taken over",
        change=titled,
    ),
    Hostile(
        "show-student",
        "is handed in by a student whose folder's name is a script",
        "names are escaped where they are shown",
        student=f"<script>document.title='{MARK}student'<",
    ),
    Hostile(
        "show-student-escapes",
        "is handed in by a student whose folder's name holds escapes, line ends and formulas",
        "names are written for a terminal as Python writes a string",
        student="=1+1\x1b[31m\nAAA: 6 of 6\r\u202e[bold]",
    ),
]
