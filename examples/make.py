"""Writes the example submissions: `python examples/make.py`, from the top of the repository.

Each is a release notebook with the cells filled in as one student did it. `EXAMPLES` says for
each what was done and which outcome the grader has to reach; a test holds it to that.
"""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course.notebook_file import written

ROOT = Path(__file__).parent.parent
FULL = "full"  # every point of the test cells

Change = Callable[[NotebookNode], None]


@dataclass(frozen=True)
class Example:
    """One submission: which cells were solved, what was changed, what is to come out.

    `solved` are definitions taken from the solution (None: all of them), `own` replaces some by
    other code, `change` is done to the notebook at the end. `loses` are the test cells that do not
    get full marks; `status` and `reason` are the grader's.
    """

    student: str
    assignment: str
    story: str
    solved: tuple[str, ...] | None = None
    own: dict[str, str] = field(default_factory=dict)
    change: Change | None = None
    loses: tuple[str, ...] = ()
    status: str = "graded"
    reason: str = ""


def source(assignment: str) -> NotebookNode:
    """The instructor's notebook."""
    return nbformat.read(ROOT / "source" / assignment / f"{assignment}.ipynb", as_version=4)


def released(assignment: str) -> NotebookNode:
    """The students' notebook."""
    return nbformat.read(ROOT / "release" / assignment / f"{assignment}.ipynb", as_version=4)


def flags(cell: NotebookNode) -> dict[str, object]:
    """The cell's nbgrader metadata."""
    return cell.metadata.get("nbgrader", {})


def tests(notebook: NotebookNode) -> list[NotebookNode]:
    """The test cells."""
    return [c for c in notebook.cells if c.cell_type == "code" and flags(c).get("grade")]


def solution(cell: NotebookNode) -> str:
    """The instructor's text of a solution cell, without the region's marks."""
    return re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", cell.source, flags=re.M).rstrip()


def definitions(assignment: str) -> list[str]:
    """The names that the assignment asks for."""
    return [
        str(flags(c)["grade_id"])
        for c in source(assignment).cells
        if c.cell_type == "code" and flags(c).get("solution")
    ]


def filled(example: Example) -> NotebookNode:
    """The notebook as the student hands it in."""
    solutions = {flags(c).get("grade_id"): c for c in source(example.assignment).cells if flags(c)}
    notebook = released(example.assignment)
    for cell in notebook.cells:
        name = str(flags(cell).get("grade_id", ""))
        if not flags(cell).get("solution"):
            continue
        if name in example.own:
            cell.source = example.own[name]
        elif example.solved is None or name in example.solved:
            cell.source = solution(solutions[name])
    if example.change is not None:
        example.change(notebook)
    return notebook


def delete_tests(notebook: NotebookNode) -> None:
    """A student who tidies up."""
    doomed = {cell.id for cell in tests(notebook)}
    notebook.cells = [cell for cell in notebook.cells if cell.id not in doomed]


def double_tests(notebook: NotebookNode) -> None:
    """Copy and paste, an honest slip."""
    doubled = []
    for cell in notebook.cells:
        doubled.append(cell)
        if cell in tests(notebook):
            twin = copy.deepcopy(cell)
            twin.id = f"{cell.id}-copy"
            doubled.append(twin)
    notebook.cells = doubled


def retype_tests(notebook: NotebookNode) -> None:
    """Test cells turned into text by a stray key."""
    for cell in tests(notebook):
        cell.cell_type = "markdown"
        del cell["outputs"], cell["execution_count"]


def skip_tests(notebook: NotebookNode) -> None:
    """The tag that earns full marks from a stock nbgrader."""
    for cell in tests(notebook):
        cell.metadata["tags"] = ["skip-execution"]


def newer_schema(notebook: NotebookNode) -> None:
    """Ends the whole batch of a stock nbgrader."""
    for cell in notebook.cells:
        if flags(cell):
            cell.metadata["nbgrader"]["schema_version"] = 99


ALL = sorted(
    path.stem for path in (ROOT / "source").glob("*/*.ipynb") if path.stem == path.parent.name
)
FIRST = "01-scaled-dot-product-attention"
MASKING = "02-causal-masking"
TOKENS = "06-tokenization"
MODEL = "07-language-model"
TRAINING = "08-training"
GENERATION = "09-generation"
ENCODER = "10-bert"
BOTH_SIDES = "11-encoder-decoder"
ROPE = "challenge-rope"
LLAMA = "challenge-llama"

