"""One observation as bytes: tensors in safetensors, everything else as JSON in its header."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from ._rules import Ruled

SCHEMA = 1
MAX_TENSOR_BYTES = 4 * 2**20
MAX_TEXT = 10_000
MAX_ITEMS = 1_000
MAX_DEPTH = 8
MAX_INT = 2**63
DTYPES = {
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
}


def snapshot(value: Any, tensors: dict[str, torch.Tensor], depth: int = 0) -> dict[str, Any]:
    """Describe `value` as it is now, putting copies of its tensors into `tensors`."""
    if isinstance(value, Ruled):
        return {**snapshot(value.value, tensors, depth), **value.rule}
    if isinstance(value, torch.Tensor):
        return _tensor(value, tensors)
    if isinstance(value, np.ndarray):
        return _array(value, tensors)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int) and abs(value) > MAX_INT:
        return {"kind": "other", "type": "very large int"}
    if value is None or isinstance(value, bool | int):
        return {"kind": type(value).__name__, "value": value}
    if isinstance(value, float):
        return {"kind": "float", "value": value if math.isfinite(value) else str(value)}
    if isinstance(value, str):
        return {"kind": "str", "value": value[:MAX_TEXT]}
    if isinstance(value, torch.dtype | torch.device):
        return {"kind": "str", "value": str(value)}
    if depth < MAX_DEPTH and isinstance(value, tuple | list) and len(value) <= MAX_ITEMS:
        kind = "list" if isinstance(value, list) else "tuple"
        return {"kind": kind, "items": [snapshot(item, tensors, depth + 1) for item in value]}
    if depth < MAX_DEPTH and isinstance(value, dict) and len(value) <= MAX_ITEMS:
        items = {_text(key): snapshot(item, tensors, depth + 1) for key, item in value.items()}
        return {"kind": "dict", "items": items}
    return {"kind": "other", "type": type(value).__name__}


def _text(key: Any) -> str:
    """A key as text; a number of NumPy is the same key as Python's own."""
    if isinstance(key, tuple):
        key = tuple(each.item() if isinstance(each, np.generic) else each for each in key)
    return str(key)


def _tensor(value: torch.Tensor, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    if type(value) not in (torch.Tensor, torch.nn.Parameter) or value.layout != torch.strided:
        return {"kind": "other", "type": type(value).__name__}
    if value.dtype not in DTYPES or value.device.type == "meta":
        return {"kind": "other", "type": f"tensor of {value.dtype} on {value.device.type}"}
    if value.numel() * value.element_size() > MAX_TENSOR_BYTES:
        return {"kind": "too large", "shape": list(value.shape)}
    key = str(len(tensors))
    # A copy with memory of its own: later changes in place must not reach the evidence.
    tensors[key] = value.detach().to("cpu", copy=True).contiguous().clone()
    return {"kind": "tensor", "key": key, "device": value.device.type}


def _array(value: np.ndarray, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    if value.nbytes > MAX_TENSOR_BYTES:
        return {"kind": "too large", "shape": list(value.shape)}
    other = {"kind": "other", "type": f"array of {value.dtype}"}
    try:
        copied = torch.from_numpy(np.array(value, order="C", copy=True))
    except TypeError:
        return other
    if copied.dtype not in DTYPES:
        return other
    key = str(len(tensors))
    tensors[key] = copied
    return {"kind": "array", "key": key}


def encode(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> bytes:
    """Join the header and the tensors into one safetensors file."""
    return save(tensors, metadata={"record": json.dumps({"schema": SCHEMA, **header})})
