# Made by `workbook release` from source/11-encoder-decoder, to be changed there.
"""An encoder that reads, a decoder that writes, and T5's gaps and buckets of distances.

Vaswani et al. (2017), section 3.1; Raffel et al. (2020), sections 2 and 3.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.multi_head_attention import MultiHeadAttention
from solutions.tokenization import TokenEmbedding
from solutions.transformer_block import FeedForward, LayerNorm, TransformerBlock


def attention_pattern(kind: str, length: int, prefix: int = 0) -> Tensor:
    """Say which query (row) may attend to which key (column): bool (L, L), True = may attend.

    kind: "encoder" (everything), "decoder" (causal) or "prefix" (bidirectional over the first
    `prefix` tokens, causal after them); `prefix` counts for the last one only.

    Raises: ValueError naming `kind`, for any other.

    Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified
    Text-to-Text Transformer", figure 3.
    """
    if kind not in ("encoder", "decoder", "prefix"):
        raise ValueError(f"kind {kind!r} is none of encoder, decoder, prefix")
    pattern = torch.ones(length, length, dtype=torch.bool)
    if kind != "encoder":
        pattern = pattern.tril()
    if kind == "prefix":
        # Keys, not queries: the prefix is what everybody may read.
        pattern[:, :prefix] = True
    return pattern


def shift_right(ids: Tensor, start_id: int, pad_id: int = 0) -> Tensor:
    """Make the decoder's inputs from its targets: one place to the right, start_id in front.

    ids (..., L) -> (..., L), L may be 0. The last target falls off; -100 becomes pad_id.

    Source: Raffel et al. 2020, section 2.1; teacher forcing: Williams and Zipser 1989.
    """
    shifted = F.pad(ids, (1, 0), value=start_id)[..., :-1]  # (..., L)
    # -100 marks places that no loss counts; a table of embeddings has no such row.
    return shifted.masked_fill(shifted == -100, pad_id)


def span_corruption(
    ids: Tensor, starts: Tensor, lengths: Tensor, first_sentinel: int
) -> tuple[Tensor, Tensor]:
    """Cut spans out of a text, and ask for them: inputs and targets, int64.

    ids (T,), starts and lengths (n,), n may be 0. Span i becomes the sentinel first_sentinel - i
    in the inputs; the targets are each sentinel followed by what it stands for, and one last
    sentinel. Spans that touch keep a sentinel each.

    Raises: ValueError naming `starts`, for spans that overlap, are not in order or leave the text.

    Source: Raffel et al. 2020, section 3.1.4 and figure 2.
    """
    inputs, targets, read = [], [], 0
    for number, (begin, size) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
        # What was read ends where the last span does, so this is order, overlap and both ends.
        if begin < read or begin + size > len(ids):
            raise ValueError(f"starts: the span at {begin} overlaps, or is out of place")
        sentinel = torch.tensor([first_sentinel - number], device=ids.device)
        inputs += [ids[read:begin], sentinel]
        targets += [sentinel, ids[begin : begin + size]]
        read = begin + size
    inputs.append(ids[read:])
    targets.append(torch.tensor([first_sentinel - len(starts)], device=ids.device))
    return torch.cat(inputs).long(), torch.cat(targets).long()


def relative_position_bucket(
    relative: Tensor, bidirectional: bool, num_buckets: int = 32, max_distance: int = 128
) -> Tensor:
    """Say which bucket each relative position (key - query) falls into: (...) -> (...), int64.

    Half of a direction's buckets hold one distance each, the rest logarithmically more, up to
    max_distance; bidirectional, keys after the query have the upper half of all buckets.

    Source: Raffel et al. 2020, section 2.1; T5's published code.
    """
    if bidirectional:
        buckets = num_buckets // 2  # of one direction
        first = (relative > 0).long() * buckets
        distance = relative.abs()
    else:
        buckets = num_buckets
        first = torch.zeros_like(relative, dtype=torch.int64)
        distance = (-relative).clamp(min=0)
    exact = buckets // 2
    # Clamped, since both are computed everywhere, and the logarithm of 0 is no bucket.
    ratio = distance.clamp(min=exact).double() / exact
    steps = ratio.log() / math.log(max_distance / exact) * (buckets - exact)
    far = (exact + steps.long()).clamp(max=buckets - 1)
    return first + torch.where(distance < exact, distance, far)


class CrossDecoderBlock(nn.Module):
    """A pre-norm block that looks at its own text, causally, then at another one, then thinks.

    Submodules `self_attention`, `cross_attention`, `feed_forward`, `norm1`, `norm2`, `norm3`;
    dropout on each sub-layer's output.

    Source: Vaswani et al. 2017, section 3.1; the wiring, pre-norm: Xiong et al. 2020, table 1.
    """

    def __init__(self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, num_heads)
        self.cross_attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.norm3 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, memory: Tensor, memory_mask: Tensor | None = None) -> Tensor:
        """Apply all three sub-layers to x (B, L, D), with memory (B, S, D) -> (B, L, D).

        memory_mask: bool (B, S), True = a word, either size may be 1.

        Raises: ValueError with `mask` in its message, when it is not bool or does not broadcast to
        (B, S).
        """
        length = x.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=x.device).tril()
        # A size for L between both: without it, texts would be taken for places.
        words = None if memory_mask is None else memory_mask[:, None]  # (B, 1, S)
        normed = self.norm1(x)
        x = x + self.dropout(self.self_attention(normed, normed, normed, causal)[0])
        # The encoder has normed the memory, and has read all of the source: no order here.
        heard = self.cross_attention(self.norm2(x), memory, memory, words)[0]  # (B, L, D)
        x = x + self.dropout(heard)
        output: Tensor = x + self.dropout(self.feed_forward(self.norm3(x)))
        return output


class EncoderDecoder(nn.Module):
    """An encoder that reads the source, and a decoder that scores what to write next.

    Submodules `token` (TokenEmbedding, for both sides and the scores), `source_position`,
    `target_position` (nn.Embedding), `encoder` (nn.ModuleList of TransformerBlock, pre-norm),
    `encoder_norm`, `decoder` (nn.ModuleList of CrossDecoderBlock), `decoder_norm`.

    Source: Vaswani et al. 2017, section 3.1 and figure 1; one table for all: section 3.4.
    """

    def __init__(
        self,
        vocab_size: int,
        max_len: int,
        d_model: int,
        num_encoder_layers: int,
        num_decoder_layers: int,
        num_heads: int,
        d_ff: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.token = TokenEmbedding(vocab_size, d_model)
        self.source_position = nn.Embedding(max_len, d_model)
        self.target_position = nn.Embedding(max_len, d_model)
        self.encoder = nn.ModuleList(
            TransformerBlock(d_model, num_heads, d_ff, dropout) for _ in range(num_encoder_layers)
        )
        self.encoder_norm = LayerNorm(d_model)
        self.decoder = nn.ModuleList(
            CrossDecoderBlock(d_model, num_heads, d_ff, dropout) for _ in range(num_decoder_layers)
        )
        self.decoder_norm = LayerNorm(d_model)

    def encode(self, source: Tensor, source_mask: Tensor | None = None) -> Tensor:
        """Read the source: ids (B, S), mask (B, S), True = a word -> memory (B, S, D).

        Raises: ValueError naming `source`, past max_len; with `mask` in it, if that does not fit.
        """
        if source.shape[1] > self.source_position.num_embeddings:
            raise ValueError(f"source has {source.shape[1]} tokens, more than max_len")
        places = torch.arange(source.shape[1], device=source.device)  # (S,)
        x = self.token(source) + self.source_position(places)  # (B, S, D)
        words = None if source_mask is None else source_mask[:, None]  # (B, 1, S)
        for block in self.encoder:
            x = block(x, words)
        memory: Tensor = self.encoder_norm(x)
        return memory

    def decode(
        self, target_inputs: Tensor, memory: Tensor, memory_mask: Tensor | None = None
    ) -> Tensor:
        """Score every token as the next one: ids (B, L), memory (B, S, D) -> logits (B, L, V).

        Raises: ValueError naming `target_inputs`, past max_len; with `mask` in it, as `encode`.
        """
        if target_inputs.shape[1] > self.target_position.num_embeddings:
            raise ValueError(f"target_inputs have {target_inputs.shape[1]} tokens, over max_len")
        places = torch.arange(target_inputs.shape[1], device=target_inputs.device)  # (L,)
        x = self.token(target_inputs) + self.target_position(places)  # (B, L, D)
        for block in self.decoder:
            x = block(x, memory, memory_mask)
        logits: Tensor = self.token.logits(self.decoder_norm(x))  # (B, L, V)
        return logits

    def forward(
        self, source: Tensor, target_inputs: Tensor, source_mask: Tensor | None = None
    ) -> Tensor:
        """Read the source and score: (B, S), (B, L), mask (B, S) -> logits (B, L, V)."""
        # Padding is hidden twice: while reading, and while listening to what was read.
        return self.decode(target_inputs, self.encode(source, source_mask), source_mask)