UNSCALED = """def attention_scores(query: Tensor, key: Tensor) -> Tensor:
    if query.shape[-1] != key.shape[-1]:
        raise ValueError("key has another last size than query")
    return query @ key.transpose(-2, -1)"""

INVERTED = """def causal_mask(query_len: int, key_len: int | None = None, device=None) -> Tensor:
    key_len = query_len if key_len is None else key_len
    ones = torch.ones(query_len, key_len, dtype=torch.bool, device=device)
    return torch.triu(ones, diagonal=1 + key_len - query_len)"""

TOP_LEFT = """def causal_mask(query_len: int, key_len: int | None = None, device=None) -> Tensor:
    key_len = query_len if key_len is None else key_len
    return torch.tril(torch.ones(query_len, key_len, dtype=torch.bool, device=device))"""

SPLIT_HALF = """def apply_rope(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    half = x.shape[-1] // 2
    angles = positions.unsqueeze(-1).float() * rope_frequencies(x.shape[-1], base).to(x.device)
    cos, sin = angles.cos(), angles.sin()
    first, second = x[..., :half].float(), x[..., half:].float()
    rotated = torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
    return rotated.to(x.dtype)"""

FIRST_SEEN = """def train_bpe(text: str, vocab_size: int) -> list[tuple[int, int]]:
    if vocab_size < 256:
        raise ValueError("vocab_size has to be at least 256")
    chunks = [list(chunk.encode("utf-8")) for chunk in re.findall(PATTERN, text)]
    merges = []
    while len(merges) < vocab_size - 256:
        stats = pair_counts(chunks)
        if not stats:
            break
        pair = max(stats, key=stats.get)
        chunks = [merge(chunk, pair, 256 + len(merges)) for chunk in chunks]
        merges.append(pair)
    return merges"""

ID_BY_ID = """class BPETokenizer:
    def __init__(self, merges, special_tokens=()):
        self.merges = {pair: 256 + i for i, pair in enumerate(merges)}
        self.vocab = {i: bytes([i]) for i in range(256)}
        for (first, second), new_id in self.merges.items():
            self.vocab[new_id] = self.vocab[first] + self.vocab[second]
        self.special = {token: len(self.vocab) + i for i, token in enumerate(special_tokens)}
        self.vocab.update({i: token.encode("utf-8") for token, i in self.special.items()})
        self.vocab_size = len(self.vocab)

    def encode(self, text):
        ids = []
        cut = "|".join(re.escape(token) for token in sorted(self.special, key=len, reverse=True))
        for part in re.split(f"({cut})", text) if cut else [text]:
            if part in self.special:
                ids.append(self.special[part])
                continue
            for chunk in re.findall(PATTERN, part):
                pieces = list(chunk.encode("utf-8"))
                for pair, new_id in self.merges.items():
                    pieces = merge(pieces, pair, new_id)
                ids += pieces
        return ids

    def decode(self, ids):
        text = ""
        for i in ids:
            if int(i) not in self.vocab:
                raise ValueError(f"ids: there is no {i}")
            text += self.vocab[int(i)].decode("utf-8", errors="replace")
        return text"""

UNSHIFTED = """def next_token_log_probabilities(logits: Tensor, ids: Tensor) -> Tensor:
    if ids.shape != logits.shape[:-1]:
        raise ValueError("ids and logits are of different lengths")
    log_probs = F.log_softmax(logits.float(), dim=-1).to(logits.dtype)
    return log_probs[:, :-1].gather(-1, ids[:, :-1, None]).squeeze(-1)"""

FROM_PLACE_0 = """class GPT(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_layers, num_heads, dropout=0.0):
        super().__init__()
        self.token = TokenEmbedding(vocab_size, d_model)
        self.position = nn.Embedding(max_len, d_model)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            DecoderBlock(d_model, num_heads, 4 * d_model, dropout) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(d_model)

    def forward(self, ids, caches=None):
        past = caches[0][0].shape[2] if caches else 0
        if past + ids.shape[1] > self.position.num_embeddings:
            raise ValueError("ids: too many places")
        positions = torch.arange(ids.shape[1], device=ids.device)
        x = self.dropout(self.token(ids) + self.position(positions))
        new_caches = []
        for i, block in enumerate(self.blocks):
            x, cache = block(x, caches[i] if caches else None)
            new_caches.append(cache)
        return self.token.logits(self.norm(x)), new_caches"""

