"""What shape everything has, for a chosen configuration: the sheet's table and its calculator.

`calculate` is the same as `calculate` of _static/dimensions.js; a test holds them together.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from html import escape
from typing import Any

from making.course import course
from making.figures import Html, table
from making.zoo import Model, zoo

NONE = "\N{EN DASH}"
LENGTH = 10  # of the text in the sheet's table, which the smallest model takes too
STATIC = ("bert-base", "gpt-2", "t5-small", "llama-7b")
ONE_STACK = ("gpt-2", "bert-base", "gpt-2-xl", "llama-7b", "llama-3-8b")


@dataclass(frozen=True)
class Config:
    """One stack of blocks; `output` is none, tied or own, as in zoo.toml."""

    d_model: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    num_layers: int
    d_ff: int
    vocab_size: int
    max_len: int
    length: int = LENGTH
    batch: int = 1
    bytes_per_number: int = 2
    gated: bool = False
    bias: bool = True
    output: str = "tied"


# What is asked for: the field, its label, its smallest value.
NUMBERS = (
    ("d_model", "Model dimension, D", 1),
    ("num_heads", "Query heads, H", 1),
    ("num_kv_heads", "Key/value heads, Hkv", 1),
    ("head_dim", "Head dimension, E", 1),
    ("num_layers", "Layers", 1),
    ("d_ff", "Feed-forward, F", 1),
    ("vocab_size", "Vocabulary, V", 1),
    ("max_len", "Rows of position and type tables", 0),
    ("length", "Length, L", 1),
    ("batch", "Batch, B", 1),
    ("bytes_per_number", "Bytes per number", 1),
)
CHOICES = (
    ("gated", "Feed-forward matrices", (("false", "two"), ("true", "three (gated)"))),
    ("bias", "Biases", (("true", "everywhere"), ("false", "nowhere"))),
    (
        "output",
        "Output matrix",
        (("tied", "the token table"), ("own", "its own"), ("none", "none")),
    ),
)
# What is told: the key, what it is, and in letters.
ROWS = (
    ("ids", "token ids", "(B, L)"),
    ("x", "between the blocks", "(B, L, D)"),
    ("w_q", "query projection, weight", "(H·E, D)"),
    ("w_k", "key or value projection, weight", "(Hkv·E, D)"),
    ("w_o", "output projection, weight", "(D, H·E)"),
    ("q", "queries", "(B, H, L, E)"),
    ("k", "keys, and values", "(B, Hkv, L, E)"),
    ("scores", "scores, and weights", "(B, H, L, L)"),
    ("heads", "heads merged", "(B, L, H·E)"),
    ("hidden", "inside the feed-forward", "(B, L, F)"),
    ("logits", "logits", "(B, L, V)"),
    ("attention_parameters", "parameters of one attention", ""),
    ("feed_forward_parameters", "parameters of one feed-forward", ""),
    ("table_parameters", "parameters in tables", ""),
    ("parameters", "parameters, all", ""),
    ("parameter_bytes", "bytes of all parameters", ""),
    ("cache_bytes_a_token", "cache bytes a token", "2 · layers · Hkv · E · bytes"),
    ("cache_bytes", "cache bytes, whole batch", "· B · L"),
    ("flops_a_token", "FLOPs a token, at this length", ""),
)


def calculate(config: Config) -> dict[str, str]:
    """Every size of the table, as it is shown, by its key."""
    c = config
    query, key = c.num_heads * c.head_dim, c.num_kv_heads * c.head_dim
    matrices = c.d_model * (2 * query + 2 * key)
    attention = matrices + (query + 2 * key + c.d_model) * c.bias
    inner = (3 if c.gated else 2) * c.d_model * c.d_ff
    feed_forward = inner + ((2 if c.gated else 1) * c.d_ff + c.d_model) * c.bias
    norms = (2 * c.num_layers + 1) * c.d_model * (2 if c.bias else 1)
    out = c.vocab_size * c.d_model
    tables = out + c.max_len * c.d_model + out * (c.output == "own")
    parameters = c.num_layers * (attention + feed_forward) + norms + tables
    cache = 2 * c.num_layers * key * c.bytes_per_number
    multiplied = c.num_layers * (matrices + inner) + out * (c.output != "none")
    shapes = {
        "ids": (c.batch, c.length),
        "x": (c.batch, c.length, c.d_model),
        "w_q": (query, c.d_model),
        "w_k": (key, c.d_model),
        "w_o": (c.d_model, query),
        "q": (c.batch, c.num_heads, c.length, c.head_dim),
        "k": (c.batch, c.num_kv_heads, c.length, c.head_dim),
        "scores": (c.batch, c.num_heads, c.length, c.length),
        "heads": (c.batch, c.length, query),
        "hidden": (c.batch, c.length, c.d_ff),
        "logits": (c.batch, c.length, c.vocab_size) if c.output != "none" else (),
    }
    counts = {
        "attention_parameters": attention,
        "feed_forward_parameters": feed_forward,
        "table_parameters": tables,
        "parameters": parameters,
        "parameter_bytes": parameters * c.bytes_per_number,
        "cache_bytes_a_token": cache,
        "cache_bytes": cache * c.batch * c.length,
        "flops_a_token": 2 * multiplied + 4 * c.num_layers * query * c.length,
    }
    shown = {
        key: f"({', '.join(map(str, shape))})" if shape else NONE for key, shape in shapes.items()
    }
    return shown | {key: f"{count:,}" for key, count in counts.items()}


def config_of(model: Model) -> Config:
    """A model of the zoo as one stack; of two stacks, the decoder without its cross-attention."""
    return Config(
        model.d_model,
        model.heads,
        model.kv_heads,
        model.head_dim,
        model.layers,
        model.d_ff,
        model.vocab,
        model.rows + model.types,
        gated=model.gated,
        bias=model.bias == "all",
        output=model.output,
    )


def small() -> Config:
    """The model that is trained in notebook 08, from the notebook's own cells."""
    cells = {cell["id"]: cell.source for cell in course().assignments["08-training"].notebook.cells}
    said: dict[str, Any] = {}
    for cell in ("alice", "characters-read"):
        for node in ast.parse(cells[cell]).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                said.setdefault(node.targets[0].id, node.value)
    shape = {
        ast.literal_eval(name): ast.literal_eval(said[at.id] if isinstance(at, ast.Name) else at)
        for name, at in zip(said["SHAPE"].keys, said["SHAPE"].values, strict=True)
    }
    d_model, heads = shape["d_model"], shape["num_heads"]
    letters = len(set(ast.literal_eval(said["ALICE"])))
    return Config(
        d_model,
        heads,
        heads,
        d_model // heads,
        shape["num_layers"],
        4 * d_model,
        letters,
        shape["max_len"],
    )


