"""When work was handed in, as `timestamp.txt` says it: read as it is meant, or not at all.

That file may have been written by nbgrader, by a learning platform, by a student or by hand. A time
that is guessed makes somebody late who was not, so what is not clear is a problem for a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from autograder.submission.handed_in import TIMESTAMP

EXPECTED = "expected is a time such as 2031-03-05 08:11:14 UTC, or +0100 in place of UTC"
NBGRADERS = "%Y-%m-%d %H:%M:%S.%f %Z"
_CLOCK = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)[T ]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?\s*(.*)"
)
_OFFSET = re.compile(r"(?:UTC|GMT)?\s?([+-])(\d\d?)(?::?([0-5]\d))?", re.IGNORECASE)
_ZONE = re.compile(r"\w[\w+-]*(?:/\w[\w+-]*)*", re.ASCII)


@dataclass(frozen=True)
class SubmittedAt:
    """When work was handed in: without a zone, in UTC; None where nobody knows.

    `problem` says what is wrong with the time that was given, if one was.
    """

    time: datetime | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Clock:
    """How a course writes its own times: nbgrader's `Exchange.timezone` and `timestamp_format`."""

    zone: str = "UTC"
    form: str = NBGRADERS


def submitted_at(content: bytes | None, clock: Clock | None = None) -> SubmittedAt:
    """Read the content of `timestamp.txt`; None is that of a file that is not there.

    Without a zone it is UTC, as nbgrader has it, unless the course writes its times without one.
    """
    if content is None:
        return SubmittedAt()
    clock = clock or Clock()
    text = content.decode("utf-8-sig", "replace").strip()
    if not text:
        return SubmittedAt(problem=f"{TIMESTAMP} is empty or cannot be read; {EXPECTED}")
    said = f"{TIMESTAMP} says {ascii(text)[:60]}"
    try:
        naive, zone = _parted(text, clock)
    except ValueError:
        return SubmittedAt(problem=f"{said}, which is no time that can be read; {EXPECTED}")
    try:
        return SubmittedAt(_utc(naive, zone, _zone(clock.zone)))
    except (ValueError, OverflowError):
        return SubmittedAt(
            problem=f"{said}, and what zone {ascii(zone)[:40]} is cannot be told; {EXPECTED}"
        )


def _parted(text: str, clock: Clock) -> tuple[datetime, str]:
    """The time as the clock showed it, and what is said of the zone.

    Raises: ValueError, when it is no time.
    """
    if match := _CLOCK.fullmatch(text):
        *numbers, fraction, zone = match.groups()
        year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
        micro = int((fraction or "").ljust(6, "0"))
        return datetime(year, month, day, hour, minute, second, micro), zone or "UTC"
    form = clock.form.strip()
    if form.endswith(("%Z", "%z")):
        time, _, zone = text.rpartition(" ")
        return datetime.strptime(time, form[:-2].strip()), zone
    return datetime.strptime(text, form), ""


def _utc(naive: datetime, name: str, own: tzinfo | None) -> datetime:
    """The same time in UTC; `own` is the course's zone, which has no name in its own times.

    Raises: ValueError, OverflowError, when the zone is not understood.
    """
    if name.upper() in ("UTC", "GMT", "Z"):
        return naive
    if match := _OFFSET.fullmatch(name):
        ahead = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        return naive - ahead if match[1] == "+" else naive + ahead
    if not name or "/" in name:
        zone = _zone(name) if name else own
        if zone is None:
            raise ValueError(name)
        return naive.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    # The hour that a clock shows twice has two names, and a name may be that of several zones.
    for zone in (own, _zone(name)):
        for fold in (0, 1):
            local = naive.replace(tzinfo=zone, fold=fold)
            if zone is not None and local.tzname() == name:
                return local.astimezone(UTC).replace(tzinfo=None)
    raise ValueError(name)


def _zone(name: str) -> tzinfo | None:
    """A zone by its name in the database of zones."""
    try:
        return ZoneInfo(name) if _ZONE.fullmatch(name) else None
    except (KeyError, ValueError, OSError):
        return None
