"""What `check` says of wrong versions of the reference, from what `workbook release` recorded.

`python -m tests.desk NAME...` records the public examples of assignments anew into
`release/desk/` and prints which misconceptions `check` names.
"""

from __future__ import annotations

import base64
import functools
import json
import sys
from pathlib import Path

from autograder.course.catalogue import Catalogue
from autograder.course.course import Course
from autograder.verdict.diagnose import Case, diagnose
from autograder.verdict.evidence import decode
from autograder.verdict.judge import judge
from tests import diagnosing
from tests.harness import ROOT
from workbook.answering.answers import Answers, alike


@functools.cache
def answers(assignment: str) -> Answers:
    path = ROOT / "release" / "desk" / f"{assignment}.json"
    return Answers(assignment, json.loads(path.read_text()))


def shown(assignment: str, identity: str) -> bool:
    """Whether any public example of its definition comes out wrong under a misconception."""
    entry = diagnosing.catalogue(assignment).by_id[identity]
    recorded = answers(assignment).data["definitions"].get(entry.definition, {"versions": {}})
    return identity in recorded["versions"]


def named(assignment: str, identity: str) -> list[str]:
    """What `check` names when it finds what a misconception gives: the first is the likely one."""
    found = answers(assignment)
    definition = found.catalogue.by_id[identity].definition
    test = f"test-{definition}"
    version = found.versions(test, [(identity,)])[(identity,)]
    wrong = dict(zip(version.records, _raw(found, definition, identity), strict=True))
    right = {decode(record).name: record for record in found.expected(definition)}
    evidence = {test: list((right | wrong).values())}
    result = judge(
        test, 1.0, found.expected(definition), evidence[test], found.forbidden(definition)
    )
    case = Case(
        {test: result},
        {test: found.expected(definition)},
        evidence,
        {test: found.forbidden(definition)},
        {},
        {},
    )
    first = diagnosing.names(diagnose(case, found)[test])
    return [*first, *(other for one in first[:1] for other in others(found, definition, one))]


def others(found: Answers, definition: str, identity: str) -> list[str]:
    versions = found.versions(
        f"test-{definition}", [(each.id,) for each in found.catalogue.of(definition)]
    )
    one = versions[(identity,)]
    return [id for (id,), each in versions.items() if id != identity and alike(one, each)]


def _raw(found: Answers, definition: str, identity: str) -> list[bytes]:

    recorded = found.data["definitions"][definition]
    return [base64.b64decode(recorded["records"][n]) for n in recorded["versions"][identity]]


def record(name: str) -> None:
    """Write what `workbook release` would."""
    from autograder.course.public_examples import EXAMPLES
    from autograder.grading.run import Seeds, answer_keys
    from autograder.grading.workers import ThisProcess
    from autograder.release.published import public_answers

    course = Course(ROOT)
    (assignment,) = course.chosen([name])
    key = answer_keys(course, [assignment], ThisProcess(), Seeds())[name]
    file = assignment.module.removeprefix("solutions.") + EXAMPLES
    data = public_answers(key, (course.solutions / file).read_text())
    target = Path(ROOT, "release", "desk", f"{name}.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    old = json.loads(target.read_text()) if target.is_file() else {}
    kept = {key: value for key, value in old.items() if key not in data}
    target.write_text(json.dumps({**data, **kept}, indent=0, ensure_ascii=False) + "\n")


def main() -> None:
    for name in sys.argv[1:]:
        record(name)
        catalogue: Catalogue = diagnosing.catalogue(name)
        by_definition: dict[str, list[str]] = {}
        counts: dict[str, int] = {}
        for entry in catalogue.misconceptions:
            said = named(name, entry.id) if shown(name, entry.id) else None
            if said is None:
                kind, line = "not shown", f"not shown   {entry.id}: {entry.name}"
            elif said[:1] == [entry.id]:
                kind, line = "named", ""
                if said[1:]:
                    kind, line = "named, alike", f"alike       {entry.id} and {', '.join(said[1:])}"
            elif entry.id in said:
                kind, line = "in the list", ""
            else:
                kind, line = "WRONG", f"called {said}   {entry.id}: {entry.name}"
            counts[kind] = counts.get(kind, 0) + 1
            if line:
                by_definition.setdefault(entry.definition, []).append(line)
        for definition, lines in by_definition.items():
            print(f"{name} {definition}")
            print("\n".join(f"    {line}" for line in lines))
        print(name, counts)


if __name__ == "__main__":
    main()
