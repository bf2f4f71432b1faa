"""Keeps what the solution cells define, and puts it back before a cell of the book is run.

Between them students compare with a library and give its function the name of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any


class _Missing:
    """Stands for a name that its cell did not define: another cell's does not step in."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise NameError(f"name {self._name!r} is not defined")

    def __getattr__(self, _: str) -> Any:
        raise NameError(f"name {self.__dict__['_name']!r} is not defined")


class Kept:
    """The values of graded names as their solution cells left them."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._restores: Sequence[str] = ()

    def put_back(self, names: MutableMapping[str, Any]) -> None:
        """Let the names of the running cell's request stand for what is kept of them."""
        for name in self._restores:
            names[name] = self._values.get(name, _Missing(name))

    @contextmanager
    def around(self, request: Mapping[str, Any], names: MutableMapping[str, Any]) -> Iterator[None]:
        """Run one cell of the book: put back before it, keep what it defines after it.

        Of the request, `restores` are the names of solution cells above, `takes` those that this
        solution cell binds, and `leaves` those that it must not undo.
        """
        self._restores, takes = request.get("restores", ()), request.get("takes", ())
        left = {name: names[name] for name in request.get("leaves", ()) if name in names}
        for name in takes:
            names.pop(name, None)
        self.put_back(names)
        try:
            yield
        finally:
            names.update(left)
            for name in takes:
                self._values[name] = names.get(name, _Missing(name))
