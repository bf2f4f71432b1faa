"""Wrong versions of the Transformer block and its parts."""

from tests.mutants import Mutant

_NORM = "        return centred / torch.sqrt(variance + self.eps) * self.weight + self.bias"
_VARIANCE = "centred.square().mean(dim=-1, keepdim=True)"
_MEAN = "x.mean(dim=-1, keepdim=True)"
_HIDDEN = "self.dropout(F.gelu(self.linear1(x)))"
_PRE_1 = "x = x + self.dropout(self.attention(normed, normed, normed, mask)[0])"
_PRE_2 = "x = x + self.dropout(self.feed_forward(self.norm2(x)))"
_POST_1 = "x = self.norm1(x + self.dropout(self.attention(x, x, x, mask)[0]))"
_POST_2 = "x = self.norm2(x + self.dropout(self.feed_forward(x)))"
_LAYERS = """\
        self.layers = nn.ModuleList(
            TransformerBlock(d_model, num_heads, d_ff, dropout, norm_first)
            for _ in range(num_layers)
        )
"""
_ONE_BLOCK = "        block = TransformerBlock(d_model, num_heads, d_ff, dropout, norm_first)\n"
_LAST = "self.norm = LayerNorm(d_model) if norm_first else nn.Identity()"
_LOOP = "            x = layer(x, mask)\n"
_OUTPUT = "        output: Tensor = self.norm(x)"


