"""Similarity: disguised copies stand above works that were written apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from autograder.similar.code import Code
from autograder.similar.pairs import Compared, compare
from autograder.similar.tokens import tokens
from tests import browser, mini
from tests.disguises import DISGUISES, all_at_once, partly
from tests.harness import ROOT
from tests.test_grade import results, workbook

LOOKS_AT = ("autograder/similar", "solutions")

STYLES = sorted(path for path in (ROOT / "solutions" / "styles").iterdir() if path.is_dir())
COPIED = """def double(x):
    total = torch.zeros_like(x)
    for each in (x, x):
        total += each
    return torch.where(total == total, total, total.clone())"""
DISGUISED = '''def double(values):
    """Adds."""
    here = (values, values)
    result = torch.zeros_like(values)
    for one in here:
        result = result + one  # twice
    return torch.where(result == result, result, result.clone())'''
OWN = ("def double(x):\n    return x * 2.0", "def double(x):\n    return x.add(x)")
WRONG = "def double(x):\n    return x.mul(2).sub(1 / 1024).flip(0)"
WRONG_TOO = "def double(x):\n    moved = x + x - 2**-10\n    return torch.flip(moved, dims=[0])"


def texts(source: str) -> list[str]:
    return [token.text for token in tokens(source)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = a + 1\ny = x", "total = a + 1\nresult = total"),
        (
            "def f(x):\n    '''Twice.'''\n    return 2 * x",
            "def g(y: int) -> int:\n    return 2 * y",
        ),
        ("x = 1\nx += 2", "x = 1\nx = x + 2"),
        ("z = torch.softmax(a, -1)", "z = F.softmax(a, -1)"),
        ("x = a @ b", "y = a @ b  # scores"),
        ("raise ValueError('mask')", "raise ValueError(f'another {text}')"),
        ("import torch\npass\nx = 1", "x: int = 1"),
    ],
)
def test_what_a_disguise_changes_is_no_token(one: str, other: str) -> None:
    assert texts(one) == texts(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("x = a + b", "x = a - b"), ("x = a.sum()", "x = a.mean()"), ("2 * x", "3 * x")],
)
def test_what_is_computed_is_one(one: str, other: str) -> None:
    assert texts(one) != texts(other)


@pytest.mark.parametrize("source", ["def f(:", "(" * 5000 + ")" * 5000, "x = " + "-" * 9000 + "1"])
def test_what_cannot_be_read_has_none(source: str) -> None:
    assert texts(source) == []


def apart_and_copied(folder: Path) -> tuple[list[float], list[float], list[float]]:
    """The shares of independent styles, of disguised copies, and of copies of a good half."""
    styles = {path.stem: path.read_text() for path in sorted(folder.glob("*.py"))}
    works = [Code(name, text) for name, text in styles.items()]
    names = list(styles)
    for name, text in styles.items():
        works += [Code(f"{name}|{how}", make(text, 1)) for how, make in DISGUISES.items()]
        other = names[(names.index(name) + 1) % len(names)]
        works.append(Code(f"{name}|half", all_at_once(partly(text, styles[other]), 1)))
    reference = (ROOT / "solutions" / f"{folder.name}.py").read_text()
    found = compare(works, [reference], {}, len(works) ** 2)
    shares = {frozenset((p.one.student, p.other.student)): p.share for p in found.pairs}

    def share(one: str, other: str) -> float:
        return shares.get(frozenset((one, other)), 0.0)

    independent = [share(a, b) for a in names for b in names if a < b]
    copies = [share(name, f"{name}|{how}") for name in names for how in DISGUISES]
    halves = [share(name, f"{name}|half") for name in names]
    return independent, copies, halves


@pytest.fixture(scope="module")
def measured() -> tuple[list[float], list[float], list[float]]:
    each = [apart_and_copied(folder) for folder in STYLES]
    independent, copies, halves = (list(chain(*lists)) for lists in zip(*each, strict=True))
    return independent, copies, halves


def area_under_the_curve(above: list[float], below: list[float]) -> float:
    high, low = np.array(above)[:, None], np.array(below)
    return float(((high > low) + 0.5 * (high == low)).mean())


@pytest.mark.settled
def test_disguised_copies_stand_above_independent_work(
    measured: tuple[list[float], list[float], list[float]],
) -> None:
    independent, copies, halves = measured
    assert len(independent) > 150
    assert area_under_the_curve(copies, independent) >= 0.99
    assert max(independent) < min(copies)
    assert max(independent) < min(halves)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Eight who wrote for themselves, one copy, two who are wrong alike, and a year before."""
    root = mini.make_course(tmp_path_factory.mktemp("similar"))
    for n in range(8):
        mini.hand_in(root, f"own-{n}", mini.submission(double=OWN[n % 2]))
    mini.hand_in(root, "zoe", mini.submission(double=COPIED))
    mini.hand_in(root, "yan", mini.submission(double=DISGUISED))
    mini.hand_in(root, "wrong-1", mini.submission(double=WRONG))
    mini.hand_in(root, "wrong-2", mini.submission(double=WRONG_TOO))
    mini.hand_in(root, "hostile", mini.submission(double=f"{OWN[0]}  # <script>alert(1)</script>"))
    mini.hand_in(root, "broken", mini.submission(double="def double(x:"))
    results(root)
    old = mini.hand_in(root / "last-year", "anna", mini.submission(double=COPIED))
    yield root
    assert old.exists()


