"""Little memory for a while: what needs more fails, as it would on a full machine."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def memory_at_most(more_bytes: int) -> Iterator[None]:
    """Let the block take at most so much memory more than is in use; beyond, torch raises.

    Memory that Python and torch hold in reserve counts as in use, so a limit below some tens of
    MiB says little.
    """
    import resource  # not on every platform, and only grading needs it

    gc.collect()  # what would be given back inside the block made room in it
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more_bytes
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
