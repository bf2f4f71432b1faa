"""Whether each wrong version is caught, called by its name alone, and blamed where it is made."""

from __future__ import annotations

from collections import Counter

from autograder.authoring.authored import Authored
from autograder.authoring.findings import Findings
from autograder.authoring.in_process import InProcess
from autograder.authoring.wrong import (
    Wrong,
    failed_in,
    found_of,
    named_by_table,
    named_in,
    reached_tests,
)
from autograder.course.catalogue import Form
from autograder.reading.from_scratch import messages

MOST_UNNAMED = 0.1  # of the mistakes that a list of documented ones has


def named_rightly(process: InProcess, wrong: Wrong) -> Findings:
    """The verdicts on one wrong version, against what its table says.

    A misconception is followed into the later test cells; of any other form only its own counts.
    """
    tests = [wrong.test]
    if wrong.is_misconception:
        reached = reached_tests(process.authored, wrong.definition)
        tests = [name for name in process.authored.assignment.tests if name in {*reached, *tests}]
    results = process.diagnosed(wrong.source, found_of(process, wrong, tests))
    own = results[wrong.test]
    names = named_in(own)
    counts = Counter(caught=int(bool(failed_in(own))), named=int(bool(names)))
    called = f"{wrong.definition}: the wrong version {wrong.id!r}"
    if not failed_in(own):
        return Findings(counts, (f"{called} passes every check of {wrong.test}",))
    failures = []
    if named_by_table(own, process.authored) != wrong.names:
        expected = " + ".join(wrong.names) or "to have no name"
        failures.append(
            f"{called} is called {' + '.join(names) or 'nothing'}; the table says: {expected}"
        )
    for test, result in results.items():
        if test == wrong.test or not failed_in(result):
            continue
        if named_in(result):
            failures.append(f"{called} is called {' + '.join(named_in(result))} in {test}, too")
        elif wrong.definition not in (*result.follows_from, *result.mend_first):
            failures.append(f"{called} fails {test}, which does not say where it comes from")
    return Findings(counts, tuple(failures))


def common_ones_named(authored: Authored) -> Findings:
    """Of the mistakes that a list of documented ones has, at least nine in ten get a name.

    Those that call what is to be built are told that instead.
    """
    catalogue = authored.catalogue
    listed = [form for form in catalogue.wrong_versions if form.listed]
    listed = [form for form in listed if not _is_accused(authored, form)]
    unnamed = [form.id for form in listed if not form.names]
    counts = Counter(listed=len(listed), listed_without_name=len(unnamed))
    if len(unnamed) <= MOST_UNNAMED * len(listed):
        return Findings(counts)
    words = f"{len(unnamed)} of {len(listed)} listed mistakes have no name: {', '.join(unnamed)}"
    return Findings(counts, (words,))


def _is_accused(authored: Authored, form: Form) -> bool:
    forbidden = {form.definition: authored.forbidden[f"test-{form.definition}"]}
    return bool(messages([authored.catalogue.source_of_form(form)], forbidden, ["solutions"]))
