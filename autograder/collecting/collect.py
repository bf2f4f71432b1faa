"""Puts what a zip holds into submitted/, where grading looks for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from autograder.collecting.archive import Archive, LeftOut
from autograder.collecting.deliveries import ZippedWork, by_student, deliveries, works
from autograder.collecting.person import Roll
from autograder.collecting.times import are_of_packing, timestamp, zone_of
from autograder.course.course import Course, is_litter
from autograder.errors import printable
from autograder.gradebook.autograded import new_folder
from autograder.submission.handed_in import MAX_BYTES, TIMESTAMP, write_files


@dataclass(frozen=True)
class CollectOptions:
    """How it is done: `dry_run` writes nothing, `replace` also what is there and differs."""

    name: str | None = None
    replace: bool = False
    dry_run: bool = False
    zone: str = "UTC"
    due: Mapping[str, datetime] = field(default_factory=dict)


@dataclass
class Collected:
    """What became of it, as student and assignment: new, replaced, as it was, and left out."""

    new: list[tuple[str, str]] = field(default_factory=list)
    replaced: list[tuple[str, str]] = field(default_factory=list)
    same: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def collect(course: Course, path: Path, roll: Roll, options: CollectOptions) -> Collected:
    """Put a zip's submissions where they belong, and say what was done and what was not.

    Raises: CourseError, when it is no zip that can be read; OSError, when it cannot be written.
    """
    zone = zone_of(options.zone)
    done = Collected()
    with Archive(path) as archive:
        found = deliveries(archive, course)
        of_packing = are_of_packing(found, zone)
        for student, theirs in sorted(by_student(found, roll, archive.left_out).items()):
            for delivery in theirs:
                if delivery.assignment and options.name not in (None, delivery.assignment):
                    continue  # of another assignment, and the zip says so
                for work in works(archive, course, student, delivery, options.name):
                    at, note = timestamp(work, zone, options.due.get(work.assignment), of_packing)
                    if note:
                        done.notes.append(f"{student}, {work.assignment}: {note}")
                    contents = {**work.files, f"{work.assignment}.ipynb": work.notebook}
                    if at is not None:
                        contents[TIMESTAMP] = at
                    _put(course, work, contents, options, done)
        done.left_out[:0] = archive.left_out
    there = {student for each in (done.new, done.replaced, done.same) for student, _ in each}
    done.missing = sorted({person.id for person in roll.people} - there)
    return done


def _put(
    course: Course,
    work: ZippedWork,
    contents: Mapping[str, bytes],
    options: CollectOptions,
    done: Collected,
) -> None:
    folder = course.folder("submitted", work.student, work.assignment)
    whose = (work.student, work.assignment)
    said = printable(str(folder.relative_to(course.root)))
    if folder.is_symlink() or folder.parent.is_symlink():
        why = "it is a link to another place"
    elif not os.path.lexists(folder):
        done.new.append(whose)
        why = ""
    elif not folder.is_dir():
        why = "it is there, and no folder"
    elif _is_there(folder, contents):
        done.same.append(whose)
        return
    elif options.replace:
        done.replaced.append(whose)
        why = ""
    else:
        why = "it is there already and differs; --replace puts this in its place"
    if why:
        done.left_out.append(LeftOut(said, why))
    elif not options.dry_run:
        _write(folder, contents, course.is_shared)


def _is_there(folder: Path, contents: Mapping[str, bytes]) -> bool:
    """Whether a folder holds these files and no others, litter aside."""
    there = set()
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_litter(name)]
        for name in (name for name in names if not is_litter(name)):
            file = Path(parent, name)
            inside = str(file.relative_to(folder))
            there.add(inside)
            if inside not in contents or file.is_symlink() or not file.is_file():
                return False
            if file.stat().st_size > MAX_BYTES or file.read_bytes() != contents[inside]:
                return False
    return there == contents.keys()


def _write(folder: Path, contents: Mapping[str, bytes], shared: bool) -> None:
    with new_folder(folder, shared) as new:
        write_files(contents, new)
