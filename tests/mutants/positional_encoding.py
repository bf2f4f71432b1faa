"""Mistakes in the definitions of 04-positional-encoding."""

from tests.mutants import Mutant

SINUSOIDAL_HEAD = """\
def sinusoidal_encoding(seq_len: int, d_model: int, base: float = 10_000.0) -> Tensor:
    if d_model % 2:
        raise ValueError("d_model must be even")
"""

POSITIONAL_HEAD = """class PositionalEncoding(nn.Module):
    def __init__(
        self, d_model: int, max_len: int = 5_000, dropout: float = 0.0, base: float = 10_000.0
    ) -> None:
        super().__init__()
        self.register_buffer(
            "encoding", sinusoidal_encoding(max_len, d_model, base), persistent=False
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        if offset < 0:
            raise ValueError(f"offset must not be negative, got {offset}")
"""

SHIFT_HEAD = """def shift_matrix(offset: int, d_model: int, base: float = 10_000.0) -> Tensor:
"""

LEARNED_HEAD = """class LearnedPositionalEmbedding(nn.Module):
    def __init__(self, d_model: int, max_len: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        if offset < 0:
            raise ValueError(f"offset must not be negative, got {offset}")
        end, max_len = offset + x.shape[-2], self.embedding.num_embeddings
        if end > max_len:
            raise ValueError(f"x needs {end} positions")
"""


