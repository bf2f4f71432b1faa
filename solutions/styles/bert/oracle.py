"""Notebook 10 by torch's own norms and embeddings in one pass, and `load_state_dict`.

Hugging Face's models themselves stand beside the reference in tests/solutions/test_bert.py.
"""

import torch
from torch import nn

from solutions.transformer_block import TransformerBlock


class BertEmbeddings(nn.Module):
    """torch's own modules, and `F.embedding` of slices."""

    def __init__(self, vocab_size, max_len, d_model, type_vocab_size=2, dropout=0.0):
        super().__init__()
        self.word = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(max_len, d_model)
        self.token_type = nn.Embedding(type_vocab_size, d_model)
        self.norm = nn.LayerNorm(d_model, eps=1e-12)
        self.drop = nn.Dropout(dropout)

    def forward(self, ids, token_types=None):
        """The rows of the places are a slice of their table."""
        length = ids.size(1)
        if length > self.position.weight.size(0):
            raise ValueError("ids")
        types = ids.new_zeros(ids.shape) if token_types is None else token_types
        x = nn.functional.embedding(types, self.token_type.weight) + self.position.weight[:length]
        return self.drop(self.norm(nn.functional.embedding(ids, self.word.weight) + x))


class Bert(nn.Module):
    """torch's own norms in the blocks, and a mask of four axes."""

    def __init__(self, vocab_size, max_len, d_model, num_layers, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.embeddings = BertEmbeddings(vocab_size, max_len, d_model, 2, dropout)
        blocks = [TransformerBlock(d_model, num_heads, d_ff, dropout, False) for _ in range(num_layers)]
        for block in blocks:
            for name in ("norm1", "norm2"):
                setattr(block, name, nn.LayerNorm(d_model, eps=1e-12))
        self.layers = nn.ModuleList(blocks)
        self.pooler = nn.Linear(d_model, d_model)

    def forward(self, ids, attention_mask=None, token_types=None):
        """As Hugging Face's extended mask, but bool."""
        mask = attention_mask
        if mask is not None:
            if mask.dtype is not torch.bool or mask.dim() != 2:
                raise ValueError("mask")
            if any(given not in (1, size) for given, size in zip(mask.shape, ids.shape)):
                raise ValueError("mask")
            mask = mask[:, None, None, :]
        hidden = self.embeddings(ids, token_types)
        for block in self.layers:
            hidden = block(hidden, mask=mask)
        return hidden, self.pooler(hidden.select(1, 0)).tanh()


class MaskedLanguageHead(nn.Module):
    """`F.linear` with the table, which is not registered again."""

    def __init__(self, embeddings):
        super().__init__()
        self.kept = [embeddings]
        width = embeddings.word.embedding_dim
        self.dense = nn.Linear(width, width)
        self.act = nn.GELU()
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(embeddings.word.num_embeddings))

    def forward(self, hidden):
        """The table is asked for at each call."""
        x = self.norm(self.act(self.dense(hidden)))
        return nn.functional.linear(x, self.kept[0].word.weight, self.bias)


class SequenceClassifier(nn.Module):
    """As Hugging Face's, with another order of the parts."""

    def __init__(self, bert, num_classes, dropout=0.0):
        super().__init__()
        self.drop = nn.Dropout(p=dropout)
        self.linear = nn.Linear(bert.embeddings.word.weight.shape[1], num_classes)
        self.bert = bert

    def forward(self, ids, attention_mask=None, token_types=None):
        """pooled is the second result."""
        return self.linear(self.drop(self.bert(ids, attention_mask=attention_mask, token_types=token_types)[1]))


def load_bert(model, weights):
    """Into the names of this model, and then by torch's own `load_state_dict`."""
    given = {}
    for name, each in weights.items():
        name = name.removeprefix("bert.")
        for old, new in (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")):
            name = name.replace(old, new)
        given[name] = each.detach()
    renamed = (
        ("embeddings.word_embeddings", "embeddings.word"),
        ("embeddings.position_embeddings", "embeddings.position"),
        ("embeddings.token_type_embeddings", "embeddings.token_type"),
        ("embeddings.LayerNorm", "embeddings.norm"),
        ("encoder.layer.", "layers."),
        ("attention.self.query", "attention.q_proj"),
        ("attention.self.key", "attention.k_proj"),
        ("attention.self.value", "attention.v_proj"),
        ("attention.output.dense", "attention.out_proj"),
        ("attention.output.LayerNorm", "norm1"),
        ("intermediate.dense", "feed_forward.linear1"),
        ("output.dense", "feed_forward.linear2"),
        ("output.LayerNorm", "norm2"),
        ("pooler.dense", "pooler"),
    )
    found = {}
    for name, each in given.items():
        for theirs, ours in renamed:
            name = name.replace(theirs, ours)
        found[name] = each
    wanted = model.state_dict()
    for name, parameter in wanted.items():
        if name not in found or found[name].shape != parameter.shape:
            raise ValueError(f"weights: {name}")
    model.load_state_dict({name: found[name] for name in wanted}, strict=True)
