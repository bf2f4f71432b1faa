"""The judge: the evidence of a submission against that of the reference, check by check.

It knows nothing of what is taught. It fails closed: no evidence is no points.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from autograder.errors import BrokenReferenceError, MalformedEvidenceError
from autograder.reading.from_scratch import first_forbidden, message_of
from autograder.verdict.compare import difference, in_tuples
from autograder.verdict.evidence import Evidence, Record, decode
from autograder.verdict.raised import place, type_of
from autograder.verdict.verdict import CellResult, Check

TAMPERED = "the cell reported something that its tests do not write"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a submission's test cell besides its evidence; empty is nothing.

    `reason` says why evidence may be missing (out of time, the kernel died, the definition's cell
    failed); `forbidden_call` says what the source calls that is to be built here, and then nothing
    is earned; `through` is an earlier definition that does, and then what it does is not held
    against this one; `missing` has the names and modules that the student's text asks for, and
    after a point the attributes that the book asks for, each with what to say where it is not
    there; `lines` are those of the student's own cells.
    """

    reason: str = ""
    forbidden_call: str = ""
    through: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    lines: Container[str] = ()


NO_CIRCUMSTANCES = Circumstances()


def judge(
    grade_id: str,
    max_score: float,
    reference: Evidence,
    submission: Evidence,
    forbidden: Iterable[str] = (),
    circumstances: Circumstances = NO_CIRCUMSTANCES,
) -> CellResult:
    """Judge one test cell.

    `forbidden` holds parts of the names of library functions that must not have run.

    Raises: BrokenReferenceError, when the reference's evidence is empty, malformed or doubled.
    """
    expected = _reference(grade_id, reference)
    weight = sum(record.points for record in expected) or 1
    found, tampered = _submission([record.name for record in expected], submission)
    called = _called(found, tuple(forbidden))
    works = _works(expected, found, called)
    reason, through = circumstances.reason, circumstances.through
    forbidden_call = circumstances.forbidden_call
    if called and not through:
        forbidden_call = forbidden_call or next(iter(called.values()))
    checks, listed = [], False
    for record in expected:
        fine = "as it should be"
        if tampered:
            message: str | None = tampered
        elif forbidden_call:
            message = forbidden_call
        elif record.name not in found:
            message = reason or "did not run"
        elif record.name in called:
            message = f"{through}, which it uses, {called[record.name]}"
        else:
            message = _wrong(record, found[record.name], circumstances.lines)
            if message and _is_right_but_for_lists(record, found[record.name]):
                # One slip, however often the cell looks at it: the numbers are judged.
                if listed:
                    message, fine = None, f"right but for this: {message}; that is priced above"
                listed = True
            if message is None and record.raised is not None and not works:
                message = "refusing counts only where something that is asked for works"
            # The time limit ends a cell by an interrupt; a cell that stopped leaves no name behind.
            raised = set(found[record.name].raised or ())
            if reason and {"KeyboardInterrupt", "NameError"} & raised:
                message = reason
            elif message and (because := _missing(found[record.name], circumstances.missing)):
                message += f": {because}"
        points = max_score * record.points / weight
        checks.append(Check(record.name, message is None, points, message or fine))
    return CellResult(grade_id, max_score, tuple(checks))


def _missing(found: Record, known: Mapping[str, str]) -> str:
    """What to say of a name that is not there; any text can be in the evidence, so of known ones.

    Where the attribute stands in the line that is shown, nothing more needs to be said.
    """
    raised, name = set(found.raised or ()), found.missing or ""
    if {"ImportError", "NameError"} & raised:
        return known.get(name, "")
    return known.get(f".{name}", "") if "AttributeError" in raised else ""


def _called(found: dict[str, Record], forbidden: Sequence[str]) -> dict[str, str]:
    """The observations in which something ran that is to be built here, and what to say of it."""
    named = {name: first_forbidden(sorted(each.calls), forbidden) for name, each in found.items()}
    return {name: message_of(call) for name, call in named.items() if call is not None}


def _works(expected: Sequence[Record], found: dict[str, Record], called: Container[str]) -> bool:
    """Whether anything but a refusal is right; what always raises would pass the refusals."""
    results = [record for record in expected if record.raised is None]
    return not results or any(
        record.name in found
        and record.name not in called
        and _is_right_in_tuples(record, found[record.name])
        for record in results
    )


def _in_tuples(record: Record) -> Record:
    """The record with a tuple in the place of each list; itself without one."""
    try:
        values = in_tuples(record.values)
        return record if values is record.values else replace(record, values=values)
    except (TypeError, AttributeError, RecursionError):
        return record  # no evidence that the tests write


def differs_in_type(expected: Record, found: Record) -> bool:
    """Whether nothing is wrong but that there are lists for tuples, or the other way round."""
    return _wrong(expected, found) is not None and _is_right_but_for_lists(expected, found)


def _is_right_but_for_lists(expected: Record, found: Record) -> bool:
    """The same, where it is known that something is wrong."""
    others = _in_tuples(expected), _in_tuples(found)
    is_asked = others[0] is not expected or others[1] is not found
    return is_asked and _wrong(*others) is None


def _is_right_in_tuples(expected: Record, found: Record) -> bool:
    return _wrong(_in_tuples(expected), _in_tuples(found)) is None


def _reference(grade_id: str, records: Evidence) -> list[Record]:
    try:
        expected = [decode(record) for record in records]
    except MalformedEvidenceError as error:
        raise BrokenReferenceError(
            f"the reference's evidence of {grade_id} is malformed"
        ) from error
    if not expected:
        raise BrokenReferenceError(f"the reference run of {grade_id} recorded no observation")
    doubled = [name for name, count in Counter(r.name for r in expected).items() if count > 1]
    if doubled:
        raise BrokenReferenceError(f"{grade_id} has more than one observation named {doubled[0]!r}")
    return expected


def _submission(expected: Sequence[str], records: Evidence) -> tuple[dict[str, Record], str | None]:
    """The records by name, and what is wrong with them as a whole, if anything is."""
    try:
        found = {record.name: record for record in map(decode, records)}
    except MalformedEvidenceError:
        return {}, TAMPERED
    # Some may be missing; none may be new, doubled or out of order.
    if len(found) != len(records) or list(found) != [name for name in expected if name in found]:
        return {}, TAMPERED
    return found, None


def _wrong(expected: Record, found: Record, lines: Container[str] = ()) -> str | None:
    if "NotImplementedError" in (found.raised or ()):
        # A layer without forward and an operator that lacks a dtype raise it as a stub does.
        return "raised NotImplementedError: it is not written yet, or what it calls cannot do this"
    if expected.raised is None and found.raised is not None:
        return f"raised {type_of(found.raised)}{place(found, lines)}"
    if expected.raised is not None:
        return _wrong_exception(expected, found, lines)
    for name, node in expected.values.items():
        if name not in found.values:
            return f"{name}: missing"
        try:
            wrong = difference(node, expected.arrays, found.values[name], found.arrays)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError):
            wrong = "is not evidence that the tests write"
        if wrong:
            return f"{name}: {wrong}"
    return None


def _wrong_exception(expected: Record, found: Record, lines: Container[str]) -> str | None:
    assert expected.raised is not None
    wanted = expected.raised[0] if expected.raised else "Exception"
    if found.raised is None:
        return "raised no exception, although the argument is wrong"
    if wanted not in found.raised:
        raised = f"raised {type_of(found.raised)}{place(found, lines)}"
        return f"{raised}, which does not tell the caller what is wrong"
    if expected.names and not found.names:
        return f"raised {wanted}, but its message does not name the argument"
    return None