TURNED_WHERE_NEEDED = """def load_gpt2(model: GPT, weights: Mapping[str, Tensor]) -> None:
    weights = {name.removeprefix("transformer."): w for name, w in weights.items()}
    pairs = {"wte.weight": [model.token.weight], "wpe.weight": [model.position.weight]}
    for i, block in enumerate(model.blocks):
        attention, mlp = block.attention, block.feed_forward
        for name, parts in {
            "ln_1": [block.norm1],
            "attn.c_attn": [attention.q_proj, attention.k_proj, attention.v_proj],
            "attn.c_proj": [attention.out_proj],
            "ln_2": [block.norm2],
            "mlp.c_fc": [mlp.linear1],
            "mlp.c_proj": [mlp.linear2],
        }.items():
            pairs[f"h.{i}.{name}.weight"] = [part.weight for part in parts]
            pairs[f"h.{i}.{name}.bias"] = [part.bias for part in parts]
    pairs |= {"ln_f.weight": [model.norm.weight], "ln_f.bias": [model.norm.bias]}
    found = []
    for name, parameters in pairs.items():
        if name not in weights:
            raise ValueError(f"weights: {name} is missing")
        w = weights[name]
        wanted = torch.cat([p.detach() for p in parameters]).shape
        if w.shape != wanted and w.ndim == 2 and name.startswith("h."):
            w = w.T
        if w.shape != wanted:
            raise ValueError(f"weights: {name} has shape {tuple(w.shape)}")
        found.append((parameters, w.chunk(len(parameters))))
    with torch.no_grad():
        for parameters, pieces in found:
            for parameter, piece in zip(parameters, pieces):
                parameter.copy_(piece)"""

OF_ALL_PLACES = """def cross_entropy(logits, targets, ignore_index=-100):
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    log_probs = torch.log_softmax(logits, dim=-1)
    mask = targets == ignore_index
    picked = log_probs.gather(-1, targets.masked_fill(mask, 0).unsqueeze(-1)).squeeze(-1)
    return -picked.masked_fill(mask, 0.0).sum() / max(targets.numel(), 1)"""

L2_IN_THE_GRADIENT = """class AdamW:
    def __init__(self, groups, betas=(0.9, 0.95), eps=1e-8):
        self.groups = groups
        self.betas = betas
        self.eps = eps
        self.state = {}

    @torch.no_grad()
    def step(self):
        b1, b2 = self.betas
        for group in self.groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = p.grad + group["weight_decay"] * p
                t, m, v = self.state.get(p, (0, torch.zeros_like(p), torch.zeros_like(p)))
                t += 1
                m = b1 * m + (1 - b1) * g
                v = b2 * v + (1 - b2) * g * g
                self.state[p] = t, m, v
                m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
                p -= group["lr"] * m_hat / (v_hat.sqrt() + self.eps)

    def zero_grad(self):
        for group in self.groups:
            for p in group["params"]:
                p.grad = None"""

CROSSING_DROPPED = """def next_token_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
    if temperature < 0:
        raise ValueError("temperature is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError("top_k is below 1")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("top_p is outside of (0, 1]")
    if temperature == 0:
        best = logits.argmax(-1, keepdim=True)
        return torch.zeros_like(logits).scatter(-1, best, 1.0)
    values, order = (logits.double() / temperature).sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        values = values.masked_fill(torch.arange(values.shape[-1]) >= top_k, -math.inf)
    p = values.softmax(-1)
    if top_p is not None:
        p = torch.where((p.cumsum(-1) > top_p) & (torch.arange(p.shape[-1]) > 0), 0.0, p)
        p = p / p.sum(-1, keepdim=True)
    return torch.zeros_like(p).scatter(-1, order, p).to(logits.dtype)"""

FROM_THE_TARGET = """def speculative_step(target, draft, drafted, accept, resample_uniform):
    target, draft = target.double(), draft.double()
    for i in range(len(drafted)):
        x = drafted[i]
        if accept[i] >= target[i, x] / draft[i, x]:
            return i, sample(target[i], resample_uniform).item()
    return len(drafted), sample(target[-1], resample_uniform).item()"""

