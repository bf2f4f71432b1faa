"""Public examples: small calls of a definition whose right results students may see.

`solutions/some_name.examples.toml` lies beside `solutions/some_name.py`. An example is observed
like a hidden test, so what a student's definition makes of it is judged and diagnosed like one.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from autograder.errors import CourseError

EXAMPLES = ".examples.toml"

# What an example may use besides the definitions.
NAMES = """
import math
import numpy as np
import torch
from torch import nn
from autograder.observe import *
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A piece of code that calls a definition, whose `results` are looked at.

    `name` says what is tried, `hint` which idea to look at when it fails; `naming` is an argument
    that a refusal has to name, where the example is one that is to be refused.
    """

    definition: str
    name: str
    code: str
    hint: str
    naming: str | None = None

    @property
    def results(self) -> list[str]:
        """The names that it assigns and reads nowhere, or in the last line; not `_`."""
        tree = ast.parse(self.code)
        read = {node.id for node in ast.walk(tree) if _is_read(node)} - {*made(tree.body[-1])}
        names = [name for statement in tree.body for name in made(statement) if name != "_"]
        return [name for name in dict.fromkeys(names) if name not in read]

    @property
    def source(self) -> str:
        """The code as an observation, in the words of a test cell."""
        last = ast.parse(self.code).body[-1]
        before, end = _parted(self.code, last)
        is_value = isinstance(last, ast.Expr)
        body = f"{before}seen.result = ({end}\n)" if is_value else self.code
        if self.results:
            attributes = ", ".join(f"seen.{name}" for name in self.results)
            body += f"\n{attributes} = {', '.join(self.results)}"
        inside = "\n".join(f"    {line}" for line in body.splitlines())
        return f"with observe({self.name!r}, naming={self.naming!r}) as seen:\n{inside}\n"


def made(statement: ast.stmt) -> list[str]:
    """The names that an assignment binds, in order; none for any other statement."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return [
        node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)
    ]


def _is_read(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def _parted(code: str, last: ast.stmt) -> tuple[str, str]:
    lines = code.splitlines(keepends=True)
    return "".join(lines[: last.lineno - 1]), "".join(lines[last.lineno - 1 :]).rstrip()


def read_examples(text: str, definitions: Sequence[str]) -> list[Example]:
    """Read the examples of these definitions.

    Raises: CourseError, naming the one that cannot be used and why.
    """
    try:
        by_definition = tomllib.loads(text).get("example", {})
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"the public examples are not TOML: {error}") from error
    if not isinstance(by_definition, dict) or not all(
        isinstance(named, dict) for named in by_definition.values()
    ):
        raise CourseError("public examples stand in rows by name, under [example.DEFINITION]")
    examples: list[Example] = []
    rows = [(of, name, row) for of, named in by_definition.items() for name, row in named.items()]
    for definition, name, row in rows:
        called = f"the public example {name!r} of {definition}"
        try:
            example = Example(
                **{**row, "code": row["code"].strip()}, definition=definition, name=name
            )
            last = ast.parse(example.code).body[-1]
        except (TypeError, KeyError, AttributeError) as error:
            has = ", ".join(row) if isinstance(row, dict) else repr(row)
            raise CourseError(
                f"{called} has {has}; its fields are code, hint and perhaps naming, each a text"
            ) from error
        except (SyntaxError, IndexError) as error:
            raise CourseError(f"{called} is not Python: {error}") from error
        if example.definition not in definitions:
            raise CourseError(
                f"{called} is of {example.definition!r}, which the notebook does not ask for"
            )
        if not (isinstance(last, ast.Expr) or {*made(last)} - {"_"}):
            raise CourseError(f"{called} ends in neither a value nor an assignment of names")
        examples.append(example)
    return examples


def source_of(examples: Sequence[Example]) -> str:
    """All of them as one test cell."""
    return NAMES + "\n".join(example.source for example in examples)