def _mutant(definition: str, name: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant(definition, name, f"B.5 {listed}" if listed else "", old, new)


def _layer_norm(name: str, listed: str, old: str, new: str) -> Mutant:
    return _mutant("LayerNorm", f"norm-{name}", listed, old, new)


def _feed_forward(name: str, listed: str, old: str, new: str) -> Mutant:
    return _mutant("FeedForward", f"feed-forward-{name}", listed, old, new)


def _block(name: str, listed: str, old: str, new: str) -> Mutant:
    return _mutant("TransformerBlock", f"block-{name}", listed, old, new)


def _encoder(name: str, listed: str, old: str, new: str) -> Mutant:
    return _mutant("TransformerEncoder", f"encoder-{name}", listed, old, new)


def _count(name: str, listed: str, old: str, new: str) -> Mutant:
    return _mutant("transformer_parameter_count", f"count-{name}", listed, old, new)


MUTANTS: list[Mutant] = [
    # LayerNorm
    _layer_norm("unbiased-variance", "1", _VARIANCE, "x.var(dim=-1, keepdim=True)"),
    _layer_norm(
        "eps-outside-root",
        "2",
        "torch.sqrt(variance + self.eps)",
        "(torch.sqrt(variance) + self.eps)",
    ),
    _layer_norm("mean-over-everything", "3", _MEAN, "x.mean()"),
    _layer_norm(
        "over-everything",
        "3",
        _NORM,
        f"        centred = x - x.mean()\n        variance = centred.square().mean()\n{_NORM}",
    ),
    _layer_norm("variance-over-everything", "3", _VARIANCE, "centred.square().mean()"),
    _layer_norm(
        "over-the-sequence",
        "3",
        _NORM,
        "        x = torch.atleast_2d(x)\n"
        "        centred = x - x.mean(dim=-2, keepdim=True)\n"
        f"        variance = centred.square().mean(dim=-2, keepdim=True)\n{_NORM}",
    ),
    _layer_norm(
        "over-the-batch",
        "3",
        _NORM,
        "        centred = x - x.mean(dim=0, keepdim=True)\n"
        f"        variance = centred.square().mean(dim=0, keepdim=True)\n{_NORM}",
    ),
    _layer_norm(
        "over-position-and-dimension",
        "3",
        _NORM,
        "        dims = (-1,) if x.ndim == 1 else (-2, -1)\n"
        "        centred = x - x.mean(dim=dims, keepdim=True)\n"
        f"        variance = centred.square().mean(dim=dims, keepdim=True)\n{_NORM}",
    ),
    _layer_norm("no-affine", "4", " * self.weight + self.bias", " + 0 * (self.weight + self.bias)"),
    _layer_norm("no-weight", "4", " * self.weight + self.bias", " + self.bias"),
    _layer_norm("no-bias", "4", " * self.weight + self.bias", " * self.weight"),
    _layer_norm(
        "no-parameters",
        "4",
        """        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
""",
        "        self.weight, self.bias = 1.0, 0.0\n",
    ),
    _layer_norm(
        "buffers-instead-of-parameters",
        "4",
        """        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
""",
        """        self.register_buffer("weight", torch.ones(d_model))
        self.register_buffer("bias", torch.zeros(d_model))
""",
    ),
    _layer_norm(
        "affine-first",
        "5",
        "        centred = x - ",
        "        x = x * self.weight + self.bias\n        centred = x - ",
    ),
    _layer_norm(
        "affine-before-normalising",
        "5",
        _NORM,
        "        x = x * self.weight + self.bias\n"
        "        centred = x - x.mean(dim=-1, keepdim=True)\n"
        "        variance = centred.square().mean(dim=-1, keepdim=True)\n"
        "        return centred / torch.sqrt(variance + self.eps)",
    ),
    _layer_norm(
        "bias-before-weight",
        "5",
        _NORM,
        _NORM.replace("centred /", "self.bias + centred /")
        .replace(" * self.weight + self.bias", "")
        .replace("return ", "return self.weight * (")
        + ")",
    ),
    _layer_norm("no-mean", "6", f"x - {_MEAN}", "x"),
    _layer_norm("mean-not-removed-from-the-result", "6", _NORM, _NORM.replace("centred /", "x /")),
    _layer_norm("no-eps", "7", "variance + self.eps", "variance"),
    _layer_norm("eps-only-where-zero", "7", "variance + self.eps", "variance.clamp(min=self.eps)"),
    _layer_norm(
        "mean-of-squares-minus-square-of-mean",
        "8",
        _VARIANCE,
        f"(x.square().mean(dim=-1, keepdim=True) - {_MEAN}.square()).clamp(min=0.0)",
    ),
    _layer_norm("eps-ignored", "", "self.eps = eps", "self.eps = 1e-5"),
    _layer_norm("another-default-eps", "", "eps: float = 1e-5", "eps: float = 1e-6"),
    _layer_norm("eps-squared", "", "variance + self.eps", "variance + self.eps**2"),
    _layer_norm("no-root", "", "torch.sqrt(variance + self.eps)", "(variance + self.eps)"),
    _layer_norm("weight-starts-at-zero", "", "torch.ones(d_model)", "torch.zeros(d_model)"),
    _layer_norm("weight-starts-random", "", "torch.ones(d_model)", "torch.randn(d_model)"),
    _layer_norm("bias-starts-at-one", "", "torch.zeros(d_model)", "torch.ones(d_model)"),
    _layer_norm("statistics-detached", "", _VARIANCE, f"{_VARIANCE}.detach()"),
    _layer_norm("mean-detached", "", _MEAN, f"{_MEAN}.detach()"),
    _layer_norm("in-place", "", f"centred = x - {_MEAN}", f"centred = x.sub_({_MEAN})"),
    _layer_norm("always-float32", "", _NORM, f"        centred = centred.float()\n{_NORM}.float()"),
    _layer_norm(
        "sixteen-bit-promoted",
        "",
        "        centred = x - ",
        "        x = x.float() if x.element_size() == 2 else x\n        centred = x - ",
    ),
    _layer_norm(
        "three-dimensions-only",
        "",
        "        centred = x - ",
        "        batch, length, width = x.shape\n        centred = x - ",
    ),
    _layer_norm(
        "first-dimension-of-a-matrix",
        "",
        _MEAN,
        "x.mean(dim=1, keepdim=True)",
    ),
    _layer_norm(
        "calls-torch",
        "",
        _NORM,
        "        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)",
    ),
    _layer_norm(
        "calls-group-norm",
        "",
        _NORM,
        "        flat = x.reshape(-1, x.shape[-1])\n"
        "        flat = F.group_norm(flat, 1, self.weight, self.bias, self.eps)\n"
        "        return flat.reshape(x.shape)",
    ),
    _layer_norm(
        "calls-rms-norm",
        "",
        _NORM,
        "        scaled = F.rms_norm(centred, x.shape[-1:], eps=self.eps)\n"
        "        return scaled * self.weight + self.bias",
    ),
    _layer_norm(
        "calls-batch-norm",
        "",
        _NORM,
        "        flat = x.reshape(-1, x.shape[-1])\n"
        "        if flat.numel():\n"
        "            flat = F.batch_norm(flat.mT, None, None, training=True, eps=self.eps).mT\n"
        "        return flat.reshape(x.shape) * self.weight + self.bias",
    ),
    _layer_norm(
        "calls-instance-norm",
        "",
        _NORM,
        "        flat = x.reshape(1, -1, x.shape[-1])\n"
        "        if flat.numel():\n"
        "            flat = F.instance_norm(flat, eps=self.eps)\n"
        "        return flat.reshape(x.shape) * self.weight + self.bias",
    ),
    _layer_norm(
        "plain-tensors",
        "4",
        """        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
""",
        "        self.weight, self.bias = torch.ones(d_model), torch.zeros(d_model)\n",
    ),
    _layer_norm(
        "statistics-kept-for-evaluation",
        "",
        _NORM,
        "        if self.training:\n"
        f"            self.kept = {_MEAN}, variance\n"
        "        mean, variance = self.kept\n"
        f"{_NORM.replace('centred', '(x - mean)')}",
    ),
    _layer_norm(
        "zeros-where-constant",
        "7",
        _NORM,
        f"{_NORM.replace('return', 'normed =')}\n"
        "        return torch.where(variance == 0, torch.zeros_like(x), normed)",
    ),
    _layer_norm(
        "view-of-a-transposed-input",
        "",
        _NORM,
        "        flat = x.view(-1, x.shape[-1])\n"
        "        centred = flat - flat.mean(dim=-1, keepdim=True)\n"
        "        variance = centred.square().mean(dim=-1, keepdim=True)\n"
        f"{_NORM.replace('return ', 'flat = ')}\n"
        "        return flat.view(x.shape)",
    ),
    # FeedForward
    _feed_forward("relu", "9", "F.gelu(self.linear1(x))", "F.relu(self.linear1(x))"),
    _feed_forward("silu", "9", "F.gelu(self.linear1(x))", "F.silu(self.linear1(x))"),
    _feed_forward(
        "tanh-gelu",
        "10",
        "F.gelu(self.linear1(x))",
        'F.gelu(self.linear1(x), approximate="tanh")',
    ),
    _feed_forward(
        "sigmoid-gelu",
        "10",
        "F.gelu(self.linear1(x))",
        "self.linear1(x) * torch.sigmoid(1.702 * self.linear1(x))",
    ),
    _feed_forward("no-activation", "11", "F.gelu(self.linear1(x))", "self.linear1(x)"),
    _feed_forward("activation-last", "11", "self.linear2(hidden)", "F.gelu(self.linear2(hidden))"),
    _feed_forward(
        "activation-after-linear2",
        "11",
        f"hidden = {_HIDDEN}",
        "return F.gelu(self.linear2(self.dropout(self.linear1(x))))\n        hidden = x",
    ),
    _feed_forward("activation-first", "11", "F.gelu(self.linear1(x))", "self.linear1(F.gelu(x))"),
    _feed_forward("dropout-missing", "12", _HIDDEN, "F.gelu(self.linear1(x))"),
    _feed_forward("dropout-ignored", "12", "nn.Dropout(dropout)", "nn.Dropout(0.0)"),
    _feed_forward("dropout-before-gelu", "12", _HIDDEN, "F.gelu(self.dropout(self.linear1(x)))"),
    _feed_forward("dropout-on-the-input", "12", _HIDDEN, "F.gelu(self.linear1(self.dropout(x)))"),
    _feed_forward(
        "dropout-last",
        "12",
        "        output: Tensor = self.linear2(hidden)",
        "        hidden = F.gelu(self.linear1(x))\n"
        "        output: Tensor = self.dropout(self.linear2(hidden))",
    ),
    _feed_forward(
        "dropout-twice",
        "12",
        "        output: Tensor = self.linear2(hidden)",
        "        output: Tensor = self.dropout(self.linear2(hidden))",
    ),
    _feed_forward(
        "dropout-in-evaluation", "12", "self.dropout(", "F.dropout(p=self.dropout.p, input="
    ),
    _feed_forward("keeps-with-the-rate", "12", "nn.Dropout(dropout)", "nn.Dropout(1 - dropout)"),
    _feed_forward(
        "dropout-without-rescaling",
        "12",
        _HIDDEN,
        "F.gelu(self.linear1(x))\n"
        "        if self.training:\n"
        "            hidden = hidden * (torch.rand_like(hidden) >= self.dropout.p)",
    ),
    _feed_forward(
        "positions-mix",
        "13",
        "self.linear1(x)",
        "self.linear1(x + (x.mean(dim=-2, keepdim=True) if x.ndim > 1 else 0))",
    ),
    _feed_forward(
        "flattened-wrongly",
        "13",
        "self.linear1(x)",
        "self.linear1(x.mT.reshape(x.shape) if x.ndim > 1 else x)",
    ),
    _feed_forward("residual-inside", "", "self.linear2(hidden)", "x + self.linear2(hidden)"),
    _feed_forward(
        "no-bias", "", "nn.Linear(d_model, d_ff)", "nn.Linear(d_model, d_ff, bias=False)"
    ),
    _feed_forward(
        "no-second-bias", "", "nn.Linear(d_ff, d_model)", "nn.Linear(d_ff, d_model, bias=False)"
    ),
    _feed_forward(
        "four-times-wide",
        "",
        "        self.linear1",
        "        d_ff = 4 * d_model\n        self.linear1",
    ),
    _feed_forward(
        "other-names",
        "",
        "",
        """\
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_ff: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(d_model, d_ff), nn.GELU(), nn.Dropout(dropout), nn.Linear(d_ff, d_model)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)
""",
    ),
    _feed_forward("second-layer-detached", "", "(hidden)", "(hidden.detach())"),
    _feed_forward(
        "view-of-a-transposed-input",
        "",
        "self.linear1(x)",
        "self.linear1(x.view(-1, x.shape[-1])).view(*x.shape[:-1], self.linear1.out_features)",
    ),
    _feed_forward("in-place", "", "self.linear1(x)", "self.linear1(x.clamp_(min=-1.0))"),
    _feed_forward(
        "unused-layer",
        "",
        "        self.linear2 =",
        "        self.gate = nn.Linear(d_model, d_ff)\n        self.linear2 =",
    ),
    _feed_forward(
        "three-dimensions-only",
        "",
        "        hidden = ",
        "        batch, length, width = x.shape\n        hidden = ",
    ),
    _feed_forward(
        "gelu-by-hand-in-float32",
        "",
        "F.gelu(self.linear1(x))",
        "(lambda h: torch.tensor([0.5]) * h * (1 + torch.erf(h * 2**-0.5)))(self.linear1(x))",
    ),
    # TransformerBlock
    _block("always-pre-norm", "14", "if self.norm_first:", "if True:"),
    _block("always-post-norm", "14", "if self.norm_first:", "if False:"),
    _block("pre-and-post-swapped", "14", "if self.norm_first:", "if not self.norm_first:"),
    _block("post-norm-by-default", "14", "norm_first: bool = True", "norm_first: bool = False"),
    _block("residual-from-the-normed", "15", _PRE_1, _PRE_1.replace("x = x +", "x = normed +")),
    _block(
        "second-residual-from-the-normed",
        "15",
        _PRE_2,
        "x = self.norm2(x)\n            x = x + self.dropout(self.feed_forward(x))",
    ),
    _block("no-attention-residual", "16", _PRE_1, _PRE_1.replace("x + ", "")),
    _block("no-feed-forward-residual", "16", _PRE_2, _PRE_2.replace("x + ", "")),
    _block("no-attention-residual-post", "16", _POST_1, _POST_1.replace("x + ", "")),
    _block("no-feed-forward-residual-post", "16", _POST_2, _POST_2.replace("x + ", "")),
    _block("norm1-twice", "17", _PRE_2, _PRE_2.replace("norm2", "norm1")),
    _block("norm1-twice-post", "17", _POST_2, _POST_2.replace("norm2", "norm1")),
    _block("one-norm-object", "17", "self.norm2 = LayerNorm(d_model)", "self.norm2 = self.norm1"),
    _block(
        "norms-exchanged",
        "17",
        "        if self.norm_first:",
        "        self.norm1, self.norm2 = self.norm2, self.norm1\n        if self.norm_first:",
    ),
    _block("parallel", "18", _PRE_2, "x = x + self.dropout(self.feed_forward(normed))"),
    _block(
        "feed-forward-reads-the-input",
        "18",
        f"{_PRE_1}\n            {_PRE_2}",
        "start = self.norm2(x)\n            "
        f"{_PRE_1}\n            x = x + self.dropout(self.feed_forward(start))",
    ),
    _block(
        "parallel-post",
        "18",
        f"{_POST_1}\n            {_POST_2}",
        "start = x\n            "
        f"{_POST_1}\n            x = self.norm2(x + self.dropout(self.feed_forward(start)))",
    ),
    _block("residual-twice", "19", _PRE_1, _PRE_1.replace("x + ", "x + x + ")),
    _block("residual-twice-post", "19", _POST_2, _POST_2.replace("x + ", "x + x + ")),
    _block(
        "residual-of-the-input-again", "19", _PRE_2, f"{_PRE_2}\n            x = x + normed * 0.5"
    ),
    _block(
        "norms-only-the-query",
        "20",
        _PRE_1,
        _PRE_1.replace("normed, normed, normed", "normed, x, x"),
    ),
    _block(
        "norms-query-and-key",
        "20",
        _PRE_1,
        _PRE_1.replace("normed, normed, normed", "normed, normed, x"),
    ),
    _block("attention-unnormed", "20", _PRE_1, _PRE_1.replace("normed, normed, normed", "x, x, x")),
    _block("feed-forward-unnormed", "", _PRE_2, "x = x + self.dropout(self.feed_forward(x))"),
    _block("mask-not-passed", "21", _PRE_1, _PRE_1.replace(", mask", "")),
    _block("mask-not-passed-post", "21", _POST_1, _POST_1.replace(", mask", "")),
    _block(
        "mask-inverted",
        "21",
        "        if self.norm_first:",
        "        mask = None if mask is None else ~mask.bool()\n        if self.norm_first:",
    ),
    _block(
        "mask-made-bool",
        "",
        "        if self.norm_first:",
        "        mask = None if mask is None else mask.bool()\n        if self.norm_first:",
    ),
    _block(
        "mask-swapped",
        "",
        "        if self.norm_first:",
        "        mask = None if mask is None else mask.mT\n        if self.norm_first:",
    ),
    _block(
        "always-causal",
        "",
        "        if self.norm_first:",
        "        if mask is None:\n"
        "            mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()\n"
        "        if self.norm_first:",
    ),
    _block("returns-a-tuple", "22", "        return x", "        return x, None"),
    _block("adds-in-place", "23", _PRE_1, _PRE_1.replace("x = x +", "x +=")),
    _block(
        "adds-in-place-post",
        "23",
        _POST_1,
        "x += self.dropout(self.attention(x, x, x, mask)[0])\n            x = self.norm1(x)",
    ),
    _block(
        "dropout-in-evaluation",
        "24",
        _PRE_1,
        _PRE_1.replace("self.dropout(", "F.dropout(p=self.dropout.p, input="),
    ),
    _block(
        "dropout-in-evaluation-post",
        "24",
        _POST_2,
        _POST_2.replace("self.dropout(", "F.dropout(p=self.dropout.p, input="),
    ),
    _block(
        "no-dropout-on-attention",
        "",
        _PRE_1,
        "x = x + self.attention(normed, normed, normed, mask)[0]",
    ),
    _block("no-dropout-on-feed-forward", "", _PRE_2, "x = x + self.feed_forward(self.norm2(x))"),
    _block(
        "no-dropout-on-attention-post",
        "",
        _POST_1,
        "x = self.norm1(x + self.attention(x, x, x, mask)[0])",
    ),
    _block(
        "no-dropout-on-feed-forward-post", "", _POST_2, "x = self.norm2(x + self.feed_forward(x))"
    ),
    _block(
        "dropout-after-the-sum",
        "",
        _PRE_2,
        "x = self.dropout(x + self.feed_forward(self.norm2(x)))",
    ),
    _block(
        "dropout-after-the-norm",
        "",
        _POST_2,
        "x = self.dropout(self.norm2(x + self.feed_forward(x)))",
    ),
    _block(
        "no-dropout-inside", "", "FeedForward(d_model, d_ff, dropout)", "FeedForward(d_model, d_ff)"
    ),
    _block("fixed-dropout", "", "nn.Dropout(dropout)", "nn.Dropout(0.1)"),
    _block("keeps-with-the-rate", "", "nn.Dropout(dropout)", "nn.Dropout(1 - dropout)"),
    _block(
        "no-attention-at-all",
        "",
        _PRE_1,
        "x = x + self.dropout(normed) + 0 * self.attention(normed, normed, normed, mask)[0]",
    ),
    _block(
        "no-feed-forward", "", _PRE_2, "x = x + 0 * self.dropout(self.feed_forward(self.norm2(x)))"
    ),
    _block(
        "feed-forward-first",
        "",
        f"{_PRE_1}\n            {_PRE_2}",
        f"{_PRE_2}\n            normed = self.norm1(x)\n            {_PRE_1}",
    ),
    _block("norm-after-pre-norm-too", "", _PRE_2, f"{_PRE_2}\n            x = self.norm2(x)"),
    _block(
        "attends-over-the-batch",
        "",
        _PRE_1,
        _PRE_1.replace(
            "(normed, normed, normed, mask)[0]",
            "(*3 * [normed.transpose(0, 1)])[0].transpose(0, 1)",
        ),
    ),
    _block(
        "head-count-fixed",
        "",
        "MultiHeadAttention(d_model, num_heads)",
        "MultiHeadAttention(d_model, 1)",
    ),
    _block(
        "attention-without-bias",
        "",
        "MultiHeadAttention(d_model, num_heads)",
        "MultiHeadAttention(d_model, num_heads, bias=False)",
    ),
    _block("d-ff-ignored", "", "FeedForward(d_model, d_ff, ", "FeedForward(d_model, 4 * d_model, "),
    _block(
        "other-names",
        "",
        "        self.dropout = nn.Dropout(dropout)\n",
        "        self.dropout = nn.Dropout(dropout)\n"
        "        self.ffn = nn.Linear(d_model, d_model)\n",
    ),
    _block(
        "input-detached",
        "",
        "        if self.norm_first:",
        "        x = x.detach()\n        if self.norm_first:",
    ),
    _block("residual-detached", "", _PRE_2, _PRE_2.replace("x = x +", "x = x.detach() +")),
    _block(
        "torch-norm-inside",
        "",
        "self.norm2 = LayerNorm(d_model)",
        "self.norm2 = nn.LayerNorm(d_model)",
    ),
    _block(
        "torch-layer-inside",
        "",
        "        return x",
        "        nn.MultiheadAttention(12, 3)(*[torch.zeros(1, 1, 12)] * 3)\n        return x",
    ),
    _block(
        "squeezes-what-attention-says",
        "",
        _PRE_1,
        _PRE_1.replace("[0])", "[0].squeeze(1))"),
    ),
    _block(
        "squeezes-what-attention-says-post",
        "",
        _POST_1,
        _POST_1.replace("[0])", "[0].squeeze(1))"),
    ),
    _block(
        "sums-in-float32",
        "",
        "        if self.norm_first:",
        "        x = x.to(torch.promote_types(x.dtype, torch.float32))\n"
        "        if self.norm_first:",
    ),
    _block(
        "dropout-without-rescaling",
        "",
        _PRE_1,
        "said = self.attention(normed, normed, normed, mask)[0]\n"
        "            if self.training:\n"
        "                said = said * (torch.rand_like(said) >= self.dropout.p)\n"
        "            x = x + said",
    ),
    _block(
        "view-of-a-transposed-input",
        "",
        "normed = self.norm1(x)",
        "normed = self.norm1(x.view(-1, x.shape[-1])).view(x.shape)",
    ),
    # TransformerEncoder
    _encoder(
        "one-shared-block",
        "25",
        _LAYERS,
        _ONE_BLOCK + "        self.layers = nn.ModuleList([block] * num_layers)\n",
    ),
    _encoder("python-list", "26", "nn.ModuleList(", "list("),
    _encoder(
        "copies-that-start-alike",
        "27",
        _LAYERS,
        _ONE_BLOCK
        + "        import copy\n"
        + "        self.layers = nn.ModuleList(copy.deepcopy(block) for _ in range(num_layers))\n",
    ),
    _encoder("no-final-norm", "28", _LAST, "self.norm = nn.Identity()"),
    _encoder("norm-in-post-norm-too", "28", _LAST, "self.norm = LayerNorm(d_model)"),
    _encoder("norm-the-wrong-way-round", "28", "if norm_first else", "if not norm_first else"),
    _encoder("norm-not-applied", "28", "= self.norm(x)", "= x"),
    _encoder(
        "norm-first", "28", "        for layer", "        x = self.norm(x)\n        for layer"
    ),
    _encoder("norm-after-every-layer", "29", _LOOP, "            x = self.norm(layer(x, mask))\n"),
    _encoder(
        "norm-only-after-every-layer",
        "29",
        f"{_LOOP}{_OUTPUT}",
        "            x = self.norm(layer(x, mask))\n        output: Tensor = x",
    ),
    _encoder("mask-not-passed", "21", "layer(x, mask)", "layer(x)"),
    _encoder(
        "mask-in-the-first-block-only",
        "",
        _LOOP,
        f"{_LOOP}            mask = None\n",
    ),
    _encoder("dropout-not-passed", "", "d_ff, dropout, norm_first)", "d_ff, 0.0, norm_first)"),
    _encoder("norm-first-not-passed", "", "d_ff, dropout, norm_first)", "d_ff, dropout)"),
    _encoder("post-norm-by-default", "14", "norm_first: bool = True", "norm_first: bool = False"),
    _encoder(
        "one-layer-too-few", "", "for layer in self.layers:", "for layer in self.layers[:-1]:"
    ),
    _encoder("backwards", "", "for layer in self.layers:", "for layer in reversed(self.layers):"),
    _encoder("one-layer-too-many", "", "range(num_layers)", "range(num_layers + 1)"),
    _encoder("at-least-one-layer", "", "range(num_layers)", "range(max(1, num_layers))"),
    _encoder(
        "residual-around-the-stack",
        "",
        f"        for layer in self.layers:\n{_LOOP}{_OUTPUT}",
        "        start = x\n        for layer in self.layers:\n"
        f"{_LOOP}        x = x + start\n{_OUTPUT}",
    ),
    _encoder("residual-around-each-block", "", "x = layer(x, mask)", "x = x + layer(x, mask)"),
    _encoder(
        "every-layer-reads-the-input",
        "",
        _LOOP,
        "            out = layer(x, mask)\n        x = out\n",
    ),
    _encoder(
        "dropout-at-the-end",
        "",
        _OUTPUT,
        "        x = F.dropout(x, 0.1, self.training)\n" + _OUTPUT,
    ),
    _encoder("dropout-in-evaluation", "24", _OUTPUT, "        x = F.dropout(x, 0.1)\n" + _OUTPUT),
    _encoder("returns-a-tuple", "22", "return output", "return output, None"),
    _encoder("returns-every-layer", "", "return output", "return [x, output]"),
    _encoder("in-place", "23", "        for layer", "        x.mul_(1.5)\n        for layer"),
    _encoder("layers-detached", "", "x = layer(x, mask)", "x = layer(x.detach(), mask)"),
    _encoder("no-gradients", "", "x = layer(x, mask)", "x = torch.no_grad()(layer)(x, mask)"),
    _encoder(
        "other-names",
        "",
        "",
        """\
class TransformerEncoder(nn.Module):
    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm_first=True):
        super().__init__()
        self.blocks = nn.ModuleList(
            TransformerBlock(d_model, num_heads, d_ff, dropout, norm_first)
            for _ in range(num_layers)
        )
        self.final_norm = LayerNorm(d_model) if norm_first else nn.Identity()

    def forward(self, x, mask=None):
        for block in self.blocks:
            x = block(x, mask)
        return self.final_norm(x)
""",
    ),
    _encoder(
        "always-causal",
        "",
        "        for layer",
        "        if mask is None:\n            mask = "
        "torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()\n        for layer",
    ),
    _encoder(
        "unused-norm-in-post-norm",
        "28",
        "",
        """\
class TransformerEncoder(nn.Module):
    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm_first=True):
        super().__init__()
        self.layers = nn.ModuleList(
            TransformerBlock(d_model, num_heads, d_ff, dropout, norm_first)
            for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model)
        self.norm_first = norm_first

    def forward(self, x, mask=None):
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x) if self.norm_first else x
""",
    ),
    _encoder(
        "mask-made-bool",
        "",
        "        for layer",
        "        mask = None if mask is None else mask.bool()\n        for layer",
    ),
    _encoder(
        "works-in-float32",
        "",
        "        for layer",
        "        x = x.to(torch.promote_types(x.dtype, torch.float32))\n        for layer",
    ),
    # transformer_parameter_count
    _count("no-embedding-norm", "30", "embeddings + layer_norm + ", "embeddings + "),
    _count(
        "norm-counted-twice", "30", "embeddings + layer_norm + ", "embeddings + 2 * layer_norm + "
    ),
    _count(
        "no-attention-biases",
        "31",
        "(d_model * d_model + d_model)\n    feed",
        "d_model * d_model\n    feed",
    ),
    _count(
        "one-attention-bias",
        "31",
        "4 * (d_model * d_model + d_model)",
        "4 * d_model * d_model + d_model",
    ),
    _count(
        "no-feed-forward-biases",
        "31",
        "(d_model * d_ff + d_ff) + (d_ff * d_model + d_model)",
        "2 * d_model * d_ff",
    ),
    _count("no-first-bias", "31", "(d_model * d_ff + d_ff)", "d_model * d_ff"),
    _count("norms-without-bias", "31", "layer_norm = 2 * d_model", "layer_norm = d_model"),
    _count(
        "no-pooler-bias",
        "31",
        "d_model * d_model + d_model if pooler",
        "d_model * d_model if pooler",
    ),
    _count("no-types", "31", "vocab_size + max_len + type_vocab_size", "vocab_size + max_len"),
    _count(
        "no-positions",
        "31",
        "vocab_size + max_len + type_vocab_size",
        "vocab_size + type_vocab_size",
    ),
    _count("no-pooler", "31", "num_layers * block + pooling", "num_layers * block"),
    _count("always-a-pooler", "31", " if pooler else 0", ""),
    _count(
        "output-head",
        "32",
        "num_layers * block + pooling",
        "num_layers * block + pooling + vocab_size * d_model",
    ),
    _count(
        "output-bias",
        "32",
        "num_layers * block + pooling",
        "num_layers * block + pooling + vocab_size",
    ),
    _count("times-heads", "33", "attention = 4 *", "attention = 4 * (d_model // 64 or 2) *"),
    _count("three-projections", "", "attention = 4 *", "attention = 3 *"),
    _count("one-norm-a-block", "", "feed_forward + 2 * layer_norm", "feed_forward + layer_norm"),
    _count(
        "four-times-d-model", "", "    embeddings =", "    d_ff = 4 * d_model\n    embeddings ="
    ),
    _count("always-twelve-layers", "", "num_layers * block", "12 * block"),
    _count("float", "", "num_layers * block + pooling", "num_layers * block + pooling / 1"),
    _count("types-by-default", "", "type_vocab_size: int = 0", "type_vocab_size: int = 2"),
    _count("at-least-one-layer", "", "num_layers * block", "max(num_layers, 1) * block"),
    _count(
        "embeddings-per-layer",
        "",
        "embeddings + layer_norm + num_layers * block",
        "layer_norm + num_layers * (block + embeddings)",
    ),
]
