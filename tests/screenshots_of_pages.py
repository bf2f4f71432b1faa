"""The pictures of the demo and of the guide, as files and from a notebook."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nbformat import writes
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from tests import lab, student_folder
from tests.harness import ROOT
from workbook import concept_map, material, progress
from workbook.demo.opening import open_page

if TYPE_CHECKING:
    from tests.screenshots import Scene

SECOND = "02-causal-masking"
PHONE = {"width": 360, "height": 740}
OWN = """import math


def attention_scores(query, key):
    return query @ key.mT / math.sqrt(key.shape[-2])"""
ASKED = "from workbook import attention_demo\n\nattention_demo()"


def _demo(page: Any, root: Path, height: int, **state: Any) -> bytes:
    open_page(root / "demo.html")
    page.goto(f"{(root / 'demo.html').as_uri()}#{quote(json.dumps(state))}")
    page.locator(".attention-demo h2").first.wait_for()
    size = page.viewport_size
    page.set_viewport_size({"width": size["width"], "height": height})
    return bytes(page.screenshot(animations="disabled"))


def demo(scene: Scene, page: Any) -> bytes:
    """A trained model, who looks at whom, and the dot products."""
    state = {"source": "trained", "mask": "causal", "layer": 1, "query": 5, "stage": "products"}
    return _demo(page, scene.root, 1300, sentence="Alice was beginning to get very tired", **state)


def demo_on_a_phone(scene: Scene, page: Any) -> bytes:
    """Small numbers with the causal mask."""
    page.set_viewport_size(PHONE)
    return _demo(page, scene.root, 1500, mask="causal", sentence="the cat sat", stage="mask")


def demo_in_a_notebook(scene: Scene, page: Any) -> bytes:
    """One's own functions in the demo: the first step that goes wrong is marked."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_code_cell(OWN), new_code_cell(ASKED)]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    (scene.desk / "demo.ipynb").write_text(writes(notebook))
    page.set_viewport_size({"width": 1100, "height": 3400})
    lab.open_notebook(page, scene.student, "demo.ipynb")
    lab.command(page, "notebook:run-all-cells")
    shown = lab.code(page, "attention_demo()")
    shown.locator(".attention-demo .own table").first.wait_for()
    clip = {**shown.bounding_box(), "height": 1400}  # the first wrong step and what comes before
    return bytes(page.screenshot(animations="disabled", clip=clip))


def guide_in_lab(scene: Scene, page: Any) -> bytes:
    """The link in a notebook's toolbar, and beside it the passage that it opens."""
    page.set_viewport_size({"width": 850, "height": 760})
    lab.open_notebook(page, scene.student, f"{SECOND}/{SECOND}.ipynb")
    lab.command(page, "application:toggle-left-area")
    link = page.get_by_role("link", name="Guide", exact=True)
    left = page.screenshot(animations="disabled")
    page.goto(f"{scene.student}{link.get_attribute('href')}")
    page.locator(":target h2, :target h1").first.wait_for()
    right = page.screenshot(animations="disabled")
    pictures = [Image.open(io.BytesIO(each)) for each in (left, right)]
    both = Image.new("RGB", (2 * 850 + 10, 760), "grey")
    for place, picture in enumerate(pictures):
        both.paste(picture, (place * 860, 0))
    file = io.BytesIO()
    both.save(file, "PNG")
    return file.getvalue()


def map_of_progress(scene: Scene, page: Any) -> bytes:
    """What builds on what, where two notebooks are done and a third is begun."""
    folder = student_folder.released(scene.root / "mapped")
    for name in material.names()[:2]:
        student_folder.solve(folder, name)
    student_folder.solve(folder, material.names()[2], "split_heads")
    drawn = concept_map(progress(folder))._repr_html_()
    page.set_content(f'<body style="font-family: system-ui; margin: 0">{drawn}')
    return bytes(page.locator("svg").screenshot(animations="disabled"))


def of_guide(name: str, height: int, phone: bool = False) -> Callable[[Scene, Any], bytes]:
    """A page of the guide that `make guide` has built, from its top."""

    def shot(scene: Scene, page: Any) -> bytes:
        page.set_viewport_size({**(PHONE if phone else {"width": 1280}), "height": height})
        page.goto((ROOT / "release" / "guide" / f"{name}.html").as_uri())
        page.locator("article h1").wait_for()
        return bytes(page.screenshot(animations="disabled"))

    return shot


PAGES: dict[str, Callable[[Scene, Any], bytes]] = {
    "demo": demo,
    "demo-phone": demo_on_a_phone,
    "demo-notebook": demo_in_a_notebook,
    "concept-map": map_of_progress,
    "guide": of_guide("index", 1000),
    "guide-in-lab": guide_in_lab,
    "guide-attention": of_guide("attention", 1400),
    "guide-architectures": of_guide("architectures", 1400),
    "guide-phone": of_guide("sheets/corrections", 1200, phone=True),
}
