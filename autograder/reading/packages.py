"""What is installed where grading runs, told from names and files; nothing is imported."""

from __future__ import annotations

import sys
import sysconfig
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

# They are modules to Python, but no files.
WITHOUT_FILES = ("builtins", "torch.ops", "torch._C")


def installed(module: str) -> bool:
    """Whether a module is the environment's, which comes before a file that was handed in."""
    return module in sys.stdlib_module_names or _found(module) is not None


@lru_cache(10_000)
def is_module(path: str) -> bool:
    """Whether a dotted name is a module, or holds others as one does."""
    if any(f"{path}.".startswith(f"{each}.") for each in WITHOUT_FILES):
        return True
    first, *inside = path.split(".")
    if not all(part.isidentifier() for part in (first, *inside)):
        return False
    if first in sys.stdlib_module_names:
        return not inside
    spec = _found(first)
    if spec is None or not inside:
        return spec is not None
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    for part in inside:
        places = [place / part for place in places]
        if not any(place.is_dir() or place.with_suffix(".py").is_file() for place in places):
            return False
    return True


@lru_cache(10_000)
def _found(module: str) -> ModuleSpec | None:
    places = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
    return PathFinder.find_spec(module, places)