def _table(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("sinusoidal_encoding", id, listed, old, new)


def _module(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("PositionalEncoding", id, listed, old, new)


def _shift(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("shift_matrix", id, listed, old, new)


def _learned(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("LearnedPositionalEmbedding", id, listed, old, new)


FREQUENCIES = "frequencies = base ** (-2 * pairs / d_model)"
POSITIONS = "positions = torch.arange(seq_len, dtype=torch.float64)"
STACK = "table = torch.stack((angles.sin(), angles.cos()), dim=-1)"
RETURN_TABLE = "return table.flatten(-2).float()"
REGISTER = """self.register_buffer(
            "encoding", sinusoidal_encoding(max_len, d_model, base), persistent=False
        )"""
SUM = "self.dropout(x + rows)"
ROWS = "rows = self.encoding[offset:end].to(x.dtype)"
TOO_LONG = """        if end > max_len:
            raise ValueError(f"x needs {end} positions from 0, but max_len is {max_len}")
"""
NEGATIVE = """        if offset < 0:
            raise ValueError(f"offset must not be negative, got {offset}")
"""
LEARNED_ROWS = "rows = self.embedding.weight[offset:end]"
LEARNED_SUM = "return x + rows.to(x.dtype)"

MUTANTS: list[Mutant] = [
    # the table
    _table(
        "sine-and-cosine-swapped",
        "B.4 1",
        "angles.sin(), angles.cos()",
        "angles.cos(), angles.sin()",
    ),
    _table(
        "halves-instead-of-neighbours", "B.4 2", RETURN_TABLE, "return table.mT.flatten(-2).float()"
    ),
    _table("exponent-i-over-d", "B.4 3", FREQUENCIES, "frequencies = base ** (-pairs / d_model)"),
    _table(
        "exponent-4i-over-d", "B.4 3", FREQUENCIES, "frequencies = base ** (-4 * pairs / d_model)"
    ),
    _table(
        "odd-columns-with-their-own-exponent",
        "B.4 4",
        STACK,
        "table = torch.stack((angles.sin(),"
        " (positions[:, None] * base ** (-(2 * pairs + 1) / d_model)).cos()), dim=-1)",
    ),
    _table("frequency-grows", "B.4 5", FREQUENCIES, "frequencies = base ** (2 * pairs / d_model)"),
    _table(
        "positions-from-one",
        "B.4 6",
        POSITIONS,
        "positions = torch.arange(1, seq_len + 1, dtype=torch.float64)",
    ),
    _table(
        "base-ignored", "B.4 7", FREQUENCIES, "frequencies = 10_000.0 ** (-2 * pairs / d_model)"
    ),
    _table(
        "a-factor-of-two-pi",
        "B.4 8",
        "angles = positions[:, None] * frequencies",
        "angles = 2 * torch.pi * positions[:, None] * frequencies",
    ),
    _table(
        "degrees",
        "B.4 8",
        "angles = positions[:, None] * frequencies",
        "angles = torch.deg2rad(positions[:, None] * frequencies)",
    ),
    _table(
        "integer-division", "B.4 9", FREQUENCIES, "frequencies = base ** (-(2 * pairs // d_model))"
    ),
    _table(
        "integer-divisor",
        "B.4 9",
        FREQUENCIES,
        "frequencies = 1 / (base ** (2 * pairs / d_model)).long()",
    ),
    _table(
        "bfloat16-positions",
        "B.4 9",
        POSITIONS,
        "positions = torch.arange(seq_len, dtype=torch.bfloat16).double()",
    ),
    _table(
        "float16-positions",
        "B.4 9",
        POSITIONS,
        "positions = torch.arange(seq_len, dtype=torch.float16).double()",
    ),
    _table(
        "float32-angles",
        "B.4 9",
        "angles = positions[:, None] * frequencies",
        "angles = positions.float()[:, None] * frequencies.float()",
    ),
    _table(
        "odd-width-accepted",
        "B.4 10",
        """    if d_model % 2:
        raise ValueError(f"d_model must be even, a sine and a cosine for each pair: got {d_model}")
""",
        "",
    ),
    _table(
        "odd-width-rounded-up",
        "B.4 10",
        """    if d_model % 2:
        raise ValueError(f"d_model must be even, a sine and a cosine for each pair: got {d_model}")
""",
        "    d_model += d_model % 2\n",
    ),
    _table(
        "odd-width-cuts-a-pair",
        "B.4 10",
        "",
        SINUSOIDAL_HEAD.split("    if d_model")[0]
        + """
    table = torch.zeros(seq_len, d_model, dtype=torch.float64)
    speeds = base ** (-torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
    angles = torch.arange(seq_len)[:, None] * speeds
    table[:, 0::2] = angles.sin()
    table[:, 1::2] = angles.cos()[:, : d_model // 2]
    return table.float()
""",
    ),
    _table(
        "odd-width-fails-an-assertion",
        "B.4 10",
        'ValueError(f"d_model must be even, a sine and a cosine for each pair: got {d_model}")',
        'AssertionError("d_model must be even")',
    ),
    _table(
        "error-names-no-argument",
        "B.4 10",
        'f"d_model must be even, a sine and a cosine for each pair: got {d_model}"',
        '"the width must be even"',
    ),
    _table("float64-table", "", RETURN_TABLE, "return table.flatten(-2)"),
    _table("sines-only", "", "angles.sin(), angles.cos()", "angles.sin(), angles.sin()"),
    _table(
        "exponent-over-pairs-less-one",
        "",
        FREQUENCIES,  # tensor2tensor's own code
        "frequencies = base ** (-pairs / max(d_model // 2 - 1, 1))",
    ),
    _table(
        "speeds-by-steps-from-first-to-last",
        "",
        FREQUENCIES,  # one pair has no step
        "frequencies = base ** (-pairs * ((1 - 2 / d_model) / (d_model // 2 - 1)))",
    ),
    _table(
        "single-pair-lost-to-squeeze",
        "B.4 edge",
        "angles = positions[:, None] * frequencies",
        "angles = (positions[:, None] * frequencies).squeeze(1)",
    ),
    _table(
        "scaled-by-the-length",
        "",
        POSITIONS,
        "positions = torch.arange(seq_len, dtype=torch.float64) / max(seq_len, 1)",
    ),
    _table("transposed", "", RETURN_TABLE, "return table.flatten(-2).float().T"),
    _table(
        "one-position-lost-to-squeeze",
        "B.4 edge",
        RETURN_TABLE,
        "return table.flatten(-2).float().squeeze(0)",
    ),
    _table(
        "one-row-too-many",
        "",
        POSITIONS,
        "positions = torch.arange(seq_len + 1, dtype=torch.float64)",
    ),
    Mutant(
        "sinusoidal_encoding",
        "no-empty-table",
        "B.4 edge",
        "",
        SINUSOIDAL_HEAD
        + """
    frequencies = base ** (-2 * torch.arange(d_model // 2, dtype=torch.float64) / d_model)
    rows = [p * frequencies for p in range(seq_len)]
    angles = torch.stack(rows)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2).float()
""",
    ),
    Mutant(
        "sinusoidal_encoding",
        "memory-shared-between-calls",
        "",
        "",
        SINUSOIDAL_HEAD
        + """
    memory = sinusoidal_encoding.__dict__.setdefault("memory", {})
    if (seq_len, d_model, base) not in memory:
        pairs = torch.arange(d_model // 2, dtype=torch.float64)
        angles = torch.arange(seq_len)[:, None] * base ** (-2 * pairs / d_model)
        memory[seq_len, d_model, base] = (
            torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2).float()
        )
    return memory[seq_len, d_model, base]
""",
    ),
    # the module
    _module(
        "trained-table",
        "B.4 11",
        REGISTER,
        "self.encoding = nn.Parameter(sinusoidal_encoding(max_len, d_model, base))",
    ),
    _module(
        "frozen-parameter",
        "B.4 11",
        REGISTER,
        "self.encoding = nn.Parameter("
        "sinusoidal_encoding(max_len, d_model, base), requires_grad=False)",
    ),
    _module(
        "plain-attribute",
        "B.4 11",
        REGISTER,
        "self.encoding = sinusoidal_encoding(max_len, d_model, base)",
    ),
    Mutant(
        "PositionalEncoding",
        "rows-of-a-plain-copy-of-the-buffer",
        "B.4 11",
        "",
        POSITIONAL_HEAD.replace(
            "        self.dropout = ", "        self.table = self.encoding\n        self.dropout = "
        )
        + """
        end, max_len = offset + x.shape[-2], len(self.table)
        if end > max_len:
            raise ValueError(f"x needs {end} positions")
        return self.dropout(x + self.table[offset:end].to(x.dtype))
""",
    ),
    _module("persistent-buffer", "B.4 12", "persistent=False", "persistent=True"),
    _module(
        "buffer-with-a-batch-dimension",
        "",
        """"encoding", sinusoidal_encoding(max_len, d_model, base)""",
        """"encoding", sinusoidal_encoding(max_len, d_model, base)[None]""",
    ),
    _module(
        "rows-by-batch-index",
        "B.4 13",
        ROWS,
        "rows = self.encoding[offset : offset + x.size(0)].to(x.dtype).unsqueeze(1)",
    ),
    _module("length-read-from-the-batch", "B.4 13", "offset + x.shape[-2]", "offset + x.shape[0]"),
    _module(
        "length-read-from-the-second-dimension",
        "B.4 13",
        "offset + x.shape[-2]",
        "offset + x.shape[1]",
    ),
    _module(
        "in-place-sum",
        "B.4 14",
        SUM,
        "self.dropout(x.add_(rows) if not x.requires_grad else x + rows)",
    ),
    _module("promoted-to-float32", "B.4 15", ROWS, "rows = self.encoding[offset:end]"),
    _module("result-always-float32", "B.4 15", SUM, "self.dropout(x + rows).float()"),
    _module("multiplied", "B.4 16", SUM, "self.dropout(x * rows)"),
    _module(
        "concatenated", "B.4 16", SUM, "self.dropout(torch.cat((x, rows.expand_as(x)), dim=-1))"
    ),
    _module("rows-only", "B.4 16", SUM, "self.dropout(rows.expand_as(x))"),
    _module("x-scaled-by-root-d", "B.4 17", SUM, "self.dropout(x * x.shape[-1] ** 0.5 + rows)"),
    _module("dropout-missing", "B.4 18", SUM, "x + rows"),
    _module("dropout-on-the-rows-only", "B.4 18", SUM, "x + self.dropout(rows)"),
    _module("dropout-on-x-only", "B.4 18", SUM, "self.dropout(x) + rows"),
    _module("dropout-on-each-apart", "B.4 18", SUM, "self.dropout(x) + self.dropout(rows)"),
    _module(
        "dropout-in-evaluation",
        "B.4 18",
        SUM,
        "nn.functional.dropout(x + rows, self.dropout.p, training=True)",
    ),
    _module(
        "dropout-only-in-evaluation",
        "B.4 18",
        SUM,
        "nn.functional.dropout(x + rows, self.dropout.p, training=not self.training)",
    ),
    _module(
        "dropout-without-scaling",
        "B.4 18",
        SUM,
        "(x + rows) * (torch.rand_like(x) >= self.dropout.p if self.training else 1)",
    ),
    _module(
        "dropout-by-hand-divides-by-zero",
        "B.4 18",
        SUM,
        "(x + rows) * (torch.rand_like(x) >= self.dropout.p) / (1 - self.dropout.p)"
        " if self.training else x + rows",
    ),
    _module(
        "dropout-rate-as-keep-rate", "B.4 18", "nn.Dropout(dropout)", "nn.Dropout(1 - dropout)"
    ),
    _module("dropout-default", "B.4 18", "dropout: float = 0.0", "dropout: float = 0.1"),
    _module(
        "dropout-rate-fixed", "B.4 18", "nn.Dropout(dropout)", "nn.Dropout(0.1 if dropout else 0.0)"
    ),
    _module("past-the-end-is-a-runtime-error", "B.4 19", TOO_LONG, ""),
    _module(
        "past-the-end-truncates-x",
        "B.4 19",
        TOO_LONG,
        "        if end > max_len:\n            x = x[..., : max_len - offset, :]\n",
    ),
    Mutant(
        "PositionalEncoding",
        "past-the-end-wraps-around",
        "B.4 19",
        "",
        POSITIONAL_HEAD
        + """
        positions = torch.arange(offset, offset + x.shape[-2]) % self.encoding.shape[0]
        return self.dropout(x + self.encoding[positions].to(x.dtype))
""",
    ),
    Mutant(
        "PositionalEncoding",
        "past-the-end-repeats-the-last-row",
        "B.4 19",
        "",
        POSITIONAL_HEAD
        + """
        positions = torch.arange(offset, offset + x.shape[-2]).clamp(max=len(self.encoding) - 1)
        return self.dropout(x + self.encoding[positions].to(x.dtype))
""",
    ),
    Mutant(
        "PositionalEncoding",
        "past-the-end-grows-the-table",
        "B.4 19",
        "",
        POSITIONAL_HEAD
        + """
        length, width = x.shape[-2:]
        rows = sinusoidal_encoding(offset + length, width)[offset:]
        if offset + length <= len(self.encoding):
            rows = self.encoding[offset : offset + length]
        return self.dropout(x + rows.to(x.dtype))
""",
    ),
    _module(
        "length-checked-without-offset", "B.4 19", "if end > max_len:", "if x.shape[-2] > max_len:"
    ),
    _module("last-position-compared", "B.4 19", "if end > max_len:", "if end - 1 > max_len:"),
    _module("full-length-refused", "B.4 edge", "if end > max_len:", "if end >= max_len:"),
    _module(
        "error-names-the-limit-only",
        "B.4 19",
        'f"x needs {end} positions from 0, but max_len is {max_len}"',
        'f"longer than max_len = {max_len}"',
    ),
    _module("negative-offset-accepted", "B.4 edge", NEGATIVE, ""),
    _module("negative-offset-clamped", "B.4 edge", NEGATIVE, "        offset = max(offset, 0)\n"),
    Mutant(
        "PositionalEncoding",
        "negative-offset-from-the-end",
        "B.4 edge",
        "",
        POSITIONAL_HEAD.split("        if offset")[0]
        + """
        positions = torch.arange(offset, offset + x.shape[-2])
        if offset + x.shape[-2] > len(self.encoding):
            raise ValueError("x is too long")
        return self.dropout(x + self.encoding[positions].to(x.dtype))
""",
    ),
    _module(
        "offset-ignored", "B.4 edge", "self.encoding[offset:end]", "self.encoding[: end - offset]"
    ),
    _module(
        "offset-off-by-one",
        "",
        "self.encoding[offset:end]",
        "self.encoding[max(offset - 1, 0) : max(offset - 1, 0) + end - offset]",
    ),
    _module(
        "base-not-passed-on",
        "B.4 7",
        "sinusoidal_encoding(max_len, d_model, base)",
        "sinusoidal_encoding(max_len, d_model)",
    ),
    _module(
        "sizes-swapped",
        "",
        "sinusoidal_encoding(max_len, d_model, base)",
        "sinusoidal_encoding(d_model, max_len, base)",
    ),
    _module("short-default-length", "", "max_len: int = 5_000", "max_len: int = 512"),
    _module(
        "empty-sequence-refused",
        "B.4 edge",
        "        if offset < 0:",
        '        if not x.shape[-2]:\n            raise ValueError("x is empty")\n'
        "        if offset < 0:",
    ),
    _module("gradient-stopped", "", SUM, "self.dropout(x.detach() + rows)"),
    _module("no-gradient-recorded", "", SUM, "self.dropout((x + rows).data)"),
    _module(
        "view-of-a-non-contiguous-x",
        "",
        SUM,
        "self.dropout((x.view(-1, *x.shape[-2:]) + rows).view(x.shape))",
    ),
    # the shift
    _shift("inverse", "B.4 20", "angles = offset * base", "angles = -offset * base"),
    Mutant(
        "shift_matrix",
        "block-of-rope",
        "B.4 21",
        "",
        SHIFT_HEAD
        + """
    angles = offset * base ** (-2 * torch.arange(d_model // 2, dtype=torch.float64) / d_model)
    blocks = [
        torch.stack((torch.stack((a.cos(), -a.sin())), torch.stack((a.sin(), a.cos()))))
        for a in angles
    ]
    return torch.block_diag(*blocks)
""",
    ),
    _shift("both-signs-positive", "B.4 21", "= -angles.sin()", "= angles.sin()"),
    _shift(
        "reflection",
        "B.4 21",
        "matrix[cosines, cosines] = angles.cos()",
        "matrix[cosines, cosines] = -angles.cos()",
    ),
    _shift(
        "one-frequency",
        "B.4 22",
        "base ** (-2 * pairs / d_model)",
        "base ** (-0 * pairs / d_model)",
    ),
    _shift("exponent-i-over-d", "B.4 3", "(-2 * pairs / d_model)", "(-pairs / d_model)"),
    _shift("float32-result", "B.4 23", "return matrix", "return matrix.float()"),
    _shift(
        "float32-inside",
        "B.4 23",
        "angles = offset * base ** (-2 * pairs / d_model)",
        "angles = (offset * (base ** (-2 * pairs / d_model)).float()).double()",
    ),
    _shift("base-ignored", "B.4 7", "offset * base **", "offset * 10_000.0 **"),
    _shift(
        "sign-of-the-offset-lost",
        "B.4 edge",
        "angles = offset * base",
        "angles = abs(offset) * base",
    ),
    _shift(
        "halves-instead-of-neighbours",
        "B.4 2",
        "sines, cosines = torch.arange(d_model).view(-1, 2).unbind(-1)",
        "sines, cosines = torch.arange(d_model).view(2, -1)",
    ),
    _shift(
        "identity-left-below",
        "",
        "matrix = torch.zeros(d_model, d_model, dtype=torch.float64)",
        "matrix = torch.eye(d_model, dtype=torch.float64)\n    matrix[0, -1] = float(offset)",
    ),
    _shift(
        "speeds-by-steps-from-first-to-last",
        "",
        "base ** (-2 * pairs / d_model)",  # one pair has no step
        "base ** (-pairs * ((1 - 2 / d_model) / (d_model // 2 - 1)))",
    ),
    Mutant(
        "shift_matrix",
        "no-step-is-one-step",
        "B.4 edge",
        "",
        SHIFT_HEAD
        + """
    blocks = []
    for i in range(d_model // 2):
        angle = torch.tensor(base, dtype=torch.float64) ** (-2 * i / d_model)
        c, s = angle.cos(), angle.sin()
        blocks.append(torch.stack((torch.stack((c, s)), torch.stack((-s, c)))))
    step = torch.block_diag(*blocks)
    matrix = step
    for _ in range(abs(offset) - 1):
        matrix = matrix @ step
    return matrix if offset >= 0 else matrix.T
""",
    ),
    _shift("angle-of-one-step", "", "angles = offset * base", "angles = base"),
    _shift("two-pi", "B.4 8", "angles = offset * base", "angles = 2 * torch.pi * offset * base"),
    Mutant(
        "shift_matrix",
        "least-squares-on-the-float32-table",
        "B.4 24",
        "",
        SHIFT_HEAD
        + """
    start = max(0, -offset)
    table = sinusoidal_encoding(start + max(offset, 0) + 200, d_model, base).double()
    old = table[start : start + 200]
    new = table[start + offset : start + offset + 200]
    return torch.linalg.lstsq(old, new).solution.T
""",
    ),
    Mutant(
        "shift_matrix",
        "least-squares-on-neighbouring-rows",
        "B.4 24",
        "",
        SHIFT_HEAD
        + """
    frequencies = base ** (-2 * torch.arange(d_model // 2, dtype=torch.float64) / d_model)
    def rows(start: int) -> Tensor:
        angles = (start + torch.arange(2 * d_model, dtype=torch.float64))[:, None] * frequencies
        return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)
    return torch.linalg.lstsq(rows(0), rows(offset)).solution.T
""",
    ),
    Mutant(
        "shift_matrix",
        "outer-product-of-two-rows",
        "",
        "",
        SHIFT_HEAD
        + """
    table = sinusoidal_encoding(abs(offset) + 1, d_model, base).double()
    return torch.outer(table[abs(offset)], table[0]) / table[0].square().sum()
""",
    ),
    Mutant(
        "shift_matrix",
        "memory-shared-between-calls",
        "",
        "",
        SHIFT_HEAD
        + """
    memory = shift_matrix.__dict__.setdefault("memory", {})
    if (offset, d_model, base) not in memory:
        angles = offset * base ** (-2 * torch.arange(d_model // 2, dtype=torch.float64) / d_model)
        blocks = [
            torch.stack((torch.stack((a.cos(), a.sin())), torch.stack((-a.sin(), a.cos()))))
            for a in angles
        ]
        memory[offset, d_model, base] = torch.block_diag(*blocks)
    return memory[offset, d_model, base]
""",
    ),
    # the trained rows
    _learned(
        "offset-ignored", "B.4 25", LEARNED_ROWS, "rows = self.embedding.weight[: x.shape[-2]]"
    ),
    _learned("rows-without-x", "B.4 25", LEARNED_SUM, "return rows.to(x.dtype).expand(x.shape)"),
    _learned("rows-without-x-or-batch", "B.4 25", LEARNED_SUM, "return rows.to(x.dtype)"),
    _learned(
        "past-the-end-is-an-index-error",
        "B.4 25",
        'raise ValueError(f"x needs',
        'raise IndexError(f"x needs',
    ),
    _learned("past-the-end-is-a-runtime-error", "B.4 19", TOO_LONG, ""),
    _learned(
        "past-the-end-truncates-x",
        "B.4 19",
        TOO_LONG,
        "        if end > max_len:\n            x = x[..., : max_len - offset, :]\n",
    ),
    _learned(
        "past-the-end-repeats-the-last-row",
        "B.4 19",
        "",
        LEARNED_HEAD.split("        end,")[0]
        + """
        positions = torch.arange(offset, offset + x.shape[-2], device=x.device)
        positions = positions.clamp(max=self.embedding.num_embeddings - 1)
        return x + self.embedding(positions).to(x.dtype)
""",
    ),
    _learned(
        "past-the-end-wraps-around",
        "B.4 19",
        "",
        LEARNED_HEAD.split("        end,")[0]
        + """
        positions = torch.arange(offset, offset + x.shape[-2], device=x.device)
        return x + self.embedding(positions % self.embedding.num_embeddings).to(x.dtype)
""",
    ),
    _learned(
        "length-checked-without-offset", "B.4 25", "if end > max_len:", "if x.shape[-2] > max_len:"
    ),
    _learned(
        "positions-on-the-cpu",
        "B.4 25",
        LEARNED_ROWS,
        "rows = self.embedding(torch.arange(offset, end))",
    ),
    _learned("last-position-compared", "B.4 19", "if end > max_len:", "if end - 1 > max_len:"),
    _learned(
        "empty-sequence-refused",
        "B.4 edge",
        "        if offset < 0:",
        '        if not x.shape[-2]:\n            raise ValueError("x is empty")\n'
        "        if offset < 0:",
    ),
    _learned(
        "single-word-lost-to-squeeze",
        "B.4 edge",
        LEARNED_SUM,
        "return (x + rows.to(x.dtype)).squeeze(-2)",
    ),
    _learned("full-length-refused", "B.4 edge", "if end > max_len:", "if end >= max_len:"),
    _learned("negative-offset-accepted", "B.4 edge", NEGATIVE, ""),
    _learned(
        "error-names-the-limit-only",
        "B.4 25",
        'f"x needs {end} positions from 0, but max_len is {max_len}"',
        'f"longer than max_len = {max_len}"',
    ),
    _learned(
        "sizes-swapped", "", "nn.Embedding(max_len, d_model)", "nn.Embedding(d_model, max_len)"
    ),
    _learned(
        "two-spare-rows",
        "",
        "self.embedding = nn.Embedding(max_len, d_model)",  # as OPT
        "self.embedding = nn.Embedding(max_len + 2, d_model)",
    ),
    _learned(
        "positions-from-one",
        "B.4 6",
        LEARNED_ROWS,
        "rows = self.embedding.weight.roll(-1, 0)[offset:end]",
    ),
    _learned(
        "rows-not-trained", "", LEARNED_ROWS, "rows = self.embedding.weight.detach()[offset:end]"
    ),
    _learned(
        "frozen",
        "",
        "self.embedding = nn.Embedding(max_len, d_model)",
        "self.embedding = nn.Embedding(max_len, d_model).requires_grad_(False)",
    ),
    Mutant(
        "LearnedPositionalEmbedding",
        "padding-row-gets-no-gradient",
        "",
        "",
        LEARNED_HEAD.replace(
            "nn.Embedding(max_len, d_model)",
            "nn.Embedding(max_len, d_model, padding_idx=3 % max_len)",
        )
        + """
        return x + self.embedding(torch.arange(offset, end, device=x.device)).to(x.dtype)
""",
    ),
    _learned(
        "another-name",
        "",
        "self.embedding = nn.Embedding(max_len, d_model)",
        "self.positions = nn.Embedding(max_len, d_model)\n"
        "        self.__dict__['embedding'] = self.positions",
    ),
    _learned(
        "an-extra-parameter",
        "",
        "self.embedding = nn.Embedding(max_len, d_model)",
        "self.embedding = nn.Embedding(max_len, d_model)\n"
        "        self.scale = nn.Parameter(torch.ones(()))",
    ),
    _learned(
        "rows-by-batch-index",
        "B.4 13",
        LEARNED_ROWS,
        "rows = self.embedding.weight[offset : offset + x.size(0)].unsqueeze(1)",
    ),
    _learned("length-read-from-the-batch", "B.4 13", "offset + x.shape[-2]", "offset + x.shape[0]"),
    _learned(
        "length-read-from-the-second-dimension",
        "B.4 13",
        "offset + x.shape[-2]",
        "offset + x.shape[1]",
    ),
    _learned(
        "in-place-sum",
        "B.4 14",
        LEARNED_SUM,
        "return x.add_(rows.to(x.dtype)) if not x.requires_grad else x + rows",
    ),
    _learned("promoted-to-float32", "B.4 15", LEARNED_SUM, "return x + rows"),
    _learned(
        "result-in-the-dtype-of-the-weight", "B.4 15", LEARNED_SUM, "return x.to(rows.dtype) + rows"
    ),
    _learned("multiplied", "B.4 16", LEARNED_SUM, "return x * rows.to(x.dtype)"),
    _learned("gradient-to-x-stopped", "", LEARNED_SUM, "return x.detach() + rows.to(x.dtype)"),
    _learned(
        "scaled-by-root-d",
        "B.4 17",
        LEARNED_SUM,
        "return x * x.shape[-1] ** 0.5 + rows.to(x.dtype)",
    ),
]
