"""Which versions a container has to have: those that are here, on which the course was tried."""

from __future__ import annotations

import importlib.metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from autograder.errors import CourseError

# Its own requirements differ from build to build: with GPUs they are gigabytes of libraries.
OF_ITS_OWN = ("torch",)


def pinned(distribution: str) -> dict[str, str]:
    """The version of each distribution that one stands on, itself left out, by their names.

    Raises: CourseError, where one of them is not installed.
    """
    found: dict[str, str] = {}
    todo = [(canonicalize_name(distribution), "")]
    seen: set[tuple[str, str]] = set()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        name, extra = one
        if name != distribution:
            # Without what stands behind a plus, which names a build.
            found[name] = _version(name).split("+")[0]
        if name in OF_ITS_OWN:
            continue
        for line in importlib.metadata.requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                called = canonicalize_name(needed.name)
                todo += [(called, each) for each in ("", *needed.extras)]
    return dict(sorted(found.items()))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError as error:
        raise CourseError(
            f"{name} is not installed here, and is needed: pip install {name}"
        ) from error


def lines(versions: dict[str, str]) -> str:
    """The text of a requirements file."""
    return "".join(f"{name}=={version}\n" for name, version in versions.items())
