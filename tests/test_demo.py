"""The demo computes what torch computes, and can be used by everybody."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import torch
import torch.nn.functional as F
from nbformat import writes
from nbformat.v4 import new_code_cell, new_notebook
from torch import Tensor

from tests import browser, lab
from tests.jupyter_server import jupyter_server
from workbook import start
from workbook.demo import page
from workbook.demo.opening import open_page
from workbook.demo.widget import AttentionDemo, attention_demo

LOOKS_AT = ("workbook/demo",)

pytestmark = browser.needs_chromium
SENTENCE = "Alice was beginning to get very tired of sitting"


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    with browser.chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("demo") / page.NAME
    open_page(written)
    return written


@pytest.fixture
def view(started: Any) -> Iterator[Any]:
    context = started.new_context(viewport={"width": 1000, "height": 900}, offline=True)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def inside(started: Any) -> Any:
    """A page in which the functions of the demo can be called."""
    view = started.new_page()
    # Of a classic script the names are those of the page.
    view.add_script_tag(content=page.module().replace("export default", "void"))
    return view


def opened(view: Any, file: Path, **state: Any) -> Any:
    view.goto(f"{file.as_uri()}#{quote(json.dumps(state))}")
    view.locator(".attention-demo h2").first.wait_for()
    return view


def pick(view: Any, label: str) -> None:
    view.get_by_label(label, exact=True).check()


def same(found: Any, expected: Tensor) -> None:
    torch.testing.assert_close(
        torch.tensor(found, dtype=torch.float64), expected.double(), rtol=0, atol=1e-5
    )


LISTS = "x => JSON.parse(JSON.stringify(x, (k, v) => ArrayBuffer.isView(v) ? [...v] : v))"


def called(inside: Any, what: str, *given: Any) -> Any:
    return inside.evaluate(f"given => ({LISTS})({what}(...given))", list(given))


MASKS = ("bidirectional", "causal", "padding", "cross")


@pytest.mark.parametrize("mask", MASKS)
def test_small_numbers_are_torchs(inside: Any, mask: str) -> None:
    found = called(inside, "smallNumbers", "the cat sat on the mat", "le chat noir", mask)

    x, seen = (torch.tensor(found[name], dtype=torch.float64) for name in ("x", "seen"))
    weights = {k: torch.tensor(v, dtype=torch.float64) for k, v in found["weights"].items()}
    query, key, value = (
        (given @ weights[name]).unflatten(-1, (2, 4)).transpose(0, 1)  # (H, L, E)
        for name, given in (("query", x), ("key", seen), ("value", seen))
    )
    size = len(x), len(seen)
    allowed = torch.ones(size, dtype=torch.bool)
    if mask == "causal":
        allowed = allowed.tril()
    if mask == "padding":
        assert found["keys"][-2:] == ["[PAD] (6)", "[PAD] (7)"]
        allowed[:, -2:] = False
    output = F.scaled_dot_product_attention(query, key, value, allowed)
    for head in range(2):
        same(found["heads"][head]["output"], output[head])
    joined = output.transpose(0, 1).flatten(1)
    same(found["joined"], joined)
    same(found["output"], joined @ weights["output"])


def test_queries_and_keys_are_made_by_different_matrices(inside: Any) -> None:
    """Were they the same, every table of dot products would be symmetric."""
    found = called(inside, "smallNumbers", "the cat sat on the mat", "", "bidirectional")

    assert found["weights"]["query"] != found["weights"]["key"]
    for head in found["heads"]:
        products = torch.tensor(head["products"])
        assert not torch.equal(products, products.T)


def _by_torch(ids: list[int], causal: bool) -> tuple[list[Tensor], Tensor]:
    """The attention weights of each layer and the logits, by torch's operators alone."""
    data = page.numbers("glassllm")
    config: Any = data["config"]
    raw = torch.frombuffer(bytearray(base64.b64decode(str(data["numbers"]))), dtype=torch.float16)
    tables, at = {}, 0
    for name, height, width in data["shapes"]:  # type: ignore[attr-defined]
        tables[name] = raw[at : at + height * width].view(height, width).double()
        at += height * width
    assert at == raw.numel() == 852_608
    size, heads = config["d_model"], config["n_heads"]
    head_dim = size // heads
    steps = config["rope_base"] ** (-torch.arange(0, head_dim, 2).double() / head_dim)
    angles = torch.arange(len(ids)).double()[:, None] * steps
    turns = torch.polar(torch.ones_like(angles), angles)  # (L, E / 2)

    def turned(x: Tensor) -> Tensor:  # (H, L, E)
        pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
        return torch.view_as_real(pairs * turns).flatten(-2)

    x, found = tables["E"][ids], []
    for n in range(config["n_layers"]):
        of = {k.removeprefix(f"blocks.{n}."): v for k, v in tables.items()}
        h = F.rms_norm(x, (size,), of["norm1.gamma"][0], config["eps"])
        query, key, value = (
            (h @ of[f"attn.W_{part}"]).unflatten(-1, (-1, head_dim)).transpose(0, 1)
            for part in "QKV"
        )
        query, key = turned(query)[None], turned(key)[None]
        given = {"is_causal": causal, "enable_gqa": True}
        output = F.scaled_dot_product_attention(query, key, value[None], **given)[0]
        # With the unit vectors as values, what comes out are the weights.
        units = torch.eye(len(ids)).double().expand(1, key.shape[1], -1, -1)
        found.append(F.scaled_dot_product_attention(query, key, units, **given)[0])
        x = x + output.transpose(0, 1).flatten(1) @ of["attn.W_O"]
        h = F.rms_norm(x, (size,), of["norm2.gamma"][0], config["eps"])
        x = x + (F.silu(h @ of["ffn.W1"]) * (h @ of["ffn.W3"])) @ of["ffn.W2"]
    h = F.rms_norm(x, (size,), tables["norm_f.gamma"][0], config["eps"])
    return found, h @ tables["E"].T