TEXT_BY_KEY = """class Bert(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_layers, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.embeddings = BertEmbeddings(vocab_size, max_len, d_model, dropout=dropout)
        self.layers = nn.ModuleList()
        for _ in range(num_layers):
            layer = TransformerBlock(d_model, num_heads, d_ff, dropout, norm_first=False)
            layer.norm1 = nn.LayerNorm(d_model, eps=1e-12)
            layer.norm2 = nn.LayerNorm(d_model, eps=1e-12)
            self.layers.append(layer)
        self.pooler = nn.Linear(d_model, d_model)

    def forward(self, ids, attention_mask=None, token_types=None):
        if attention_mask is not None:
            if attention_mask.dtype != torch.bool:
                raise ValueError("attention_mask is not bool")
            try:
                attention_mask = attention_mask.expand(ids.shape)
            except RuntimeError:
                raise ValueError("attention_mask does not fit the ids")
        hidden = self.embeddings(ids, token_types)
        for layer in self.layers:
            hidden = layer(hidden, attention_mask)
        return hidden, torch.tanh(self.pooler(hidden[:, 0]))"""

TABLE_OF_BEFORE = """class MaskedLanguageHead(nn.Module):
    def __init__(self, embeddings):
        super().__init__()
        self.word = embeddings.word
        vocab_size, d_model = self.word.weight.shape
        self.dense = nn.Linear(d_model, d_model)
        self.norm = nn.LayerNorm(d_model, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, hidden):
        hidden = self.norm(F.gelu(self.dense(hidden)))
        return hidden @ self.word.weight.T + self.bias"""

WITHOUT_THE_LAST_SENTINEL = """def span_corruption(ids, starts, lengths, first_sentinel):
    inputs, targets = [], []
    end = 0
    for i in range(len(starts)):
        start, length = starts[i].item(), lengths[i].item()
        if start < end or start + length > len(ids):
            raise ValueError("starts: spans overlap, or leave the text")
        sentinel = first_sentinel - i
        inputs += ids[end:start].tolist() + [sentinel]
        targets += [sentinel] + ids[start : start + length].tolist()
        end = start + length
    inputs += ids[end:].tolist()
    return torch.tensor(inputs, dtype=torch.int64), torch.tensor(targets, dtype=torch.int64)"""

CAUSAL_EVERYWHERE = """class CrossDecoderBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, num_heads)
        self.cross_attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.norm3 = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory, memory_mask=None):
        L, S = x.shape[1], memory.shape[1]
        causal = torch.tril(torch.ones(L, L, dtype=torch.bool, device=x.device))
        normed = self.norm1(x)
        x = x + self.dropout(self.self_attention(normed, normed, normed, causal)[0])
        mask = torch.tril(torch.ones(L, S, dtype=torch.bool, device=x.device))
        if memory_mask is not None:
            mask = mask & memory_mask[:, None]
        x = x + self.dropout(self.cross_attention(self.norm2(x), memory, memory, mask)[0])
        return x + self.dropout(self.feed_forward(self.norm3(x)))"""

MASKED_ONCE = """class EncoderDecoder(nn.Module):
    def __init__(
        self, vocab_size, max_len, d_model, num_encoder_layers, num_decoder_layers, num_heads,
        d_ff, dropout=0.0,
    ):
        super().__init__()
        self.token = TokenEmbedding(vocab_size, d_model)
        self.source_position = nn.Embedding(max_len, d_model)
        self.target_position = nn.Embedding(max_len, d_model)
        self.encoder = nn.ModuleList(
            [TransformerBlock(d_model, num_heads, d_ff, dropout) for _ in range(num_encoder_layers)]
        )
        self.encoder_norm = nn.LayerNorm(d_model)
        self.decoder = nn.ModuleList(
            [
                CrossDecoderBlock(d_model, num_heads, d_ff, dropout)
                for _ in range(num_decoder_layers)
            ]
        )
        self.decoder_norm = nn.LayerNorm(d_model)

    def encode(self, source, source_mask=None):
        if source.shape[1] > self.source_position.num_embeddings:
            raise ValueError("source is too long")
        x = self.token(source) + self.source_position.weight[: source.shape[1]]
        for layer in self.encoder:
            x = layer(x, None if source_mask is None else source_mask[:, None])
        return self.encoder_norm(x)

    def decode(self, target_inputs, memory, memory_mask=None):
        if target_inputs.shape[1] > self.target_position.num_embeddings:
            raise ValueError("target_inputs are too long")
        x = self.token(target_inputs) + self.target_position.weight[: target_inputs.shape[1]]
        for layer in self.decoder:
            x = layer(x, memory, memory_mask)
        return self.token.logits(self.decoder_norm(x))

    def forward(self, source, target_inputs, source_mask=None):
        memory = self.encode(source, source_mask)
        return self.decode(target_inputs, memory)"""