def shown(course: Path, *arguments: str) -> str:
    done = workbook(course, "similar", mini.NAME, *arguments)
    assert done.returncode == 0, done.stderr
    return (course / "similar.html").read_text()


def test_a_planted_copy_comes_first_with_its_passages_marked(course: Path) -> None:
    text = shown(course)
    pairs = text[text.index("<tbody>") : text.index("</tbody>")].split("</tr>")
    assert "yan and zoe" in pairs[0]
    assert "<mark>    return torch.where(result == result, result, result.clone())</mark>" in text
    assert "<mark>    &#34;&#34;&#34;Adds.&#34;&#34;&#34;</mark>" not in text


def test_the_same_rare_error_is_a_second_sign(course: Path) -> None:
    text = shown(course)
    both = text[text.index("wrong-1 and wrong-2: ") :]
    assert "Wrong in the same way" in both[: both.index("</section>")]
    assert text.count("Wrong in the same way") == 1


def test_a_year_before_is_compared_and_not_with_itself(course: Path) -> None:
    assert "last-year" not in shown(course)
    text = shown(course, "--earlier", "last-year/submitted")
    assert "zoe and anna (submitted)" in text
    done = workbook(course, "similar", mini.NAME, "--earlier", "solutions")
    assert done.returncode == 2
    assert "solutions holds no 01-mini/01-mini.ipynb" in done.stderr


def test_years_before_are_not_compared_with_each_other() -> None:
    works = [Code("a", COPIED, "2024"), Code("b", COPIED, "2024"), Code("c", OWN[0])]
    assert compare(works, [], {}, 10) == Compared((), 2, 0.0, 0.0)


def test_what_a_third_of_the_class_has_is_not_in_common() -> None:
    works = [Code(f"s{n}", COPIED) for n in range(3)] + [Code("t", OWN[0])]
    assert compare(works, [], {}, 10).pairs == ()
    assert len(compare(works[1:], [], {}, 10).pairs) == 1
    assert compare(works[1:], [COPIED], {}, 10).pairs == ()


@browser.needs_chromium
def test_the_page_runs_nothing_and_can_be_read_by_everybody(course: Path) -> None:
    shown(course, "--pairs", "100")
    with browser.chromium() as started:
        view = started.new_context(viewport={"width": 360, "height": 740}).new_page()
        asked: list[str] = []
        view.on("request", lambda request: asked.append(request.url))
        view.goto((course / "similar.html").as_uri())
        view.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert len(asked) == 1
        assert view.locator("script").count() == 0
        assert view.evaluate("document.documentElement.scrollWidth") <= 360
        assert browser.serious(view) == []
