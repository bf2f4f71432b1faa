"""When work was handed in, where a zip says it: else nothing is said, and nobody is made late."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zipfile import ZipInfo
from zoneinfo import ZoneInfo

from autograder.collecting.deliveries import Delivery, ZippedWork
from autograder.collecting.layouts import CANVAS, EXCHANGE, OF_PLATFORMS
from autograder.errors import CourseError
from autograder.submission.handed_in import TIMESTAMP
from autograder.submission.submitted_at import NBGRADERS

# Within so long a platform packs a zip; a class does not hand in so close together.
PACKING = timedelta(minutes=10)
_UNIX_TIME = 0x5455  # the field of a zip that is in UTC


def zone_of(name: str) -> ZoneInfo:
    """A zone by its name.

    Raises: CourseError, when there is none of it.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise CourseError(
            f"{name!r} is no time zone that is known here: write one such as Europe/Berlin"
        ) from error


def entry_time(info: ZipInfo, zone: ZoneInfo) -> datetime | None:
    """The time of an entry in UTC; a zip's own clock is in `zone`. None where it has none."""
    seconds = _unix_seconds(info.extra)
    if seconds is not None:
        return datetime.fromtimestamp(seconds, UTC)
    if info.date_time <= (1980, 1, 1, 0, 0, 0):
        return None
    try:
        return datetime(*info.date_time, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _unix_seconds(extra: bytes) -> int | None:
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _UNIX_TIME and length >= 5 and len(extra) >= 9 and extra[4] & 1:
            return int(struct.unpack_from("<i", extra, 5)[0])
        extra = extra[4 + length :]
    return None


def are_of_packing(found: Sequence[Delivery], zone: ZoneInfo) -> bool:
    """Whether the times of the entries say when the zip was made, and not when work came in."""
    times = [
        time
        for delivery in found
        for entry in delivery.entries.values()
        if entry.is_notebook and (time := entry_time(entry.info, zone)) is not None
    ]
    return not times or max(times) - min(times) <= PACKING


def timestamp(
    work: ZippedWork, zone: ZoneInfo, due: datetime | None, of_packing: bool
) -> tuple[bytes | None, str]:
    """What `timestamp.txt` is to say, if anything, and what a person should know of it.

    `due` is in UTC, without a zone.
    """
    if TIMESTAMP in work.files:
        return work.files[TIMESTAMP], ""
    delivery = work.delivery
    if delivery.owner.system == EXCHANGE:
        # A plus of a zone would have been taken for what follows the time.
        return (f"{delivery.time}\n".encode() if delivery.time[-1].isalpha() else None), ""
    if delivery.owner.system not in OF_PLATFORMS:
        return None, ""
    time = None if of_packing else entry_time(work.entry.info, zone)
    late = "marked LATE, and the zip does not say how late"
    if time is None:
        return None, late if delivery.is_late else ""
    if delivery.owner.system == CANVAS and due is not None:
        is_after = time.replace(tzinfo=None) > due
        if is_after != delivery.is_late:
            on_time = (
                f"the zip's time ({time:%Y-%m-%d %H:%M} UTC) is late, and Canvas's mark is not"
            )
            return None, late if delivery.is_late else on_time
    return f"{time.strftime(NBGRADERS)}\n".encode(), ""
