"""What a collection did, in lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from autograder.collecting.collect import Collected
from autograder.errors import printable

SHOWN = 20  # of those who are not in the zip, so many are named


def said(done: Collected, dry_run: bool) -> Iterator[str]:
    """A line for each assignment, then all that a person should look at."""
    counts = [Counter(name for _, name in each) for each in (done.new, done.replaced, done.same)]
    would = "would be " if dry_run else ""
    for name in sorted({name for count in counts for name in count}):
        new, replaced, same = (count[name] for count in counts)
        yield f"{name}: {new} {would}new, {replaced} {would}replaced, {same} as they were"
    if not any(counts):
        yield "Nothing to collect."
    yield from done.notes
    if done.left_out:
        yield f"{len(done.left_out)} left out:"
        yield from (f"  {each.what}: {each.why}" for each in done.left_out)
    if done.missing:
        more = ", ..." * (len(done.missing) > SHOWN)
        names = ", ".join(map(printable, done.missing[:SHOWN]))
        yield f"{len(done.missing)} of the class have nothing here: {names}{more}"
