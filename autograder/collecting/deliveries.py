"""What students handed in, as a zip has it: whose it is, the notebook that counts, its files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from autograder.collecting.archive import Archive, LeftOut, ZipEntry
from autograder.collecting.layouts import EXCHANGE, OF_PLATFORMS, Owner, placed
from autograder.collecting.person import Roll
from autograder.course.course import Course
from autograder.errors import UnreadableError, printable
from autograder.submission.cells import parse
from autograder.submission.handed_in import MAX_BYTES, MAX_FILES, MAX_NAME, TIMESTAMP
from autograder.submission.recognise import which

MAX_NOTEBOOKS = 20  # of one student in a zip; each is read to see what it is
NO_LAYOUT = "it lies as in no zip of Moodle, Canvas or the exchange, nor in STUDENT/NAME/"


@dataclass
class Delivery:
    """What one owner handed in at one time; `assignment` where the zip says of which it is."""

    owner: Owner
    assignment: str | None = None
    time: str = ""
    is_late: bool = False
    entries: dict[PurePosixPath, ZipEntry] = field(default_factory=dict)


@dataclass(frozen=True)
class ZippedWork:
    """One student's work on one assignment, read; `entry` is that of the notebook."""

    student: str
    assignment: str
    notebook: bytes
    files: Mapping[str, bytes]
    entry: ZipEntry
    delivery: Delivery


def deliveries(archive: Archive, course: Course) -> list[Delivery]:
    """What there is of each owner; entries that are nobody's are left out."""
    names = {name.casefold(): name for name in course.assignments}
    found: dict[tuple[Owner, str | None, str], Delivery] = {}
    for path in archive.folders:
        place = placed(path, names)
        if place is not None:
            one = (place.owner, place.assignment, place.time)
            found.setdefault(one, Delivery(*one))
    for entry in archive.entries:
        place = placed(entry.path, names)
        if place is None or not place.inside.parts:
            archive.left_out.append(LeftOut(printable(str(entry.path)), NO_LAYOUT))
            continue
        one = (place.owner, place.assignment, place.time)
        delivery = found.setdefault(one, Delivery(*one))
        delivery.is_late |= place.is_late
        delivery.entries[place.inside] = entry
    return _newest(list(found.values()))


def _newest(found: list[Delivery]) -> list[Delivery]:
    """Without what was handed in again by the exchange, whose own rule is that the last counts."""
    last: dict[tuple[Owner, str | None], Delivery] = {}
    others = []
    for delivery in found:
        whose = (delivery.owner, delivery.assignment)
        if delivery.owner.system != EXCHANGE:
            others.append(delivery)
        elif whose not in last or last[whose].time < delivery.time:
            last[whose] = delivery
    return [*others, *last.values()]


def by_student(
    found: list[Delivery], roll: Roll, left_out: list[LeftOut]
) -> dict[str, list[Delivery]]:
    """The deliveries of each student, where it is clear who that is."""
    owners: dict[str, dict[Owner, str]] = defaultdict(dict)
    for owner in dict.fromkeys(each.owner for each in found):
        student, why = roll.whose(owner)
        if student is None:
            left_out.append(LeftOut(printable(owner.label), why))
        else:
            owners[student.casefold()][owner] = student
    clear: dict[str, list[Delivery]] = {}
    for claimed in owners.values():
        student = next(iter(claimed.values()))
        if len(claimed) > 1:
            labels = " and ".join(printable(each.label) for each in claimed)
            left_out.append(LeftOut(labels, f"several in the zip would be the student {student}"))
            continue
        clear[student] = [each for each in found if each.owner in claimed]
    return clear


