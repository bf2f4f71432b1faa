# Made by `workbook release` from source/07-language-model, to be changed there.
"""GPT-2: a decoder with a cache, its first values, published weights, and what it says of a text.

Radford et al. (2019), section 2.3.
"""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.multi_head_attention import MultiHeadAttention, merge_heads, split_heads
from solutions.tokenization import TokenEmbedding
from solutions.transformer_block import LayerNorm


class FeedForward(nn.Module):
    """Widen every position to d_ff, GELU, narrow to d_model: notebook 05, with the tanh GELU.

    x (..., D) -> (..., D); submodules `linear1` and `linear2`; dropout after GELU.
    """

    def __init__(self, d_model: int, d_ff: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Send x (..., D) through both layers."""
        hidden = F.gelu(self.linear1(x), approximate="tanh")  # (..., F)
        output: Tensor = self.linear2(self.dropout(hidden))  # (..., D)
        return output


def next_token_log_probabilities(logits: Tensor, ids: Tensor) -> Tensor:
    """Say how likely each next token was to the model, as a logarithm.

    logits (B, L, V), ids (B, L), L at least 1 -> (B, L-1): entry t is what the logits of place t
    say of the token at place t + 1. Calculated in at least float32, returned in the logits' dtype.

    Raises: ValueError naming `ids`, when its shape is not that of `logits` without V.

    Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", equation 1.
    """
    if ids.shape != logits.shape[:-1]:
        raise ValueError(f"ids {tuple(ids.shape)} do not fit logits {tuple(logits.shape)}")
    # The last logits are about a token that nobody has; the first token, nobody has guessed.
    wide = logits[:, :-1].to(torch.promote_types(logits.dtype, torch.float32))  # (B, L-1, V)
    said = torch.log_softmax(wide, dim=-1)
    came = said.gather(-1, ids[:, 1:, None]).squeeze(-1)  # (B, L-1)
    return came.to(logits.dtype)


def perplexity(log_probabilities: Tensor, counted: Tensor | None = None) -> Tensor:
    """Take exp of the negative mean of the log probabilities that count.

    log_probabilities (...), counted bool of the same shape, True = counts -> (), in at least
    float32. What is not counted may be -inf; where nothing is counted, the result is 1.

    Source: Jurafsky and Martin, "Speech and Language Processing", section on perplexity.
    """
    wide = log_probabilities.to(torch.promote_types(log_probabilities.dtype, torch.float32))
    if counted is None:
        counted = torch.ones_like(wide, dtype=torch.bool)
    # Filled, not multiplied: 0 times -inf is NaN.
    total = wide.masked_fill(~counted, 0.0).sum()
    return torch.exp(-total / counted.sum().clamp(min=1))


class DecoderBlock(nn.Module):
    """A pre-norm block in which no place sees a later one, with a cache of what it has read.

    Submodules `attention`, `feed_forward`, `norm1`, `norm2`; dropout on each sub-layer's output.

    Source: Radford et al. 2019, section 2.3 (GPT-2); the wiring: Xiong et al. 2020, table 1.
    """

    def __init__(self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, cache: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Apply both sub-layers to the new places x (B, L, D), behind those of the cache.

        cache: keys and values (B, H, S - L, E) each -> output (B, L, D), grown cache: keys and
        values (B, H, S, E) each.
        """
        normed, heads = self.norm1(x), self.attention.num_heads
        query = split_heads(self.attention.q_proj(normed), heads)  # (B, H, L, E)
        key = split_heads(self.attention.k_proj(normed), heads)
        value = split_heads(self.attention.v_proj(normed), heads)
        if cache is not None:
            key = torch.cat([cache[0], key], dim=-2)  # (B, H, S, E)
            value = torch.cat([cache[1], value], dim=-2)
        new, seen = query.shape[-2], key.shape[-2]
        # Bottom right: the last query is the last of all places.
        mask = torch.ones(new, seen, dtype=torch.bool, device=x.device).tril(seen - new)
        heard = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.dropout(self.attention.out_proj(merge_heads(heard)))  # (B, L, D)
        x = x + self.dropout(self.feed_forward(self.norm2(x)))
        return x, (key, value)


class GPT(nn.Module):
    """GPT-2: token and position, decoder blocks, a last norm, and scores by the tokens' own rows.

    Submodules `token` (TokenEmbedding), `position` (nn.Embedding), `blocks` (nn.ModuleList of
    DecoderBlock, d_ff = 4 d_model), `norm`; dropout on token + position and in the blocks.

    Source: Radford et al. 2019, section 2.3; tied tables: Press and Wolf 2017.
    """

    def __init__(
        self,
        vocab_size: int,
        max_len: int,
        d_model: int,
        num_layers: int,
        num_heads: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.token = TokenEmbedding(vocab_size, d_model)
        self.position = nn.Embedding(max_len, d_model)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            DecoderBlock(d_model, num_heads, 4 * d_model, dropout) for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model)

    def forward(
        self, ids: Tensor, caches: list[tuple[Tensor, Tensor]] | None = None
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Score every token as the next one, at each place: ids (B, L) -> logits (B, L, V).

        caches: what the last call returned, one for each block; the new ids stand behind them.
        The grown caches are the second result.

        Raises: ValueError naming `ids`, when cache and ids together pass max_len.
        """
        start = caches[0][0].shape[-2] if caches else 0
        end = start + ids.shape[-1]
        if end > self.position.num_embeddings:
            raise ValueError(f"ids reach {end} places, max_len is {self.position.num_embeddings}")
        places = torch.arange(start, end, device=ids.device)  # (L,)
        x = self.dropout(self.token(ids) + self.position(places))  # (B, L, D)
        grown = []
        for number, block in enumerate(self.blocks):
            x, cache = block(x, caches[number] if caches else None)
            grown.append(cache)
        return self.token.logits(self.norm(x)), grown  # (B, L, V)


def gpt2_init(model: GPT) -> None:
    """Give a GPT the first values of GPT-2, in place, from torch's generator.

    Weights are normal with standard deviation 0.02; those of the two projections into the residual
    stream of each block, 0.02 / sqrt(2 num_layers); biases 0, norms 1 and 0.

    Source: Radford et al. 2019, section 2.3; the standard deviation: OpenAI's published code.
    """
    # No block, no layer that writes into the stream; the 1 is never used then.
    smaller = 0.02 / math.sqrt(2 * max(1, len(model.blocks)))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                into_stream = name.endswith(("out_proj.weight", "linear2.weight"))
                parameter.normal_(0.0, smaller if into_stream else 0.02)
            elif name.endswith("bias"):
                parameter.zero_()
            else:
                parameter.fill_(1.0)


def load_gpt2(model: GPT, weights: Mapping[str, Tensor]) -> None:
    """Copy GPT-2's weights, in the layout of Hugging Face's class, into a GPT.

    weights: a state dict of GPT2LMHeadModel or GPT2Model, names with or without "transformer.".
    Conv1D weights are (in, out), and c_attn holds q, k, v side by side. Names that the model has
    no place for are passed over.

    Raises: ValueError naming `weights`, when a name is missing or a shape is not exactly the one
    needed; the model is then as before.

    Source: OpenAI's published GPT-2, in the form of the class GPT2LMHeadModel of transformers.
    """
    prefix = "transformer." if "transformer.wte.weight" in weights else ""
    written: list[tuple[Tensor, Tensor]] = []

    def plan(name: str, *parameters: Tensor) -> None:
        """Note what goes where; several parameters stand side by side under one name."""
        if prefix + name not in weights:
            raise ValueError(f"weights lack {prefix + name}")
        found, width = weights[prefix + name], parameters[0].shape[0]
        # A layer's weight is (in, out) there and (out, in) here; a table is as it is.
        turned = found.mT if name.startswith("h.") and found.ndim == 2 else found
        wanted = (width * len(parameters), *parameters[0].shape[1:])
        if turned.shape != wanted:
            raise ValueError(f"weights hold {prefix + name} in shape {tuple(found.shape)}")
        written.extend(zip(parameters, turned.split(width), strict=True))

    plan("wte.weight", model.token.weight)
    plan("wpe.weight", model.position.weight)
    for number, block in enumerate(model.blocks):
        layers = {
            "ln_1": ["norm1"],
            "attn.c_attn": [f"attention.{part}_proj" for part in "qkv"],
            "attn.c_proj": ["attention.out_proj"],
            "ln_2": ["norm2"],
            "mlp.c_fc": ["feed_forward.linear1"],
            "mlp.c_proj": ["feed_forward.linear2"],
        }
        for name, parts in layers.items():
            for kind in ("weight", "bias"):
                own = [block.get_parameter(f"{part}.{kind}") for part in parts]
                plan(f"h.{number}.{name}.{kind}", *own)
    for kind in ("weight", "bias"):
        plan(f"ln_f.{kind}", model.norm.get_parameter(kind))
    # Nothing was written so far: what is refused leaves the model as it was.
    with torch.no_grad():
        for parameter, numbers in written:
            parameter.copy_(numbers)