@pytest.mark.parametrize("mask", ["causal", "bidirectional"])
def test_the_trained_model_computes_what_torch_computes(inside: Any, mask: str) -> None:
    inside.evaluate("data => { window.model = trainedModel(data) }", page.numbers("glassllm"))
    ids = inside.evaluate(f"tokensOf(model, {SENTENCE!r}).map(each => model.ids.get(each))")
    weights, logits = _by_torch(ids, mask == "causal")
    for layer, expected in enumerate(weights):
        found = inside.evaluate(
            f"({LISTS})(trainedNumbers(model, {SENTENCE!r}, {mask!r}, {layer}))"
        )
        same([head["weights"] for head in found["heads"]], expected)
    same(found["logits"], logits)
    assert len(ids) < len(SENTENCE)


def test_the_trained_model_reads_as_it_was_taught(inside: Any) -> None:
    """Perplexity as published for its own tokenizer: neither of the two may be broken."""
    inside.evaluate("data => { window.model = trainedModel(data) }", page.numbers("glassllm"))
    text = "Alice was beginning to get very tired of sitting by her sister"
    tokens, ids = inside.evaluate(
        f"(t => [t, t.map(each => model.ids.get(each))])(tokensOf(model, {text!r}))"
    )
    assert "".join(tokens).replace("▁", " ") == text
    _, logits = _by_torch(ids, causal=True)
    loss = F.cross_entropy(logits[:-1], torch.tensor(ids[1:]))
    assert loss.exp().item() == pytest.approx(36.9, abs=0.05)


def test_heads_are_as_they_are_called() -> None:
    data: Any = page.numbers("minilm")
    before, after, *_, resting = range(len(data["heads"]))
    for sentence in data["sentences"]:
        weights = torch.tensor(sentence["heads"])
        assert weights.shape == (len(data["heads"]), *[len(sentence["tokens"])] * 2)
        torch.testing.assert_close(
            weights.sum(-1), torch.ones(weights.shape[:2]), atol=1e-3, rtol=0
        )
        places = torch.arange(1, len(sentence["tokens"]))
        assert (weights[before].argmax(-1)[1:] == places - 1).all()
        assert (weights[resting].argmax(-1) == 0).float().mean() > 0.9
    fox = data["sentences"][0]["tokens"].index("fox")
    weights = torch.tensor(data["sentences"][0]["heads"])
    assert data["sentences"][0]["tokens"][weights[before, fox].argmax()] == "brown"
    assert data["sentences"][0]["tokens"][weights[after, fox].argmax()] == "jumps"


STATES = [
    {},
    {"mask": "cross", "stage": "qkv"},
    {"mask": "padding", "stage": "mask"},
    {"source": "trained", "mask": "causal", "stage": "joined", "sentence": SENTENCE},
    {"source": "minilm", "query": 4},
]


@pytest.mark.settled
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_works_offline_on_a_phone_in_every_state(started: Any, file: Path, scheme: str) -> None:
    context = started.new_context(
        viewport={"width": 360, "height": 740}, color_scheme=scheme, offline=True
    )
    view = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    view.on("request", lambda request: asked.append(request.url))
    view.on("console", lambda message: said.append(message.text))
    view.on("pageerror", lambda error: said.append(str(error)))
    for state in STATES:
        opened(view, file, **state)
        view.reload()  # a change of the part behind # alone loads nothing
        view.locator(".attention-demo h2").first.wait_for()
        assert view.evaluate("document.documentElement.scrollWidth") <= 360
        assert browser.serious(view) == []
    view.emulate_media(media="print")
    assert view.locator(".looks").is_visible()
    assert not [url for url in asked if not url.startswith(file.as_uri())]
    assert said == []
    context.close()


