"""The guide: builds without a warning, needs no network, and its numbers follow their sources."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from nbformat import read, write
from nbformat.v4 import new_code_cell

from autograder.course.assignment import without_hidden
from autograder.course.released import MATERIAL
from tests import browser, lab
from tests.harness import ROOT
from tests.jupyter_server import jupyter_server
from workbook import start
from workbook.studying.map_layout import depths, direct

GUIDE = ROOT / "docs" / "guide"
sys.path.append(str(GUIDE))

from making import fresh  # noqa: E402
from making.checkpoints import stages, worked_out  # noqa: E402
from making.course import mistakes, notebooks  # noqa: E402
from making.dimensions import LENGTH, Config, calculate, config_of, presets, sheet, small  # noqa: E402
from making.exercises import escaped, section  # noqa: E402
from making.formulas import formulas  # noqa: E402
from making.glossary import terms  # noqa: E402
from making.zoo import zoo  # noqa: E402

LOOKS_AT = ("docs/guide", "solutions", "source", "workbook")

# What the theme itself does around a page's own text, and no page of ours can help.
OF_THE_THEME = {
    # The names of its buttons and of its link home are other words than those shown.
    "label-content-name-mismatch",
}
# A browser opening a page from a file, with the theme's own remark that nothing was chosen yet.
REMARK = "Got invalid theme mode"
# Made when there is a browser to look at them or a network; nothing of ours is in them.
NOT_OURS = {"search.html", "genindex.html", "demo.html"}
# A call with its arguments' names stands on a page as in a test; what is longer is somebody's line.
LONGEST_COMMON = 48


class Page(HTMLParser):
    """The links, sources and anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.anchors: set[str] = {"", "top"}
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.anchors.add(value or "")
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("src", "srcset") or (name == "href" and tag == "link"):
                self.sources.append(value or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide, built from nothing, with every warning an error."""
    out = tmp_path_factory.mktemp("guide")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-j", "2"]
    # Two processes that keep what ran in one place lose each other's now and then.
    command += ["-D", "nb_execution_mode=force"]
    command += ["-b", "html", "-d", str(out / "doctrees"), str(GUIDE), str(out / "html")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    said = [line for line in done.stderr.splitlines() if "IPKernelApp" not in line]
    assert (done.returncode, said) == (0, []), "\n".join(said)
    return out / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Every page by its path in the guide."""
    found = {str(path.relative_to(site)): path for path in sorted(site.rglob("*.html"))}
    return {
        name: Page(path)
        for name, path in found.items()
        if not name.startswith("_static") and name not in NOT_OURS
    }


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser.chromium() as started:
        yield started


@pytest.mark.settled
def test_each_link_inside_leads_somewhere(site: Path, pages: dict[str, Page]) -> None:
    lost = []
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto"):
                continue
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            key = str(target.resolve().relative_to(site.resolve()))
            known = key in pages and unquote(parts.fragment) in pages[key].anchors
            if not (known or (key not in pages and target.is_file())):
                lost.append(f"{name}: {link}")

    assert lost == []


@pytest.mark.settled
def test_nothing_is_loaded_from_elsewhere(pages: dict[str, Page]) -> None:
    """No address in a src or a stylesheet, no link to a file of the machine that built it."""
    for name, page in pages.items():
        loaded = [each for each in page.sources if re.match(r"(https?:)?//", each)]
        assert loaded == [], name
        assert "file://" not in page.text, name
        assert str(ROOT) not in page.text, name


@pytest.mark.settled
def test_no_text_was_read_in_a_wrong_encoding(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        broken = [each for each in ("\ufffd", "\u00e2\u20ac", "\u00f0\u0178") if each in page.text]
        assert broken == [], name


@pytest.mark.settled
def test_each_notebook_has_its_name_as_an_anchor(pages: dict[str, Page]) -> None:
    assert set(notebooks()) <= pages["exercises.html"].anchors


@pytest.mark.settled
def test_no_code_of_a_solution_or_of_a_hidden_test_is_shown(pages: dict[str, Page]) -> None:
    shown = pages["exercises.html"].text
    for secret in ("BEGIN SOLUTION", "BEGIN HIDDEN", "MARK SCHEME", "seen.output", "return "):
        assert secret not in re.sub(r"<script.*?</script>", "", shown, flags=re.S), secret


@pytest.mark.settled
@browser.needs_chromium
def test_pages_on_a_telephone_without_a_network(
    site: Path, pages: dict[str, Page], chromium: Any
) -> None:
    """No request, no error, and no scrolling sideways."""
    context = chromium.new_context(viewport={"width": 360, "height": 740}, offline=True)
    view, asked, said, wide = context.new_page(), [], [], {}
    view.on("request", lambda request: asked.append(request.url))
    view.on("pageerror", lambda error: said.append(str(error)))
    view.on("console", lambda each: each.type == "error" and said.append(each.text))
    for name in pages:
        view.goto((site / name).as_uri())
        wide[name] = view.evaluate("document.documentElement.scrollWidth")
    context.close()

    assert {name: pixels for name, pixels in wide.items() if pixels > 360} == {}
    assert [each for each in said if REMARK not in each] == []
    assert [each for each in asked if not each.startswith(("file:", "data:"))] == []


@pytest.mark.settled
@browser.needs_chromium
@pytest.mark.parametrize(
    "every", [pytest.param(4, id="some"), pytest.param(1, marks=pytest.mark.release, id="all")]
)
def test_axe_finds_nothing_serious(
    site: Path, pages: dict[str, Page], chromium: Any, every: int
) -> None:
    """In the text of each page (`make test` takes every fourth), every other one in the dark."""
    view, found = chromium.new_page(viewport={"width": 360, "height": 740}), {}
    for number, name in enumerate(list(pages)[::every]):
        view.emulate_media(color_scheme="dark" if number % 2 else "light")
        view.goto((site / name).as_uri())
        found[name] = browser.serious(view, "article")
    view.close()

    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.settled
@browser.needs_chromium
def test_around_the_text_only_the_theme_is_to_blame(site: Path, chromium: Any) -> None:
    view = chromium.new_page()
    view.goto((site / "index.html").as_uri())
    found = browser.serious(view)
    assert [each for each in found if each.split(":")[0] not in OF_THE_THEME] == []
    view.close()


CONFIGS = [
    *(Config(**each) for each in presets().values()),
    Config(7, 6, 3, 5, 2, 11, 13, 17, 19, 23, 4, gated=True, bias=True, output="own"),
    Config(7, 6, 1, 5, 2, 11, 13, 0, 19, 1, 1, gated=True, bias=False, output="none"),
]


@pytest.mark.settled
@browser.needs_chromium
def test_the_calculator_counts_as_python_does(site: Path, chromium: Any) -> None:
    view = chromium.new_page()
    view.goto((site / "sheets" / "dimensions.html").as_uri())
    for config in CONFIGS:
        counted = view.evaluate(f"guideDimensions.calculate({json.dumps(asdict(config))})")
        assert counted == calculate(config)
    view.close()


@pytest.mark.settled
@browser.needs_chromium
def test_the_calculator_answers_what_is_typed(site: Path, chromium: Any) -> None:
    view = chromium.new_page()
    view.goto((site / "sheets" / "dimensions.html").as_uri())
    shown = view.locator('[data-key="parameters"]')
    before = shown.inner_text()

    view.get_by_label("Start from").select_option("LLaMA-7B")
    assert shown.inner_text() == f"{zoo()['llama-7b'].parameters:,}" != before

    view.get_by_label("Key/value heads").fill("5")
    assert "divide" in view.get_by_role("alert").inner_text()
    assert shown.inner_text() == "\N{EN DASH}"

    view.get_by_label("Key/value heads").fill("8")
    assert view.get_by_role("alert").inner_text() == ""
    assert view.locator('[data-key="k"]').inner_text() == f"(1, 8, {LENGTH}, 128)"
    view.close()


def test_the_calculator_agrees_with_the_zoo() -> None:
    """One stack's parameters, but for BERT's pooler; cache and work of a decoder."""
    for key in ("gpt-2", "gpt-2-xl", "llama-7b", "llama-3-8b", "bert-base"):
        model = zoo()[key]
        counted = calculate(config_of(model))
        without_pooler = model.parameters - model.parts.get("pooler", 0)
        assert counted["parameters"] == f"{without_pooler:,}", key
        if model.cache_bytes:
            assert counted["cache_bytes_a_token"] == f"{model.cache_bytes:,}", key
            assert counted["flops_a_token"] == f"{model.flops(config_of(model).length):,}", key


def test_the_small_model_is_the_notebooks() -> None:
    """Its parameters are those of the class that the notebook trains."""
    from solutions.language_model import GPT

    book = small()
    model = GPT(book.vocab_size, book.max_len, book.d_model, book.num_layers, book.num_heads)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert calculate(book)["parameters"] == f"{count:,}"


def test_a_changed_fact_changes_the_sheet_of_sizes() -> None:
    models = zoo()
    changed = {**models, "gpt-2": replace(models["gpt-2"], layers=13)}
    assert "124,439,808" in sheet(models).text
    assert "124,439,808" not in sheet(changed).text
    assert f"{changed['gpt-2'].parameters:,}" in sheet(changed).text


def test_a_changed_notebook_changes_its_section() -> None:
    book = notebooks()["02-causal-masking"]
    assert f"about {book.minutes} minutes" in section(book)
    assert "about 61 minutes" in section(replace(book, minutes=61))


def test_a_changed_formula_or_question_is_worked_out_anew(tmp_path: Path) -> None:
    first = formulas()[0]
    assert replace(first, example="2 ** 5").result == 32
    assert worked_out("[=1/8 + 3/8] and [=10**3:,]") == "0.5 and 1,000"


def test_what_a_page_uses_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are kept for a page as long as the modules and tables that its cells use stay."""
    page = "```{code-cell} python\nfrom making.zoo import zoo\n```\n"
    before = fresh.of_code(page)
    used = {path.name for path in fresh.sources(fresh.modules_of(page))}
    assert {"zoo.py", "zoo.toml", "figures.py"} <= used
    assert "glossary.toml" not in used
    assert fresh.of_page("```{terms}\n```") != fresh.of_page("nothing")

    monkeypatch.setattr(fresh, "sources", lambda modules: {tmp_path / "zoo.toml"})
    (tmp_path / "zoo.toml").write_text("other facts")
    assert fresh.of_code(page) != before


def test_arguments_on_the_formula_sheet_are_the_definitions_own() -> None:
    assert {each.title: each.strangers for each in formulas() if each.strangers} == {}
    assert replace(formulas()[0], letters=[["q", "querry", "", ""]]).strangers == ["querry"]


def test_each_stage_has_five_questions_with_every_choice_explained() -> None:
    for stage in stages():
        assert len(stage.questions) == 5, stage.title
        assert set(stage.notebooks) <= set(notebooks())
        rights = {each.right for each in stage.questions}
        assert len(rights) > 1, f"in {stage.title} the right one always stands in the same place"


def test_see_also_and_introduced_are_known() -> None:
    known = terms()
    for term in known.values():
        assert set(term.see) <= set(known), term.name
        assert not term.introduced or term.introduced in notebooks(), term.name


def test_a_term_that_is_not_defined_or_not_used_fails_the_build(tmp_path: Path) -> None:
    """A page with the whole glossary that names one word, which is not in it."""
    settings = "extensions = ['myst_parser', 'making.glossary']\nexclude_patterns = []\n"
    (tmp_path / "conf.py").write_text(f"import sys\nsys.path.insert(0, {str(GUIDE)!r})\n{settings}")
    (tmp_path / "index.md").write_text("# Page\n\n{term}`no such word`\n\n```{terms}\n```\n")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, str(tmp_path), str(tmp_path / "out")], capture_output=True, text=True, cwd=ROOT
    )

    assert done.returncode != 0
    assert "term not in glossary: 'no such word'" in done.stderr
    assert "glossary.toml defines 'block', which no page links to" in done.stderr


def test_the_map_puts_each_notebook_below_what_it_needs() -> None:
    needs = direct(notebooks())
    rows = depths(needs)
    assert all(rows[each] < rows[name] for name, needed in needs.items() for each in needed)
    with pytest.raises(ValueError, match="circle"):
        depths({"a": ("b",), "b": ("a",)})


def test_mistakes_are_told_in_words_and_own_ones_first() -> None:
    found = mistakes("03-multi-head-attention")["split_heads"]
    general = [each.is_of_any_code for each in found]
    assert general == sorted(general)
    assert not general[0]
    assert escaped("a * b, `x[0]` and <p>") == r"a \* b, `x[0]` and \<p\>"


def _statements(module: Path) -> Iterator[str]:
    """What the functions of a solution consist of, each statement in one line."""
    source = module.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        for statement in node.body if isinstance(node, ast.FunctionDef) else ():
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                yield ast.get_source_segment(source, statement) or ""


def _hidden(notebook: Path) -> Iterator[str]:
    """The lines that an instructor alone sees."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        yield from set(source.splitlines()) - set(without_hidden(source).splitlines())


def _in_a_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.settled
def test_nothing_that_is_graded_is_given_away(pages: dict[str, Page]) -> None:
    """No statement of a solution and no line of a hidden test, of those long enough to tell."""
    secrets = [line for path in ROOT.glob("source/*/*.ipynb") for line in _hidden(path)]
    secrets += [each for path in ROOT.glob("solutions/*.py") for each in _statements(path)]
    long = {_in_a_line(each) for each in secrets if len(_in_a_line(each)) > LONGEST_COMMON}
    assert len(long) > 500

    texts = {
        name: _in_a_line(BeautifulSoup(page.text, "html.parser").get_text())
        for name, page in pages.items()
    }
    assert any("scaled_dot_product_attention" in text for text in texts.values())
    found = [(name, each) for name, text in texts.items() for each in long if each in text]
    assert found == []


@pytest.mark.parametrize("name", list(notebooks()))
def test_no_wrong_idea_is_told_twice(name: str) -> None:
    for definition, found in mistakes(name).items():
        told = [(each.name, each.effect) for each in found]
        assert len(told) == len(set(told)), definition


@browser.needs_chromium
@pytest.mark.release  # the whole way in JupyterLab, of which `test_guide_pointers` shows each part
def test_in_jupyterlab_notebook_and_guide_lead_to_each_other(
    site: Path, chromium: Any, tmp_path: Path
) -> None:
    """From a notebook's toolbar and from `check` to the passage, and from there to the notebook."""
    book, definition = "02-causal-masking", "causal_mask"
    given, desk = tmp_path / "release", tmp_path / "home" / "desk"
    given.mkdir()
    for each in (ROOT / "release").iterdir():
        if each.name != "guide":
            (given / each.name).symlink_to(each)
    (given / "guide").symlink_to(site)
    start.fill(desk)
    notebook = read(desk / book / f"{book}.ipynb", as_version=4)
    wrong = (
        f"import torch\n\n\ndef {definition}(query_len, key_len=None):\n    return torch.ones(1)"
    )
    asked = f'from workbook import check\n\ncheck("{definition}")'
    notebook.cells = [new_code_cell(wrong), new_code_cell(asked)]
    write(notebook, desk / book / f"{book}.ipynb")

    def settings(environment: Mapping[str, str]) -> dict[str, str]:
        return {**start.environment(environment), MATERIAL: str(given)}

    with (
        # Above the desk, as on a hub.
        jupyter_server(desk.parent, tmp_path / "jupyter", settings) as server,
        lab.tab(chromium) as (page, outside),
    ):
        lab.open_notebook(page, server, f"desk/{book}/{book}.ipynb")
        lab.command(page, "notebook:run-all-cells")
        with page.context.expect_page() as opened:
            page.get_by_role("link", name=definition, exact=True).click()
        assert opened.value.locator("tr:target").inner_text().startswith(definition)

        with page.context.expect_page() as opened:
            page.get_by_role("link", name="Guide", exact=True).click()
        guide = opened.value
        assert guide.locator(":target > h1, :target > h2").inner_text().startswith("02")
        guide.locator(f'[data-notebook="{book}"] a').click()
        lab.ready(guide, f"desk/{book}/{book}.ipynb")
        guide.goto(f"{server}/workbook/open/nothing")
        assert "There is no notebook nothing" in guide.content()
        assert outside == []
