"""Notebook 11 by torch's own operators: additive masks, its softmax and LayerNorm, T5's own steps.

PyTorch's decoder layer and Hugging Face's functions themselves stand beside the reference in
tests/solutions/test_encoder_decoder.py.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from solutions.multi_head_attention import MultiHeadAttention
from solutions.tokenization import TokenEmbedding
from solutions.transformer_block import FeedForward, TransformerBlock


def attention_pattern(kind, length, prefix=0):
    """By places of rows and columns."""
    rows, columns = torch.meshgrid(torch.arange(length), torch.arange(length), indexing="ij")
    patterns = {
        "encoder": columns >= 0,
        "decoder": torch.ge(rows, columns),
        "prefix": torch.ge(rows, columns) | torch.lt(columns, prefix),
    }
    if kind not in patterns:
        raise ValueError("kind")
    return patterns[kind]


def shift_right(ids, start_id, pad_id=0):
    """As `_shift_right` of Hugging Face's T5."""
    shifted = ids.new_full(ids.shape, start_id)
    shifted[..., 1:] = torch.where(ids[..., :-1] == -100, pad_id, ids[..., :-1])
    return shifted


def span_corruption(ids, starts, lengths, first_sentinel):
    """By counting how many spans begin at or before each token."""
    starts, lengths = starts.long().contiguous(), lengths.long()
    ends = starts + lengths
    if torch.cat([starts, starts.new_tensor([len(ids)])]).lt(torch.cat([starts.new_zeros(1), ends])).any():
        raise ValueError("starts")
    places = torch.arange(len(ids))
    number = torch.searchsorted(starts, places, right=True) - 1  # of the span at or before a place
    inside = number >= 0
    inside[inside.clone()] = places[inside] < ends[number[inside]]
    sentinels = first_sentinel - torch.arange(len(starts) + 1)
    # A sentinel goes just before its place; sorting by (place, kind) puts it there.
    order = torch.cat([2 * places[~inside] + 1, 2 * starts]).argsort(stable=True)
    inputs = torch.cat([ids[~inside].long(), sentinels[:-1]])[order]
    order = torch.cat([2 * places[inside] + 1, 2 * starts]).argsort(stable=True)
    targets = torch.cat([ids[inside].long(), sentinels[:-1]])[order]
    return inputs, torch.cat([targets, sentinels[-1:]])


def relative_position_bucket(relative, bidirectional, num_buckets=32, max_distance=128):
    """By the borders of the buckets, and torch's search in them."""
    size = num_buckets // 2 if bidirectional else num_buckets
    exact = size // 2
    steps = torch.arange(size - exact, dtype=torch.float64) / (size - exact)
    borders = torch.cat([torch.arange(1.0, exact, dtype=torch.float64), exact * (max_distance / exact) ** steps])
    distance = relative.abs() if bidirectional else (-relative).clamp_min(0)
    found = torch.bucketize(distance.double(), borders, right=True)
    return found + size * (relative > 0) if bidirectional else found


def heard(attention, query, memory, allowed):
    """Attention with what it may not see at minus infinity, and 0 where that is everything."""
    def split(x):
        return x.reshape(*x.shape[:2], attention.num_heads, x.shape[2] // attention.num_heads).permute(0, 2, 1, 3)

    q, k, v = split(attention.q_proj(query)), split(attention.k_proj(memory)), split(attention.v_proj(memory))
    scores = torch.einsum("bhle,bhse->bhls", q, k) / math.sqrt(q.shape[-1])
    nothing = ~allowed.any(-1, keepdim=True)
    weights = nn.functional.softmax(scores.masked_fill(~(allowed | nothing), -math.inf), dim=-1)
    mixed = torch.einsum("bhls,bhse->blhe", weights, v).masked_fill(nothing.permute(0, 2, 1, 3), 0.0)
    return attention.out_proj(mixed.reshape(query.shape))


def words(mask, batch, length):
    """The mask of texts as (B, 1, 1, S), refused where it is none."""
    if mask.dtype != torch.bool or mask.shape[0] not in (1, batch) or mask.shape[1] not in (1, length):
        raise ValueError("mask")
    return mask.expand(batch, length)[:, None, None]


class CrossDecoderBlock(nn.Module):
    """Torch's norms, and the three steps written out."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, num_heads)
        self.cross_attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(d_model) for _ in range(3))
        self.dropouts = nn.ModuleList(nn.Dropout(dropout) for _ in range(3))

    def forward(self, x, memory, memory_mask=None):
        """Nothing of the provided attention but its projections."""
        batch, length, _ = x.shape
        places = torch.arange(length, device=x.device)
        causal = (places[:, None] >= places)[None, None]
        if memory_mask is None:
            memory_mask = torch.ones(1, 1, dtype=torch.bool, device=x.device)
        allowed = words(memory_mask, batch, memory.shape[1])
        normed = self.norm1(x)
        x = x + self.dropouts[0](heard(self.self_attention, normed, normed, causal))
        x = x + self.dropouts[1](heard(self.cross_attention, self.norm2(x), memory, allowed))
        return x + self.dropouts[2](self.feed_forward(self.norm3(x)))


class EncoderDecoder(nn.Module):
    """Torch's modules around such blocks."""

    def __init__(self, vocab_size, max_len, d_model, num_encoder_layers, num_decoder_layers, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.token = TokenEmbedding(vocab_size, d_model)
        self.source_position, self.target_position = nn.Embedding(max_len, d_model), nn.Embedding(max_len, d_model)
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        for _ in range(num_encoder_layers):
            self.encoder.append(TransformerBlock(d_model, num_heads, d_ff, dropout=dropout, norm_first=True))
        for _ in range(num_decoder_layers):
            self.decoder.append(CrossDecoderBlock(d_model, num_heads, d_ff, dropout))
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def encode(self, source, source_mask=None):
        """Masks in four dimensions."""
        batch, length = source.shape
        if length > self.source_position.num_embeddings:
            raise ValueError("source")
        allowed = None if source_mask is None else words(source_mask, batch, length)
        x = F.embedding(source, self.token.weight) + self.source_position.weight[:length]
        for layer in self.encoder:
            x = layer(x, mask=allowed)
        return self.encoder_norm(x)

    def decode(self, target_inputs, memory, memory_mask=None):
        """The table of tokens by torch's own linear function."""
        length = target_inputs.shape[1]
        if length > self.target_position.num_embeddings:
            raise ValueError("target_inputs")
        x = F.embedding(target_inputs, self.token.weight) + self.target_position.weight[:length]
        for layer in self.decoder:
            x = layer(x, memory, memory_mask=memory_mask)
        return F.linear(self.decoder_norm(x), self.token.weight)

    def forward(self, source, target_inputs, source_mask=None):
        """One after the other."""
        memory = self.encode(source, source_mask=source_mask)
        return self.decode(target_inputs, memory, memory_mask=source_mask)
