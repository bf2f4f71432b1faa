"""One writer at a time, also of several runs: nbgrader looks first and then writes, unlocked."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

from autograder.gradebook.gradings import sqlite_file

_KEY = {"key": 0x776F726B626F6F6B}  # any number that nobody else takes for a lock of his own


class OneWriter:
    """Has other runs wait while one writes into a gradebook; a context, for as long as it is used.

    A file is locked by its folder, so that it need not be there yet; a PostgreSQL server has locks
    of its own. Where neither can be had it is as without. What is locked is free again when the
    process ends, however it does.
    """

    def __init__(self, url: str) -> None:
        self._file = sqlite_file(url)
        self._url = url
        self._folder: int | None = None
        self._server: Connection | None = None
        self._opened = ExitStack()

    def __enter__(self) -> OneWriter:
        if self._file is not None:
            self._folder = os.open(self._file.absolute().parent, os.O_RDONLY)
            self._opened.callback(os.close, self._folder)
        elif make_url(self._url).get_backend_name() == "postgresql":
            engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
            self._opened.callback(engine.dispose)
            self._server = self._opened.enter_context(engine.connect())
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While this one writes, no other does."""
        if self._folder is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(self._folder, fcntl.LOCK_EX)
        if self._server is not None:
            self._server.execute(text("SELECT pg_advisory_lock(:key)"), _KEY)
        try:
            yield
        finally:
            if self._folder is not None:
                with suppress(OSError):
                    fcntl.flock(self._folder, fcntl.LOCK_UN)
            if self._server is not None:
                self._server.execute(text("SELECT pg_advisory_unlock(:key)"), _KEY)
