"""What a student's text asks for that may not be there: modules, and names of other cells.

Read from the source, never run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from autograder.reading.names import made, parsed

SHOWN = 60  # characters of a line
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
_NOT_IN_IT = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")


def first_line(source: str) -> str:
    """The first line of a cell that is no comment, as a person knows the cell by it."""
    lines = [line.strip() for line in source.splitlines()]
    return shown(next((line for line in lines if line and not line.startswith("#")), ""))


def shown(line: str) -> str:
    """A line of a source, short and without what a terminal obeys."""
    text = "".join(each if each.isprintable() else "?" for each in line.strip())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def imports(source: str) -> dict[str, str]:
    """The modules that a source imports, and `MODULE.NAME` of what is taken from one; each with
    the line that asks for it."""
    found: dict[str, str] = {}
    lines = source.splitlines()
    for statement in parsed([source]):
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                asked = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                module = node.module or ""
                asked = [module, *(f"{module}.{alias.name}" for alias in node.names)]
            else:
                continue
            line = lines[node.lineno - 1] if node.lineno <= len(lines) else ""
            for name in asked:
                parts = name.split(".")
                for end in range(1, len(parts) + 1):
                    found.setdefault(".".join(parts[:end]), shown(line))
    return found


def failed_import(source: str, message: str) -> str:
    """What to say of a cell that stopped with an ImportError of this message; empty where its
    source has no such import."""
    asked = imports(source)
    if (match := _NO_MODULE.search(message)) and match[1] in asked:
        return f"`{asked[match[1]]}`: there is no module {match[1]} here"
    if (match := _NOT_IN_IT.search(message)) and f"{match[2]}.{match[1]}" in asked:
        return f"`{asked[f'{match[2]}.{match[1]}']}`: there is no {match[1]} in {match[2]} here"
    return ""


def defined_by(source: str) -> set[str]:
    """The names that a cell would bind, imports among them."""
    names: set[str] = set()
    for statement in parsed([source]):
        names |= {*made(statement)}
        if isinstance(statement, ast.Import | ast.ImportFrom):
            names |= {each.asname or each.name.split(".")[0] for each in statement.names}
    return names


def read_names(sources: Iterable[str]) -> set[str]:
    """The names that these sources read."""
    return {
        node.id
        for statement in parsed(sources)
        for node in ast.walk(statement)
        if isinstance(node, ast.Name)
    }


def debuggers(source: str) -> list[str]:
    """The calls in a source that wait for somebody at a keyboard."""
    found = []
    for statement in parsed([source]):
        for node in ast.walk(statement):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Name) and node.func.id in ("breakpoint", "input"):
                found.append(f"{node.func.id}()")
            elif isinstance(node.func, ast.Attribute) and node.func.attr == "set_trace":
                found.append("set_trace()")
    return list(dict.fromkeys(found))