def test_by_keyboard_alone(view: Any, file: Path) -> None:
    """From the top of the page to one entry of a matrix and what makes it."""
    opened(view, file)
    press = view.keyboard.press

    press("Tab")
    press("ArrowRight")  # a trained model
    assert "852,608" in view.locator(".note").first.inner_text()
    press("ArrowLeft")
    press("Tab")
    press("ControlOrMeta+a")
    view.keyboard.type("a cat sat")
    assert view.locator(".tokens label").all_inner_texts() == ["a", "cat", "sat"]
    press("Tab")
    assert view.evaluate("document.activeElement.value") == "causal"
    press("ArrowLeft")  # bidirectional
    press("Tab")
    press("ArrowRight")  # the token after cat
    assert view.locator(".looks caption").inner_text() == "How much sat looks at each"
    status = view.get_by_role("status").first
    assert status.inner_text().startswith("head 0: sat looks at ")
    press("Tab")  # the table, which scrolls
    press("Tab")
    press("ArrowRight")  # head 1
    assert status.inner_text().startswith("head 1: sat looks at ")
    press("Tab")
    for _ in range(3):  # from the softmax back to the dot products
        press("ArrowLeft")
    press("Tab")
    assert view.evaluate("document.activeElement.getAttribute('role')") == "gridcell"
    press("Control+Home")
    press("ArrowRight")
    said = view.locator(".by-hand").inner_text()
    assert said.startswith("By hand: query of a · key of cat = ")
    assert status.inner_text() in said
    value = view.evaluate("document.activeElement.textContent")
    assert said.endswith(f" = {value}.")


def test_what_a_screen_reader_reads(view: Any, file: Path) -> None:
    opened(view, file, sentence="the cat sat", mask="causal", query=1)
    pick(view, "mask")

    snapshot = view.locator(".steps").aria_snapshot()
    assert '- radio "mask" [checked]' in snapshot
    assert '- grid "scores after the mask (3, 3)":' in snapshot
    assert '- columnheader "sat"' in snapshot
    assert '- gridcell "\N{MINUS SIGN}∞"' in snapshot
    snapshot = view.locator(".look").aria_snapshot()
    assert 'img "head 0, where each looks most: the at the ' in snapshot


@pytest.mark.parametrize(
    ("number", "wrong", "right"), [(0, "jumps", "brown"), (1, "4", "3"), (2, "(4, 3)", "(3, 4)")]
)
def test_the_exercises_answer_by_the_numbers(
    view: Any, file: Path, number: int, wrong: str, right: str
) -> None:
    opened(view, file)
    exercise = view.locator(".exercises li").nth(number)
    check = exercise.get_by_role("button", name="Check")

    check.click()
    assert exercise.get_by_role("status").inner_text().startswith("First predict")
    exercise.get_by_label(wrong, exact=True).check()
    check.click()
    told = exercise.get_by_role("status").inner_text()
    assert told.startswith(f"You predicted {wrong}; it is {right}.")
    exercise.get_by_label(right, exact=True).check()
    check.click()
    assert exercise.get_by_role("status").inner_text().startswith(f"{right}: as you predicted.")


def test_on_the_arrow_behind_each_step_stands_the_shape_that_leaves_it(
    view: Any, file: Path
) -> None:
    """Of one head: width 4, queries of one sentence and keys of another."""
    opened(view, file, sentence="the cat sat", other="le chat", mask="cross")
    labels = view.locator(".stages label")
    behind = "all => all.map(each => getComputedStyle(each, '::after').content)"

    arrows = labels.evaluate_all(behind)
    assert all("→" in each for each in arrows[:-1])
    assert arrows[-1] == "none"
    assert labels.evaluate_all("all => all.map(each => each.dataset.leaves)") == [
        *("(3, 8)", "(3, 4)", "(3, 2)", "(3, 2)", "(3, 2)", "(3, 2)", "(3, 4)", "(3, 8)")
    ]


def test_an_address_shows_the_same_again(view: Any, file: Path) -> None:
    opened(view, file)
    view.locator("input[type=text]").fill("one two three")
    pick(view, "causal")
    pick(view, "three")
    shown = view.locator(".looks").inner_text()
    address = view.url

    view.goto("about:blank")
    view.goto(address)
    assert view.locator(".looks").inner_text() == shown
    view.goto("about:blank")
    view.goto(f"{address[:-20]}")  # somebody cut it
    assert view.locator(".looks").is_visible()


