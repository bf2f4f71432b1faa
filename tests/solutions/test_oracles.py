"""Every reference gives what the same definitions in torch's own operators give."""

from __future__ import annotations

import pytest

from tests import anew
from tests.solutions.oracles import disagreements, reference

# Mistakes that a reference must not have: assignment, definition, and what is put for what.
BROKEN = [
    ("01-scaled-dot-product-attention", "attention_scores", "math.sqrt(query.shape[-1])", "8"),
    ("02-causal-masking", "causal_mask", ".tril(key_len - query_len)", ".tril()"),
    ("03-multi-head-attention", "merge_heads", "x.transpose(-3, -2).fl", "x.fl"),
    (
        "04-positional-encoding",
        "sinusoidal_encoding",
        "(angles.sin(), angles.cos())",
        "(angles.cos(), angles.sin())",
    ),
    ("05-transformer-block", "LayerNorm", "torch.sqrt(variance + self.eps)", "variance.sqrt()"),
    (
        "05-transformer-block",
        "FeedForward",
        "F.gelu(self.linear1(x))",
        'F.gelu(self.linear1(x), approximate="tanh")',
    ),
    ("06-tokenization", "merge", "place += 2", "place += 1"),
    ("06-tokenization", "train_bpe", "(-counts[pair], pair)", "(-counts[pair], -pair[0])"),
    (
        "06-tokenization",
        "BPETokenizer",
        "sorted(special_tokens, key=len, reverse=True)",
        "list(special_tokens)",
    ),
    ("07-language-model", "next_token_log_probabilities", "ids[:, 1:, None]", "ids[:, :-1, None]"),
    ("07-language-model", "DecoderBlock", ".tril(seen - new)", ".tril()"),
    ("07-language-model", "GPT", "torch.arange(start, end,", "torch.arange(end - start,"),
    ("07-language-model", "load_gpt2", 'for part in "qkv"', 'for part in "kqv"'),
    ("08-training", "cross_entropy", "max(1, picked.numel())", "max(1, targets.numel())"),
    (
        "08-training",
        "next_token_batch",
        "starts + length >= len(ids)",
        "starts + length > len(ids)",
    ),
    ("08-training", "mask_tokens", "chance < 0.15", "chance <= 0.15"),
    ("08-training", "learning_rate", "(step + 1) / warmup", "step / warmup"),
    ("08-training", "clip_gradients", "if norm > max_norm:", "if norm > 0:"),
    ("08-training", "AdamW", "mean.lerp_(grad, 1 - beta1)", "mean.lerp_(grad, beta1)"),
    ("08-training", "decay_groups", "each.ndim >= 2", "each.ndim >= 1"),
    ("08-training", "train", "starts[step], length", "starts[0], length"),
    ("09-generation", "next_token_probabilities", "before >= top_p", "before > top_p"),
    ("09-generation", "beam_search", "(-each[0], each[1])", "-each[0]"),
    ("09-generation", "speculative_step", "(target[place] - draft[place])", "target[place]"),
    ("10-bert", "BertEmbeddings", "self.dropout(self.norm(x))", "self.norm(self.dropout(x))"),
    ("10-bert", "Bert", "torch.tanh(self.pooler(x[:, 0]))", "self.pooler(x[:, 0])"),
    ("10-bert", "MaskedLanguageHead", "F.gelu(self.dense(hidden))", "F.relu(self.dense(hidden))"),
    ("10-bert", "SequenceClassifier", "attention_mask, token_types)", "attention_mask)"),
    (
        "10-bert",
        "load_bert",
        '"attention.self.key": "attention.k',
        '"attention.self.key": "attention.q',
    ),
    ("11-encoder-decoder", "span_corruption", "first_sentinel - number", "first_sentinel"),
    ("11-encoder-decoder", "relative_position_bucket", "(relative > 0)", "(relative >= 0)"),
    ("11-encoder-decoder", "CrossDecoderBlock", "memory_mask[:, None]", "memory_mask"),
    ("11-encoder-decoder", "EncoderDecoder", "source_mask), source_mask)", "source_mask))"),
    (
        "challenge-rope",
        "apply_rope",
        "= angles.cos(), angles.sin()",
        "= angles.cos(), -angles.sin()",
    ),
    (
        "challenge-gqa",
        "grouped_query_attention",
        "mask.unsqueeze(1) if mask.ndim == 3 else mask",
        "mask",
    ),
    ("challenge-llama", "RMSNorm", "+ self.eps)", ")"),
    ("challenge-llama", "LlamaBlock", "key = apply_rope(key, positions, self.base)", ""),
    ("challenge-llama", "Llama", "start = caches[0][0].shape[-2] if caches else 0", "start = 0"),
    (
        "challenge-llama",
        "load_llama",
        "attention.k_proj.weight, attention.num_kv_heads",
        "attention.k_proj.weight",
    ),
    ("challenge-flash-attention", "flash_attention", "total * rescale + terms", "total + terms"),
    ("challenge-flash-attention", "flash_attention_backward", "- row_dot[..., rows, :]", ""),
]


# Of all, `workbook prove` compared them when they were proved, on five seeds.
@pytest.mark.parametrize("assignment", anew.a_few_now())
def test_the_reference_is_its_oracle(assignment: str) -> None:
    """On all hidden observations and public examples."""
    assert disagreements(assignment, reference(assignment), 0) == []


@pytest.mark.parametrize(
    ("assignment", "definition", "old", "new"), [anew.now(case[0], *case) for case in BROKEN]
)
def test_a_broken_reference_is_not(assignment: str, definition: str, old: str, new: str) -> None:
    """A wrong scale, alignment, order of heads, pair, eps, GELU, direction or sum is seen."""
    assert disagreements(assignment, reference(assignment, old, new), 0, definition) != []