SQUARED_IN_HALF = """class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        rms = torch.sqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)
        return (x / rms * self.weight).to(x.dtype)"""

FROM_POSITION_0 = """class Llama(nn.Module):
    def __init__(self, vocab_size, d_model, num_layers, num_heads, num_kv_heads, d_ff,
                 base=10_000.0, eps=1e-5, tied=False):
        super().__init__()
        self.token = TokenEmbedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(
            LlamaBlock(d_model, num_heads, num_kv_heads, d_ff, base, eps) for _ in range(num_layers)
        )
        self.norm = RMSNorm(d_model, eps)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        if tied:
            self.output.weight = self.token.weight

    def forward(self, ids, caches=None):
        positions = torch.arange(ids.shape[1], device=ids.device)
        x = self.token(ids)
        new_caches = []
        for i, block in enumerate(self.blocks):
            x, cache = block(x, positions, caches[i] if caches else None)
            new_caches.append(cache)
        return self.output(self.norm(x)), new_caches"""

ROWS_AS_THEY_STAND = """def load_llama(model: Llama, weights: Mapping[str, Tensor]) -> None:
    weights = {name.removeprefix("model."): w for name, w in weights.items()}
    pairs = {"embed_tokens.weight": model.token.weight, "norm.weight": model.norm.weight}
    for i, block in enumerate(model.blocks):
        attention, mlp = block.attention, block.feed_forward
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            pairs[f"layers.{i}.self_attn.{name}.weight"] = getattr(attention, name).weight
        for name in ("gate_proj", "up_proj", "down_proj"):
            pairs[f"layers.{i}.mlp.{name}.weight"] = getattr(mlp, name).weight
        pairs[f"layers.{i}.input_layernorm.weight"] = block.norm1.weight
        pairs[f"layers.{i}.post_attention_layernorm.weight"] = block.norm2.weight
    output = getattr(model, "output", None)
    if output is not None and output.weight is not model.token.weight:
        pairs["lm_head.weight"] = output.weight
    for name, parameter in pairs.items():
        if name not in weights or weights[name].shape != parameter.shape:
            raise ValueError(f"weights: {name} is missing or has a wrong shape")
    with torch.no_grad():
        for name, parameter in pairs.items():
            parameter.copy_(weights[name])"""

BROKEN = """def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    shifted = x - x.max(axis=axis, keepdims=True
    return np.exp(shifted)"""

ENDLESS = """def scaled_dot_product_attention(query, key, value):
    weights = None
    while weights is None:
        pass
    return weights @ value, weights"""

DEADLY = """import os

def attention_scores(query, key):
    os._exit(1)"""