def sheet(models: Mapping[str, Model] | None = None) -> Html:
    """The five presets side by side; parameters are those of the whole model."""
    known = zoo() if models is None else models
    columns = {known[key].name: calculate(config_of(known[key])) for key in STATIC}
    for key in STATIC:
        columns[known[key].name]["parameters"] = f"{known[key].parameters:,}"
        if known[key].kind == "encoder":
            columns[known[key].name]["cache_bytes_a_token"] = NONE
    columns["notebook 08"] = calculate(small())
    shown = [
        row
        for row in ROWS
        if row[2].startswith("(") or row[0] in ("parameters", "cache_bytes_a_token")
    ]
    rows = [[what, *(each[key] for each in columns.values())] for key, what, _ in shown]
    return table(["", *columns], rows, f"Shapes for a batch of one text of {LENGTH} tokens")


def presets() -> dict[str, dict[str, Any]]:
    """What the calculator can be set to, by name: the zoo's models of one stack, and the book's."""
    known = zoo()
    of_zoo = {known[key].name: config_of(known[key]) for key in ONE_STACK}
    chosen = {**of_zoo, "notebook 08": small()}
    return {name: asdict(replace(config, length=LENGTH)) for name, config in chosen.items()}


def calculator() -> Html:
    """The form, filled in for the first preset, which works on without a script as a table."""
    known = presets()
    name, first = next(iter(known.items()))
    options = "".join(f"<option>{escape(each)}</option>" for each in known)
    fields = f'<label>Start from<select name="preset">{options}</select></label>'
    for key, label, least in NUMBERS:
        fields += (
            f'<label>{label}<input name="{key}" type="number" inputmode="numeric" min="{least}"'
            f' step="1" value="{first[key]}"></label>'
        )
    for key, label, choices in CHOICES:
        is_now = str(first[key]).lower()
        inside = "".join(
            f'<option value="{value}"{" selected" if value == is_now else ""}>{words}</option>'
            for value, words in choices
        )
        fields += f'<label>{label}<select name="{key}">{inside}</select></label>'
    now = calculate(Config(**first))
    rows = "".join(
        f'<tr><th scope="row">{what}</th><td>{letters}</td>'
        f'<td data-key="{key}">{now[key]}</td></tr>'
        for key, what, letters in ROWS
    )
    return Html(
        '<form class="guide-tool" id="dimensions"><fieldset><legend>A configuration</legend>'
        f'{fields}</fieldset><p role="alert"></p>'
        '<div class="guide-wide" role="group" tabindex="0" aria-label="Sizes as configured">'
        '<table class="table"><thead><tr><th scope="col">what</th><th scope="col">in letters</th>'
        f'<th scope="col">here</th></tr></thead><tbody aria-live="off">{rows}</tbody></table></div>'
        f'<script type="application/json" class="presets">{json.dumps(known)}</script></form>'
        f"<noscript>Without scripts the table stays at {escape(name)}.</noscript>"
        '<script src="../_static/dimensions.js"></script>'
    )
