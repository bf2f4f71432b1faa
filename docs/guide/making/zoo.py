"""What follows from the facts of zoo.toml: parameters, cache, work for a token."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from making.figures import Table, table

FACTS = Path(__file__).parent.parent / "zoo.toml"
BYTES = 2  # of a number of 16 bits


@dataclass(frozen=True)
class Model:
    """The facts of one model, as zoo.toml has them."""

    name: str
    year: int
    kind: str
    vocab: int
    d_model: int
    layers: int
    heads: int
    d_ff: int
    bias: str
    norm: str
    norms: int
    context: int
    positions: str
    output: str
    source: str
    paper: str = ""
    stated: str = ""
    decoder_layers: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    gated: bool = False
    experts: int = 1
    active: int = 1
    missing_norms: int = 0
    rows: int = 0
    types: int = 0
    buckets: int = 0
    window: int = 0
    pooler: bool = False

    def __post_init__(self) -> None:
        """Fill in what the file leaves out where it follows from the rest."""
        object.__setattr__(self, "kv_heads", self.kv_heads or self.heads)
        object.__setattr__(self, "head_dim", self.head_dim or self.d_model // self.heads)

    @property
    def one_norm(self) -> int:
        """Parameters of a normalisation."""
        return self.d_model * (2 if self.norm == "layer" else 1)

    @property
    def attention(self) -> int:
        """Parameters of an attention: query and output of H heads, key and value of Hkv."""
        query, key = self.heads * self.head_dim, self.kv_heads * self.head_dim
        biases = query + 2 * key + self.d_model if self.bias == "all" else 0
        return self.d_model * (2 * query + 2 * key) + biases

    @property
    def expert(self) -> int:
        """Parameters of a feed-forward."""
        biases = 0 if self.bias == "none" else self.d_ff + self.d_model
        return (3 if self.gated else 2) * self.d_model * self.d_ff + biases

    @property
    def feed_forward(self) -> int:
        """Parameters of all feed-forwards of a block, and of what chooses among them."""
        router = self.d_model * self.experts if self.experts > 1 else 0
        return self.experts * self.expert + router

    @cached_property
    def parts(self) -> dict[str, int]:
        """The parameters by where they stand."""
        both = self.kind == "both"
        sides = 2 if both else 1
        layers = self.layers + self.decoder_layers
        norms = 2 * layers + self.decoder_layers - self.missing_norms
        found = {
            "token table": self.vocab * self.d_model,
            "position tables": sides * (self.rows * self.d_model + self.buckets * self.heads),
            "type table": self.types * self.d_model,
            "attention": layers * self.attention,
            "cross-attention": self.decoder_layers * self.attention,
            "feed-forward": layers * self.feed_forward,
            "norms in the blocks": norms * self.one_norm,
            "norms outside them": self.norms * self.one_norm,
            "pooler": self.pooler * self.d_model * (self.d_model + 1),
            "output": self.vocab * self.d_model if self.output == "own" else 0,
        }
        return {part: count for part, count in found.items() if count}

    @property
    def parameters(self) -> int:
        """All of them."""
        return sum(self.parts.values())

    @property
    def active_parameters(self) -> int:
        """Those that work on a token: of the experts, only the chosen."""
        idle = (self.experts - self.active) * self.expert
        return self.parameters - (self.layers + self.decoder_layers) * idle

    @property
    def tables(self) -> int:
        """Parameters that stand in tables: tokens, positions, types, an output of its own."""
        names = ("token table", "position tables", "type table", "output")
        return sum(self.parts.get(name, 0) for name in names)

    @property
    def share_of_tables(self) -> float:
        """Of all parameters, how many stand in tables."""
        return self.tables / self.parameters

    @property
    def cache_bytes(self) -> int | None:
        """Bytes that a token leaves in the cache, in 16 bits; an encoder keeps none."""
        layers = {"encoder": 0, "decoder": self.layers, "both": self.decoder_layers}[self.kind]
        return 2 * layers * self.kv_heads * self.head_dim * BYTES or None

    def flops(self, context: int = 0) -> int:
        """Multiplications and additions for one token: one read, or one written by a decoder.

        2 for each weight that is multiplied with; 4 * H * E a layer for each token looked at.
        An encoder-decoder writes: the keys and values of its source are there already.
        """
        query, key = self.heads * self.head_dim, self.kv_heads * self.head_dim
        own = self.d_model * (2 * query + 2 * key)
        matrices = (3 if self.gated else 2) * self.d_model * self.d_ff * self.active
        matrices += self.d_model * self.experts if self.experts > 1 else 0
        across = 2 * self.d_model * query if self.kind == "both" else 0
        layers = self.decoder_layers or self.layers
        output = 0 if self.output == "none" else self.vocab * self.d_model
        looks = (2 if self.kind == "both" else 1) * context
        return 2 * (layers * (own + matrices + across) + output) + 4 * layers * query * looks


def zoo(facts: Path = FACTS) -> dict[str, Model]:
    """Every model of the file, by its short name."""
    return {key: Model(**entry) for key, entry in tomllib.loads(facts.read_text("utf-8")).items()}


def kilobytes(number: int | None) -> str:
    """Bytes as KiB, a dash where there are none."""
    return "\u2013" if number is None else f"{number / 1024:,.0f}"


Cell = tuple[str, float | None]
HEADS = (
    "parameters",
    "as the paper says",
    "in tables",
    "cache, KiB a token",
    "GFLOPs a token",
    "kind",
    "layers",
    "D",
    "heads",
    "E",
    "F",
    "V",
    "year",
)
COMPUTED = 5  # of these; what follows are the facts


def row(model: Model) -> list[Cell]:
    """What the tables say of a model, under HEADS: the words and, where it is one, the number."""
    heads, layers = f"{model.heads}", f"{model.layers}"
    if model.kv_heads != model.heads:
        heads += f" / {model.kv_heads}"
    if model.decoder_layers:
        layers += f" + {model.decoder_layers}"
    cache, flops = model.cache_bytes, model.flops()
    return [
        (f"{model.parameters:,}", model.parameters),
        (model.stated or "\u2013", None),
        (f"{model.share_of_tables:.1%}", model.share_of_tables),
        (kilobytes(cache), cache),
        (f"{flops / 1e9:,.2f}", flops),
        (model.kind, None),
        (layers, model.layers + model.decoder_layers),
        (f"{model.d_model:,}", model.d_model),
        (heads, None if "/" in heads else model.heads),
        (f"{model.head_dim}", model.head_dim),
        (f"{model.d_ff:,}", model.d_ff),
        (f"{model.vocab:,}", model.vocab),
        (f"{model.year}", None),
    ]


def computed(models: dict[str, Model]) -> Table:
    """What follows from the facts, a model a row."""
    rows = [[m.name, *(words for words, _ in row(m)[:COMPUTED])] for m in models.values()]
    return table(["model", *HEADS[:COMPUTED]], rows, "Computed from the facts")


def facts(models: dict[str, Model]) -> Table:
    """The facts, a model a row."""
    rows = [[m.name, *(words for words, _ in row(m)[COMPUTED:])] for m in models.values()]
    return table(["model", *HEADS[COMPUTED:]], rows, "The facts")


def sources(models: dict[str, Model]) -> Table:
    """Where each model's facts come from."""
    rows = []
    for model in models.values():
        address = f"https://arxiv.org/abs/{model.paper}"
        link = f'<a href="{address}">arXiv:{model.paper}</a>' if model.paper else "\u2013"
        rows.append([model.name, model.source, link])
    return table(["model", "facts from", "paper"], rows, "Sources of the facts", numbers=False)


def compare(one: Model, other: Model) -> Table:
    """Two models side by side; the last column says by how much the second is larger."""
    rows = [
        [head, left[0], right[0], times(left, right)]
        for head, left, right in zip(HEADS, row(one), row(other), strict=True)
    ]
    heads = ["", one.name, other.name, "times"]
    return table(heads, rows, f"{one.name} beside {other.name}")


def times(left: Cell, right: Cell) -> str:
    """How many times the first the second is, where both are numbers."""
    if left[1] and right[1]:
        return f"{right[1] / left[1]:.2f}"
    return ""