def test_nothing_to_look_at_is_said(view: Any, file: Path) -> None:
    opened(view, file)
    view.locator("input[type=text]").fill("  ")
    assert view.locator(".look").inner_text() == "Type a sentence."
    view.locator("input[type=text]").fill("back again")
    assert view.locator(".tokens label").all_inner_texts() == ["back", "again"]


@pytest.mark.parametrize(
    ("source", "typed", "said"),
    [
        ("small", "one " * 20, "Only the first 16 of 20 words are used."),
        ("trained", "one " * 40, "Only the first 16 of "),
        ("trained", "to \N{GRINNING FACE}", "\N{GRINNING FACE} (unknown)"),
    ],
)
def test_what_is_left_out_or_not_known_is_said(
    view: Any, file: Path, source: str, typed: str, said: str
) -> None:
    opened(view, file, source=source, mask="causal")
    view.locator("input[type=text]").fill(typed)
    assert said in view.locator(".look").inner_text()


def test_a_long_word_does_not_widen_the_page(view: Any, file: Path) -> None:
    opened(view, file)
    view.set_viewport_size({"width": 360, "height": 740})
    view.locator("input[type=text]").fill("a " + 300 * "w")
    for stage in ("X", "QKᵀ", "softmax"):
        view.get_by_label(stage, exact=True).check()
        assert view.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_one_types_is_text(view: Any, file: Path) -> None:
    opened(view, file)
    view.locator("input[type=text]").fill("<img src=x onerror=document.title='run'> & it")
    assert view.locator(".tokens label").first.inner_text() == "<img"
    assert view.title() == "Attention to play with"


def test_ones_own_functions_are_followed() -> None:
    """The first step that goes wrong is marked, and another sentence is another way."""
    wrong = {"attention_scores": lambda query, key: query @ key.mT}
    widget = attention_demo("the cat sat", wrong)

    assert isinstance(widget, AttentionDemo)
    assert "HERE IT FIRST GOES WRONG" in widget.own
    assert widget.get_state("state")["state"]["source"] == "own"
    widget.sentence = "one dog"
    assert "dog" in widget.own
    assert "cat" not in widget.own
    assert widget._repr_mimebundle_()[0]["text/html"] == widget.own


def test_in_a_notebook_it_is_one_module(started: Any) -> None:
    """anywidget's contract, kept by a model of a test: what is typed goes to Python."""
    view = started.new_page()
    encoded = base64.b64encode(page.module().encode()).decode()
    view.set_content(f"<!doctype html><style>{page.style()}</style><main></main>")
    view.evaluate(
        """async module => {
          const demo = (await import(`data:text/javascript;base64,${module}`)).default;
          const values = {asks: true, sentence: "", own: "<p>first</p>", state: {source: "own"}};
          window.values = values;
          const heard = {};
          demo.render({el: document.querySelector("main"), model: {
            get: name => values[name],
            set: (name, value) => { values[name] = value },
            on: (name, call) => { heard[name] = call },
            save_changes: () => {},
          }});
          window.answer = own => { values.own = own; heard["change:own"]() };
        }""",
        encoded,
    )
    labels = view.locator(".source label").all_inner_texts()
    assert labels == ["small numbers", "your functions"]
    view.locator("input[type=text]").fill("two words")
    assert view.evaluate("values.sentence") == "two words"
    view.evaluate("answer('<p>second</p>')")
    assert view.locator(".own").inner_text() == "second"
    assert not view.locator(".steps").is_visible()


@pytest.mark.settled
def test_in_jupyterlab_the_sentence_goes_through_ones_own_functions(
    started: Any, tmp_path: Path
) -> None:
    """Typed on the page, followed by the kernel, shown again, and no other machine is asked."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    wrong = "def attention_scores(query, key):\n    return query @ key.mT"
    asked = "from workbook import attention_demo\nattention_demo()"
    cells = [new_code_cell(wrong), new_code_cell(asked)]
    desk = tmp_path / "desk"
    desk.mkdir()
    (desk / "demo.ipynb").write_text(
        writes(new_notebook(cells=cells, metadata={"kernelspec": kernel}))
    )
    with (
        jupyter_server(desk, tmp_path / "home", start.environment) as server,
        lab.tab(started) as (page, outside),
    ):
        lab.open_notebook(page, server, "demo.ipynb")
        lab.command(page, "notebook:run-all-cells")
        shown = page.locator(".attention-demo")
        shown.get_by_text("HERE IT FIRST GOES WRONG").wait_for()
        shown.locator("input[type=text]").fill("one dog")
        shown.locator(".own").get_by_text("dog", exact=True).first.wait_for()
        assert not shown.locator(".own").get_by_text("cat", exact=True).count()
        shown.get_by_label("heads of MiniLM", exact=True).check()
        assert shown.locator(".looks caption").inner_text().startswith("How much the (1) looks")
        assert outside == []