def works(
    archive: Archive, course: Course, student: str, delivery: Delivery, name: str | None
) -> Iterator[ZippedWork]:
    """The notebooks that count in a delivery, read; what is unclear is left out."""
    label = printable(f"{student}: {delivery.owner.label}")

    def leave_out(why: str) -> None:
        archive.left_out.append(LeftOut(label, printable(why)))

    if delivery.assignment is not None and delivery.assignment not in course.assignments:
        leave_out(f"it is of {delivery.assignment!r}, which is no assignment of this course")
        return
    of, broken = _notebooks(archive, course, delivery, name)
    for why in broken:
        leave_out(why)
    if not of and not broken:
        names = ", ".join(str(path) for path in delivery.entries)
        leave_out(f"no notebook: {names[:200] or 'nothing at all'}")
    for assignment, candidates in of.items():
        if assignment is None:
            paths = ", ".join(str(path) for path in candidates)
            leave_out(f"of which assignment it is cannot be told: {paths[:200]}")
        elif name is not None and assignment != name:
            leave_out(f"this is {assignment}, not {name}: {', '.join(map(str, candidates))[:200]}")
        elif len(candidates) > 1:
            paths = ", ".join(str(path) for path in candidates)
            leave_out(f"{len(candidates)} notebooks of {assignment}: {paths[:200]}")
        else:
            ((path, notebook),) = candidates.items()
            files = {} if len(of) > 1 else _files(archive, delivery, path, leave_out)
            yield ZippedWork(student, assignment, notebook, files, delivery.entries[path], delivery)


def _notebooks(
    archive: Archive, course: Course, delivery: Delivery, name: str | None
) -> tuple[dict[str | None, dict[PurePosixPath, bytes]], list[str]]:
    """The notebooks of a delivery by the assignment that they are of, and why others are none."""
    wanted = delivery.assignment or name
    paths = [path for path, entry in delivery.entries.items() if entry.is_notebook]
    if delivery.assignment and PurePosixPath(f"{delivery.assignment}.ipynb") in paths:
        paths = [PurePosixPath(f"{delivery.assignment}.ipynb")]  # nbgrader's rule: the name counts
    if len(paths) > MAX_NOTEBOOKS:
        return {}, [f"{len(paths)} notebooks, of which at most {MAX_NOTEBOOKS} are looked at"]
    if sum(delivery.entries[path].info.file_size for path in paths) > 2 * MAX_BYTES:
        return {}, [f"its {len(paths)} notebooks are larger than {2 * MAX_BYTES // 2**20} MiB"]
    found: dict[str | None, dict[PurePosixPath, bytes]] = {}
    broken = []
    for path in paths:
        try:
            notebook = archive.read(delivery.entries[path])
            of = which(course, parse(notebook, path.name), path.name)
        except UnreadableError as error:
            broken.append(str(error))
        else:
            # One that nobody would know is what the zip says it is; grading looks at it again.
            found.setdefault(of or wanted, {})[path] = notebook
    return found, broken


def _files(
    archive: Archive, delivery: Delivery, notebook: PurePosixPath, leave_out: Callable[[str], None]
) -> dict[str, bytes]:
    """The files beside a notebook by their paths from it, without other notebooks."""
    beside = {}
    for path, entry in delivery.entries.items():
        is_below = path.is_relative_to(notebook.parent)
        shown = path.relative_to(notebook.parent) if is_below else path
        if ".ipynb" not in path.name and len(str(shown)) <= MAX_NAME:
            beside[str(shown)] = entry
    if delivery.owner.system in OF_PLATFORMS:  # there a student uploaded it
        beside.pop(TIMESTAMP, None)
    size = sum(entry.info.file_size for entry in beside.values())
    if len(beside) > MAX_FILES or size > MAX_BYTES:
        leave_out(
            f"the files beside {notebook} ({len(beside)}, {size // 2**20} MiB) are too many or too "
            "large; the notebook was taken without them"
        )
        return {}
    contents = {}
    for shown_as, entry in beside.items():
        try:
            contents[shown_as] = archive.read(entry)
        except UnreadableError as error:
            leave_out(str(error))
    return contents
