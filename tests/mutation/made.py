"""The mutants: made by cosmic-ray's operators, and those of the table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tests import diagnosing, harness

# They need names of variables to work with.
WITHOUT = {"core/VariableReplacer", "core/VariableInserter"}


@dataclass(frozen=True)
class Made:
    """A wrong version of a module: which definition was changed, how, and the whole source."""

    assignment: str
    definition: str
    change: str
    source: str
    by_tool: bool


def mutants(assignment: str) -> list[Made]:
    """All of one assignment; what several operators make alike stands once."""
    found: dict[str, Made] = {}
    for made in (*_of_the_tool(assignment), *_of_the_table(assignment)):
        found.setdefault(ast.dump(ast.parse(made.source)), made)
    found.pop(ast.dump(ast.parse(harness.solution_source(assignment))), None)
    return list(found.values())


def _of_the_tool(assignment: str) -> Iterator[Made]:
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    source = harness.solution_source(assignment)
    for name in operator_names():
        if name in WITHOUT:
            continue
        occurrence = 0
        while (mutated := mutate_code(source, get_operator(name)(), occurrence)) is not None:
            occurrence += 1
            changed = _change(source, mutated)
            if changed is not None:
                yield Made(assignment, *changed, mutated, by_tool=True)


def _change(source: str, mutated: str) -> tuple[str, str] | None:
    """The definition that a mutant changes and the line before and after; None where not Python.

    Type hints, numbers in the words of an exception and what stands above the definitions are no
    behaviour.
    """
    try:
        after = {_name(node): node for node in ast.parse(mutated).body}
    except (SyntaxError, ValueError):
        return None
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            other = after.get(node.name)
            if other is not None and ast.dump(_bare(node)) != ast.dump(_bare(other)):
                pairs = zip(source.splitlines(), mutated.splitlines(), strict=False)
                old, new = next((a, b) for a, b in pairs if a != b)
                return node.name, f"{old.strip()}  ->  {new.strip()}"
    return None


def _name(node: ast.stmt) -> str:
    return node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else ""


def _bare(node: ast.stmt) -> ast.stmt:
    """A copy without annotations and without what is put into the words of an exception."""
    copied = ast.parse(ast.unparse(node)).body[0]
    for each in ast.walk(copied):
        if isinstance(each, ast.FunctionDef):
            each.returns = None
        elif isinstance(each, ast.arg):
            each.annotation = None
        elif isinstance(each, ast.Raise):
            for part in ast.walk(each):
                if isinstance(part, ast.FormattedValue):
                    part.value = ast.Constant(0)
    return copied


def _of_the_table(assignment: str) -> Iterator[Made]:
    catalogue = diagnosing.catalogue(assignment)
    for form in catalogue.wrong_versions:
        source = catalogue.source_of_form(form)
        yield Made(assignment, form.definition, form.id, source, by_tool=False)