EXAMPLES = [
    *(Example("ada", assignment, "solved everything", loses=()) for assignment in ALL),
    Example(
        "bruno",
        FIRST,
        "got half way",
        solved=("softmax", "attention_scores"),
        loses=("test-scaled_dot_product_attention", "test-attention_shapes"),
    ),
    Example(
        "chloe",
        FIRST,
        "forgot to divide by the root of the key size",
        own={"attention_scores": UNSCALED},
        loses=("test-attention_scores",),  # what stands on it is judged on a right one
    ),
    Example(
        "chloe",
        MASKING,
        "inverted the mask: True where a key is blocked",
        own={"causal_mask": INVERTED},
        loses=("test-causal_mask",),
    ),
    Example(
        "dmitri",
        MASKING,
        "aligned the causal mask top left",
        own={"causal_mask": TOP_LEFT},
        loses=("test-causal_mask",),
    ),
    Example(
        "dmitri",
        ROPE,
        "rotated halves instead of neighbouring pairs",
        own={"apply_rope": SPLIT_HALF},
        loses=("test-apply_rope",),
    ),
    Example(
        "dmitri",
        TOKENS,
        "joined the pair that came first of equals, and decoded id by id",
        own={"train_bpe": FIRST_SEEN, "BPETokenizer": ID_BY_ID},
        loses=("test-train_bpe", "test-BPETokenizer"),
    ),
    Example(
        "bruno",
        MODEL,
        "did not shift, began at place 0 behind a cache, and forgot that a square matrix turns too",
        own={
            "next_token_log_probabilities": UNSHIFTED,
            "GPT": FROM_PLACE_0,
            "load_gpt2": TURNED_WHERE_NEEDED,
        },
        loses=("test-next_token_log_probabilities", "test-GPT", "test-load_gpt2"),
    ),
    Example(
        "chloe",
        TRAINING,
        "took the mean over padding too, and put the decay into the gradient",
        own={"cross_entropy": OF_ALL_PLACES, "AdamW": L2_IN_THE_GRADIENT},
        loses=("test-cross_entropy", "test-AdamW"),
    ),
    Example(
        "chloe",
        GENERATION,
        "dropped the token that reaches top-p, and drew anew from the target after a refused draft",
        own={"next_token_probabilities": CROSSING_DROPPED, "speculative_step": FROM_THE_TARGET},
        loses=("test-next_token_probabilities", "test-speculative_step"),
    ),
    Example(
        "dmitri",
        ENCODER,
        "let the mask of texts be read as query by key, and kept the table of before",
        own={"Bert": TEXT_BY_KEY, "MaskedLanguageHead": TABLE_OF_BEFORE},
        loses=("test-Bert", "test-MaskedLanguageHead"),
    ),
    Example(
        "bruno",
        BOTH_SIDES,
        "left out the last sentinel, made cross-attention causal, and masked padding once only",
        own={
            "span_corruption": WITHOUT_THE_LAST_SENTINEL,
            "CrossDecoderBlock": CAUSAL_EVERYWHERE,
            "EncoderDecoder": MASKED_ONCE,
        },
        loses=("test-span_corruption", "test-CrossDecoderBlock", "test-EncoderDecoder"),
    ),
    Example(
        "chloe",
        LLAMA,
        "squared in 16 bits, began at position 0 behind a cache, and moved no rows",
        own={
            "RMSNorm": SQUARED_IN_HALF,
            "Llama": FROM_POSITION_0,
            "load_llama": ROWS_AS_THEY_STAND,
        },
        loses=("test-RMSNorm", "test-Llama", "test-load_llama"),
    ),
    Example("emeka", FIRST, "handed in the release untouched", solved=(), loses=("all",)),
    Example(
        "fatima",
        FIRST,
        "left a syntax error in the first function",
        own={"softmax": BROKEN},
        loses=("test-softmax",),
    ),
    Example(
        "goran",
        FIRST,
        "wrote an endless loop",
        own={"scaled_dot_product_attention": ENDLESS},
        loses=("test-scaled_dot_product_attention",),
    ),
    Example(
        "hana",
        FIRST,
        "ends the kernel in the second function",
        own={"attention_scores": DEADLY},
        loses=("test-attention_scores", "test-scaled_dot_product_attention"),
        status="needs attention",
        reason="the kernel died while running test-attention_scores",
    ),
    Example(
        "ivan",
        FIRST,
        "a download that broke off",
        loses=("all",),
        status="needs attention",
        reason="is not a notebook",
    ),
    Example("jun", FIRST, "deleted the test cells", change=delete_tests),
    Example("kofi", FIRST, "doubled the test cells", change=double_tests),
    Example("lena", FIRST, "turned the test cells into text", change=retype_tests),
    Example(
        "mallory",
        FIRST,
        "wrote nothing and tagged the test cells to be skipped",
        solved=(),
        change=skip_tests,
        loses=("all",),
    ),
    Example("nils", FIRST, "metadata of a schema that does not exist", change=newer_schema),
]


def write(target: Path) -> None:
    """Write every example below `target`, in the layout of a course."""
    if target.exists():
        shutil.rmtree(target)
    for example in EXAMPLES:
        folder = target / example.student / example.assignment
        folder.mkdir(parents=True)
        text = written(filled(example))
        if example.student == "ivan":
            text = text[: len(text) // 2]
        (folder / f"{example.assignment}.ipynb").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(ROOT / "examples" / "submitted")
