# Made by `workbook release` from source/10-bert, to be changed there.
"""BERT: embeddings, a post-norm encoder with padding, its heads, and published weights.

Devlin et al. (2019), section 3.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.transformer_block import LayerNorm, TransformerBlock


class BertEmbeddings(nn.Module):
    """Which word, which place, which text: three rows, added, normalised, then dropout.

    Tables `word`, `position`, `token_type` (nn.Embedding), `norm` (LayerNorm with eps 1e-12).

    Source: Devlin et al. 2019, "BERT", section 3 and figure 2; eps and the norm: Google's code.
    """

    def __init__(
        self,
        vocab_size: int,
        max_len: int,
        d_model: int,
        type_vocab_size: int = 2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.word = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(max_len, d_model)
        self.token_type = nn.Embedding(type_vocab_size, d_model)
        self.norm = LayerNorm(d_model, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: Tensor, token_types: Tensor | None = None) -> Tensor:
        """Look up, add and normalise: ids (B, L), token_types (B, L) or None = all 0 -> (B, L, D).

        Raises: ValueError naming `ids`, when they are longer than max_len.
        """
        length = ids.shape[-1]
        if length > self.position.num_embeddings:
            raise ValueError(f"ids have {length} places, max_len is {self.position.num_embeddings}")
        if token_types is None:
            token_types = torch.zeros_like(ids)
        places = torch.arange(length, device=ids.device)  # (L,)
        x = self.word(ids) + self.position(places) + self.token_type(token_types)  # (B, L, D)
        return self.dropout(self.norm(x))


class Bert(nn.Module):
    """BERT: embeddings, post-norm blocks in which every place hears every word, and a pooler.

    Submodules `embeddings`, `layers` (nn.ModuleList of TransformerBlock, norms with eps 1e-12),
    `pooler` (nn.Linear); dropout in the embeddings and in the blocks.

    Source: Devlin et al. 2019, "BERT", section 3; the pooler: Google's published code.
    """

    def __init__(
        self,
        vocab_size: int,
        max_len: int,
        d_model: int,
        num_layers: int,
        num_heads: int,
        d_ff: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embeddings = BertEmbeddings(vocab_size, max_len, d_model, dropout=dropout)
        self.layers = nn.ModuleList()
        for _ in range(num_layers):
            block = TransformerBlock(d_model, num_heads, d_ff, dropout, norm_first=False)
            block.norm1 = LayerNorm(d_model, eps=1e-12)
            block.norm2 = LayerNorm(d_model, eps=1e-12)
            self.layers.append(block)
        self.pooler = nn.Linear(d_model, d_model)

    def forward(
        self,
        ids: Tensor,
        attention_mask: Tensor | None = None,
        token_types: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Read whole texts: ids (B, L), L at least 1 -> hidden (B, L, D), pooled (B, D).

        attention_mask: bool (B, S), True = a word, either size may be 1; token_types (B, L).

        Raises: ValueError naming `attention_mask`, when it is not bool or does not broadcast to
        (B, S); naming `ids`, when they are longer than max_len.
        """
        mask = None
        if attention_mask is not None:
            if attention_mask.dtype != torch.bool:
                raise ValueError(f"attention_mask must be bool, not {attention_mask.dtype}")
            try:
                mask = attention_mask.expand(ids.shape)[:, None]  # (B, 1, S): for every query
            except RuntimeError:
                raise ValueError(
                    f"attention_mask {tuple(attention_mask.shape)} does not fit {tuple(ids.shape)}"
                ) from None
        x = self.embeddings(ids, token_types)  # (B, L, D)
        for block in self.layers:
            x = block(x, mask)
        return x, torch.tanh(self.pooler(x[:, 0]))


class MaskedLanguageHead(nn.Module):
    """Score every word for every place: a transform, then the word table, and a bias.

    `embeddings` is the BertEmbeddings of a model. Own parameters: `dense` (nn.Linear), `norm`
    (eps 1e-12), `bias` (V,), from 0. The table is looked up at each call.

    Source: Devlin et al. 2019, "BERT", section 3.1, task 1; the transform: Google's code.
    """

    def __init__(self, embeddings: BertEmbeddings) -> None:
        super().__init__()
        vocab_size, d_model = embeddings.word.weight.shape
        self.embeddings = embeddings
        self.dense = nn.Linear(d_model, d_model)
        self.norm = LayerNorm(d_model, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden (B, L, D) -> logits (B, L, V)."""
        transformed = self.norm(F.gelu(self.dense(hidden)))  # (B, L, D)
        return transformed @ self.embeddings.word.weight.T + self.bias


class SequenceClassifier(nn.Module):
    """A score for each class from the pooled vector of a Bert.

    Submodules `bert`, the model given, and `linear`; dropout between pooled and linear.

    Source: Devlin et al. 2019, "BERT", section 4.1.
    """

    def __init__(self, bert: Bert, num_classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(bert.pooler.out_features, num_classes)

    def forward(
        self,
        ids: Tensor,
        attention_mask: Tensor | None = None,
        token_types: Tensor | None = None,
    ) -> Tensor:
        """ids (B, L), attention_mask (B, S) and token_types (B, L) as for Bert -> logits (B, C)."""
        _, pooled = self.bert(ids, attention_mask, token_types)
        output: Tensor = self.linear(self.dropout(pooled))
        return output


def load_bert(model: Bert, weights: Mapping[str, Tensor]) -> None:
    """Copy BERT's weights, in the layout of Hugging Face's BertModel, into a Bert.

    weights: a state dict, names with or without "bert."; norms may have gamma and beta. Names that
    the model has no place for are passed over.

    Raises: ValueError naming `weights`, when a name is missing or a shape is not exactly the one
    needed; the model is then as before.

    Source: Google's published BERT, in the form of the class BertModel of transformers.
    """
    prefix = "bert." if "bert.embeddings.word_embeddings.weight" in weights else ""
    written: list[tuple[Tensor, Tensor]] = []

    def plan(name: str, parameter: Tensor) -> None:
        """Note what goes where."""
        old = name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta")
        found = weights.get(prefix + name, weights.get(prefix + old))
        if found is None:
            raise ValueError(f"weights lack {prefix + name}")
        if found.shape != parameter.shape:
            raise ValueError(f"weights hold {prefix + name} in shape {tuple(found.shape)}")
        written.append((parameter, found))

    def plan_both(name: str, part: nn.Module) -> None:
        """Note the weight and the bias of a layer or a norm."""
        for kind in ("weight", "bias"):
            plan(f"{name}.{kind}", part.get_parameter(kind))

    for kind in ("word", "position", "token_type"):
        own = model.embeddings.get_parameter(f"{kind}.weight")
        plan(f"embeddings.{kind}_embeddings.weight", own)
    plan_both("embeddings.LayerNorm", model.embeddings.norm)
    for number, block in enumerate(model.layers):
        parts = {
            "attention.self.query": "attention.q_proj",
            "attention.self.key": "attention.k_proj",
            "attention.self.value": "attention.v_proj",
            "attention.output.dense": "attention.out_proj",
            "attention.output.LayerNorm": "norm1",
            "intermediate.dense": "feed_forward.linear1",
            "output.dense": "feed_forward.linear2",
            "output.LayerNorm": "norm2",
        }
        for theirs, ours in parts.items():
            plan_both(f"encoder.layer.{number}.{theirs}", block.get_submodule(ours))
    plan_both("pooler.dense", model.pooler)
    # Nothing was written so far: what is refused leaves the model as it was.
    with torch.no_grad():
        for parameter, numbers in written:
            parameter.copy_(numbers)
