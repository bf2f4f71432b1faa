"""Writes the report of mutation testing: what survives, and what each observation is good for."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from autograder.verdict.evidence import decode
from tests import harness
from tests.mutation.judged import judged
from tests.mutation.made import Made, mutants

REPORT = harness.ROOT / "docs" / "mutation.md"
EQUIVALENT = Path(__file__).parent / "equivalent.toml"

HEAD = """# What the tests catch

Written by `make mutation`: every mutant of `solutions/` that
[cosmic-ray](https://cosmic-ray.readthedocs.io) makes (operators, comparisons, numbers, truth
values, loops, decorators), and the tables of wrong versions in `solutions/`. Each is judged by the
test cell of the definition that it changes. A mutant that survives is either equivalent, with the
reason, or a gap, and a gap is a failure. What an observation catches alone would be lost without
it; one that catches nothing alone may still be what tells a student which promise was broken.
"""


def main(names: Sequence[str]) -> int:
    """Judge the mutants of these assignments, or of all, and write the report of all."""
    known = tomllib.loads(EQUIVALENT.read_text()) if EQUIVALENT.is_file() else {}
    gaps = 0
    sections = []
    for assignment in names or harness.ASSIGNMENTS:
        made = mutants(assignment)
        caught = judged(made)
        section, found = _section(assignment, made, caught, known.get(assignment, {}))
        sections.append(section)
        gaps += found
        print(section, flush=True)
    if not names:
        REPORT.write_text("\n".join([HEAD, *sections]))
    return 1 if gaps else 0


def _section(
    assignment: str,
    made: Sequence[Made],
    caught: Sequence[frozenset[str]],
    known: dict[str, str],
) -> tuple[str, int]:
    """The part of the report on one assignment, and how many gaps it names."""
    tool = [c for m, c in zip(made, caught, strict=True) if m.by_tool]
    table = [c for m, c in zip(made, caught, strict=True) if not m.by_tool]
    alive = [m for m, c in zip(made, caught, strict=True) if not c]
    equivalent = [m for m in alive if f"{m.definition}: {m.change}" in known]
    gaps = [m for m in alive if m not in equivalent]
    lines = [
        f"## {assignment}",
        "",
        f"{len(tool)} mutants of the tool, {sum(map(bool, tool))} caught; {len(table)} of the "
        f"table, {sum(map(bool, table))} caught; {len(equivalent)} equivalent, {len(gaps)} gaps.",
    ]
    if gaps:
        lines += ["", "**Gaps**", ""]
        lines += [f"- `{m.definition}`: `{m.change}`" for m in gaps]
    if equivalent:
        lines += ["", "Equivalent:", ""]
        lines += [
            f"- `{m.definition}`: `{m.change}`: {known[f'{m.definition}: {m.change}']}"
            for m in equivalent
        ]
    lines += ["", "| test cell | observation | catches | alone |", "| --- | --- | --- | --- |"]
    for test in harness.test_cells(assignment):
        of_cell = [
            c for m, c in zip(made, caught, strict=True) if f"test-{m.definition}" == test and c
        ]
        for record in map(decode, harness.reference(assignment, 1)[test]):
            catches = sum(record.name in c for c in of_cell)
            alone = sum(c == {record.name} for c in of_cell)
            lines.append(f"| `{test}` | {record.name} | {catches} | {alone or '**0**'} |")
    return "\n".join([*lines, ""]), len(gaps)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
