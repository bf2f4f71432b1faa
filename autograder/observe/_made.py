"""What torch did inside a block: the operators that ran, and the tensors that they made."""

from __future__ import annotations

import dis
import sys
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from . import _meta
from ._everywhere import is_noting, listen
from ._where import given_to
from ._writes import Writes


class _Mode(TorchDispatchMode):
    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Else each operator passes through torch's compiler first.
        return False


class tensors_made(_Mode):
    """Sizes of the tensors that operators make inside the block, in elements.

    `largest` is the size of the largest one; `held` the most that were alive at one time.
    Views count nothing. What is written into memory from before the block counts as it is written.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch annotates it in part
        self.largest = 0
        self.held = 0
        self._alive = 0
        self._known: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {
            leaf.untyped_storage()._cdata
            for leaf in tree_leaves((args, kwargs))
            if isinstance(leaf, torch.Tensor) and leaf.layout == torch.strided
        }
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor) and leaf.layout == torch.strided:
                storage = leaf.untyped_storage()
                if storage._cdata in self._known:
                    continue
                if storage._cdata not in given:
                    self._count(storage, storage.nbytes() // leaf.element_size())
                elif func._schema.is_mutable:
                    self.largest = max(self.largest, leaf.numel())
                    self.held = max(self.held, self._alive + leaf.numel())
        return result

    def _count(self, storage: Any, elements: int) -> None:
        key = storage._cdata

        def gone(_: Any) -> None:
            self._known.pop(key, None)
            self._alive -= elements

        self._known[key] = weakref.ref(storage, gone)
        self._alive += elements
        self.largest = max(self.largest, elements)
        self.held = max(self.held, self._alive)


class devices_met(_Mode):
    """Whether an operator inside the block met tensors of two devices: then `mixed` is True.

    Copying from one to the other is no mixing, and the indices of `t[...]` may lie elsewhere. With
    tensors on `meta` it shows on any machine what is made on another device than the inputs'. These
    have no values, so an error of torch's ends the block in silence: what was met before counts.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.mixed = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name
        if "copy" not in name and name != "aten::index":
            given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
            self.mixed |= len({x.device for x in given if x.ndim}) > 1
        return _meta.run(func, args, kwargs or {})

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]  # as above
        if isinstance(error, NotImplementedError) and _by_hand(trace):
            return False  # as a stub does, which no tensor has reached
        return isinstance(error, RuntimeError)


def _by_hand(trace: TracebackType | None) -> bool:
    """Whether a line that says `raise` ended it, and nothing that is written in C."""
    while trace and trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code.co_code if trace else b""
    return bool(trace and code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"])


class _Operators(_Mode):
    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self._note = note

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._note(func._schema.name)
        return func(*args, **(kwargs or {}))


class _Functions(TorchFunctionMode):
    def __init__(self, note: Callable[[str], None], writes: Writes) -> None:
        super().__init__()
        self.failed: tuple[BaseException, list[str]] | None = None
        self._note = note
        self._writes = writes

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # Of every function, down to a tensor's size: no more is done here than must be.
        try:
            self._note(func.__qualname__)
        except (AttributeError, TypeError):  # no function, or a name that is no text
            self._note(str(func))
        if sys._getframe(1).f_globals is self._writes.namespace:
            self._writes.keep_tensor(getattr(func, "__name__", ""), args)
        try:
            return func(*args, **kwargs) if kwargs else func(*args)
        except Exception as error:
            self.failed = error, given_to(args)
            raise


_has_failed = False  # what did mostly does again, and then what it was given is said


def forget_failures() -> None:
    """From now on another one's code is run."""
    global _has_failed
    _has_failed = False


class calls_made:
    """The names of the torch functions and operators called inside the block.

    `writes` is told of each function before it runs. Where all that matters is noted in this
    process by itself, torch is asked about every function only behind a block that an exception
    ended: to be told of each takes as long as many of them do.
    """

    def __init__(self, writes: Writes) -> None:
        self.names: set[str] = set()
        self._functions = _Functions(self.names.add, writes)
        self._stack = ExitStack()

    def __enter__(self) -> calls_made:
        if not is_noting():
            self._stack.enter_context(_Operators(self.names.add))
        if _has_failed or not is_noting():
            self._stack.enter_context(self._functions)
        listen(self.names)
        return self

    def given(self, error: BaseException | None) -> list[str]:
        """What the function that failed with this exception was given, by kind, if one did."""
        global _has_failed
        _has_failed |= error is not None
        failed, self._functions.failed = self._functions.failed, None
        return failed[1] if failed is not None and failed[0] is error else []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        listen(None)
        self._stack.close()
