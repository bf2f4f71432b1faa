"""What `check` says of wrong versions, from what a release would record of public examples."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from autograder.authoring.authored import Authored
from autograder.authoring.findings import Findings
from autograder.authoring.in_process import InProcess
from autograder.authoring.right import with_style
from autograder.authoring.tried_before import in_order
from autograder.authoring.wrong import Wrong
from autograder.course.assignment import DEMO, is_solution, is_test, stub, without_hidden
from autograder.course.public_examples import read_examples, source_of
from autograder.kernel.versions import defined
from autograder.release.published import SEED, answers_of_examples
from autograder.verdict.evidence import decode
from autograder.verdict.versions import Swap, version_of
from workbook.answering.answers import Answers
from workbook.answering.verdicts import verdict

REFERENCE = "the reference"


def recorded(authored: Authored, only: Sequence[str] | None = None) -> Answers:
    """What the reference and its wrong versions make of the public examples, here and now.

    `only` are the definitions whose examples are run, where it is not all of them.

    Raises: CourseError, when the examples cannot be used.
    """
    process = InProcess(authored, SEED)
    data = answers_of_examples(authored.assignment, process, authored.examples, only)
    return Answers(authored.name, data)


class ExamplesRun:
    """Which public examples show a wrong version, of one that is run in this process."""

    def __init__(self, authored: Authored) -> None:
        self._authored = authored
        self._process = InProcess(authored, SEED)
        self._right = cache(lambda definition: self._run(definition, ()))
        self._source = cache(self._source_of)

    def evidence(self, wrong: Wrong) -> Sequence[bytes]:
        """What it gives in the examples of its definition."""
        return self._run(wrong.definition, wrong.swap)

    def by(self, wrong: Wrong, evidence: Sequence[bytes]) -> tuple[str, ...]:
        """The examples in which this is wrong."""
        right, forbidden = self._right(wrong.definition), self._authored.forbidden[wrong.test]
        given = in_order(evidence, right)
        fails = version_of(wrong.test, right, given, forbidden).fails
        return tuple(name for name in (decode(each).name for each in given) if name in fails)

    def _run(self, definition: str, swap: Swap) -> Sequence[bytes]:
        return self._process.evidence(self._source(definition), [swap]).get(swap, [])

    def _source_of(self, definition: str) -> str:
        every = read_examples(self._authored.examples, list(self._authored.solution_cells))
        return source_of([each for each in every if each.definition == definition])


def shown_by(answers: Answers, identity: str) -> list[str]:
    """The public examples in which a misconception comes out wrong."""
    entry = next((each for each in answers.catalogue.misconceptions if each.id == identity), None)
    if entry is None:
        return []
    kept = answers.versions(f"test-{entry.definition}", [(identity,)])
    return [name for version in kept.values() for name in version.records]


def told_at_the_desk(authored: Authored, answers: Answers, ids: Iterable[str]) -> Findings:
    """Each misconception, tried at the desk, goes wrong there and is called by its name.

    Else a student who checks first would hear of it from the grader alone.
    """
    counts: Counter[str] = Counter(shown=0)
    failures = []
    for entry in (authored.catalogue.by_id[identity] for identity in ids):
        if entry.definition not in answers.definitions:
            continue
        source = authored.catalogue.swapped([entry.id]) or ""
        found = verdict(answers, entry.definition, defined(source))
        if found.passed == bool(shown_by(answers, entry.id)):
            failures.append(f"the public examples show {entry.id!r} on some runs and not on others")
        elif found.passed:
            failures.append(
                f"no public example shows {entry.id!r}, so check lets it pass: write one in which "
                "it comes out wrong"
            )
        else:
            counts["shown"] += 1
            said = [each.id for each in (*found.causes, *found.others)]
            if entry.id not in said:
                called = " + ".join(said) or "nothing"
                failures.append(f"check calls {entry.id!r} {called}: an example must tell them")
    return Findings(counts, tuple(failures))


def examples_serve(authored: Authored, answers: Answers, config: Any) -> Findings:
    """Every definition has examples; they pass right work, and give no hidden test away."""
    examples = read_examples(authored.examples, list(authored.solution_cells))
    failures = [
        f"{name} has no public example"
        for name in authored.solution_cells
        if name not in answers.definitions
    ]
    sources = {REFERENCE: "", **{f"the style {n}": s for n, s in authored.own_styles.items()}}
    untouched = _released(authored, config)
    right = {who: with_style(authored, who, source) for who, source in sources.items()}
    for name in answers.definitions:
        failures += [
            f"{who} fails the public example {each.example.name!r} of {name}"
            for who, definitions in right.items()
            for each in verdict(answers, name, definitions).tried
            if not each.check.passed
        ]
        alone = verdict(answers, name, {**right[REFERENCE], name: untouched[name]})
        # Where nothing is written yet, an earlier stub may be met first.
        if alone.unwritten != name or not verdict(answers, name, untouched).unwritten:
            failures.append(f"check takes the stub of {name} for something written")
    failures += _given_away(authored, answers)
    return Findings(Counter(examples=len(examples)), tuple(failures))


def _released(authored: Authored, config: Any) -> dict[str, Any]:
    """What is defined when the cells of an untouched release have run."""
    names: dict[str, Any] = {"__name__": "desk"}
    for cell in authored.assignment.notebook.cells:
        if cell.cell_type != "code" or is_test(cell) or DEMO in cell.metadata.get("tags", []):
            continue
        source = stub(cell, config) if is_solution(cell) else cell.source
        exec(compile(source, f"<{cell.id}>", "exec"), names)
    return names


def _given_away(authored: Authored, answers: Answers) -> Iterator[str]:
    secret = [
        line
        for cell in authored.assignment.notebook.cells
        for line in set(cell.source.splitlines()) - set(without_hidden(cell.source).splitlines())
    ]
    hidden, text = "\n".join(secret), json.dumps(answers.data)
    for name in answers.definitions:
        if authored.definition(name) in text:
            yield f"the public examples of {name} hold its definition"
        for example in answers.examples(name):
            lines = [line.strip() for line in example.code.splitlines()]
            called = f"the public example {example.name!r} of {name}"
            if f'observe("{example.name}"' in hidden:
                yield f"{called} has the name of a hidden observation: call it otherwise"
            if all(line in hidden for line in lines):
                yield f"{called} is a hidden test: each of its lines stands in one"
