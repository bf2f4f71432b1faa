"""The way through attention and through a block, with the shape on every step."""

from __future__ import annotations

from making.figures import Html, Picture, side_by_side


def attention_flow(length: int, d_model: int, heads: int) -> Picture:
    """From X to the output of a layer with several heads, one under the other."""
    head_dim = d_model // heads
    x_shape, head = f"{length} \u00d7 {d_model}", f"{length} \u00d7 {head_dim}"
    square = f"{length} \u00d7 {length}"
    says = (
        f"Attention from top to bottom. X, {x_shape}, goes three ways: to queries, keys and "
        f"values, each {head} in each of {heads} heads. Queries and keys give scores, {square}; "
        f"divided by the root of {head_dim}, masked and normalised they are weights; the weights "
        f"mix the values to {head}; the heads side by side are {x_shape}, and W_O makes them the "
        "output."
    )
    picture = Picture(340, 536, says)
    picture.box(110, 4, 120, 38, "X", x_shape)
    for middle, letter in ((60, "Q"), (170, "K"), (280, "V")):
        picture.arrow((170, 42), (170, 54), (middle, 54), (middle, 70))
        picture.box(middle - 48, 70, 96, 22, f"· W_{letter}", shade=0.0, dashed=True)
        picture.arrow((middle, 92), (middle, 108))
        picture.box(middle - 48, 108, 96, 38, letter, head)
    picture.arrow((60, 146), (60, 160), (115, 160), (115, 176))
    picture.arrow((170, 146), (170, 160), (115, 160), (115, 176))
    picture.box(55, 176, 120, 38, "Q Kᵀ", square)
    picture.arrow((115, 214), (115, 234))
    picture.box(25, 234, 180, 22, f"÷ √{head_dim}, mask, softmax", shade=0.0, dashed=True)
    picture.arrow((115, 256), (115, 276))
    picture.box(55, 276, 120, 38, "weights", square)
    picture.arrow((115, 314), (115, 328), (170, 328), (170, 344))
    picture.arrow((280, 146), (280, 328), (170, 328), (170, 344))
    picture.box(98, 344, 144, 38, "weights · V", head)
    picture.box(8, 58, 324, 346, shade=0.0, dashed=True)
    picture.text(18, 398, f"in each of {heads} heads", 11, "start")
    picture.arrow((170, 382), (170, 424))
    picture.box(80, 424, 180, 38, "heads side by side", x_shape)
    picture.arrow((170, 462), (170, 490), label="· W_O")
    picture.box(80, 490, 180, 38, "output", x_shape)
    return picture


def _block(first: bool, length: int, d_model: int, heads: int, d_ff: int) -> Picture:
    """A block: norms before the sub-layers, or after the sums."""
    shape = f"{length} \u00d7 {d_model}"
    kind = "Pre-norm" if first else "Post-norm"
    order = (
        "LayerNorm, attention, sum with what came in; LayerNorm, feed-forward, sum"
        if first
        else "attention, sum with what came in, LayerNorm; feed-forward, sum, LayerNorm"
    )
    says = (
        f"{kind} encoder block, {shape} all the way: {order}. Inside the feed-forward {d_ff} wide."
    )
    picture = Picture(256, 440, says, f"{kind}.")
    middle, left, edge = 142, 52, 16
    picture.text(middle, 16, f"x  {shape}", bold=True)
    y = 24.0
    work = [
        ("attention", f"{heads} heads of {length} \u00d7 {d_model // heads}"),
        ("feed-forward", f"{length} \u00d7 {d_ff} inside"),
    ]
    for name, under in work:
        start = y + 8
        steps = ["norm", name, "+"] if first else [name, "+", "norm"]
        for step in steps:
            height = {"norm": 24, "+": 24}.get(step, 44)
            picture.arrow((middle, y), (middle, y + 26), label=shape if step == "+" else "")
            y += 26
            if step == "+":
                picture.box(middle - 14, y, 28, 24, "+", shade=0.16)
                way = ((middle, start), (edge, start), (edge, y + 12), (middle - 14, y + 12))
                picture.arrow(*way)
            elif step == "norm":
                picture.box(left, y, 180, height, "LayerNorm", shade=0.0, dashed=True)
            else:
                picture.box(left, y, 180, height, name, under)
            y += height
    picture.arrow((middle, y), (middle, y + 26))
    picture.text(middle, y + 40, f"x  {shape}", bold=True)
    picture.height = int(y + 50)
    return picture


def encoder_block(length: int, d_model: int, heads: int, d_ff: int) -> Html:
    """Both orders beside each other."""
    return side_by_side(
        _block(False, length, d_model, heads, d_ff),
        _block(True, length, d_model, heads, d_ff),
        caption=(
            "The stream runs from top to bottom, and beside each sub-layer a line carries what "
            "came in around it, to be added to what the sub-layer says. Post-norm, as in 2017 and "
            "in BERT, has a norm in the way of the stream after each sum; pre-norm has none there."
        ),
    )
