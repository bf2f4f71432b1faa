"""Writes the pictures of the documentation from the real thing: `python -m tests.screenshots`.

Names of pictures as arguments make only these. Each is taken of a running JupyterLab, or of a page
that the grader wrote, with a course and a student's desk made for the occasion.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from PIL import Image

from tests import browser, lab
from tests.harness import ROOT, definition_source, grade_id
from tests.jupyter_server import jupyter_server
from tests.screenshots_of_pages import PAGES
from workbook import material, start

IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT, TALLEST = 1100, 760, 3000
FIRST, SECOND, THIRD = (
    "01-scaled-dot-product-attention",
    "02-causal-masking",
    "03-multi-head-attention",
)
STUDENT = "chloe"  # of the examples: one whose page says much
WRITTEN = "why-scale"
ANSWER = (
    "The terms of a dot product add up, so the scores spread further apart the larger $E$ is. Then "
    "softmax gives nearly all the weight to one word. Dividing by $\\sqrt{E}$ takes that back."
)
WRONG = """def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    exponentials = np.exp(x)
    return exponentials / exponentials.sum(axis=axis, keepdims=True)"""


@dataclass
class Scene:
    """A student's desk, a course with graded examples, and one browser for both."""

    root: Path
    browser: Any
    servers: ExitStack

    def environment(self, who: str) -> dict[str, str]:
        """Where Jupyter and nbgrader keep what they keep for one person."""
        home = self.root / who
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {f"JUPYTER_{name.upper()}_DIR": str(home / name) for name in ("config", "data")}
        return {**os.environ, "PATH": path, "HOME": str(home), **kept}

    def nbgrader(self, who: str, *arguments: str) -> None:
        """Run one of nbgrader's commands in the folder of a person."""
        command = [sys.executable, "-m", "nbgrader", *arguments]
        folder = self.desk if who == "student" else self.course
        subprocess.run(
            command, cwd=folder, env=self.environment(who), check=True, capture_output=True
        )

    @cached_property
    def course(self) -> Path:
        """The course, with the examples handed in, graded and their pages written."""
        course = self.root / "course"
        for name in ("source", "release", "solutions"):
            shutil.copytree(ROOT / name, course / name)
        shutil.copytree(ROOT / "examples" / "submitted", course / "submitted")
        submitted = course / "submitted" / STUDENT / FIRST / f"{FIRST}.ipynb"
        notebook = nbformat.read(submitted, as_version=4)
        next(cell for cell in notebook.cells if grade_id(cell) == WRITTEN).source = ANSWER
        nbformat.write(notebook, submitted)
        settings = f"\nc.Exchange.root = {str(self.exchange)!r}\n"
        config = (ROOT / "nbgrader_config.py").read_text() + settings
        (course / "nbgrader_config.py").write_text(config)
        for command in ("grade", "feedback"):
            subprocess.run(
                [sys.executable, "-m", "autograder.cli", command, FIRST, "--student", STUDENT],
                cwd=course,
                check=True,
                capture_output=True,
            )
        return course

    @cached_property
    def exchange(self) -> Path:
        """Where the two hand over."""
        folder = self.root / "exchange"
        folder.mkdir()
        return folder

    @cached_property
    def desk(self) -> Path:
        """What `workbook start` gave the student."""
        folder = self.root / "transformer-workbook"
        start.fill(folder)
        (folder / "nbgrader_config.py").write_text(
            "c = get_config()\n"
            "c.CourseDirectory.course_id = 'transformer-workbook'\n"
            f"c.Exchange.root = {str(self.exchange)!r}\n"
        )
        return folder

    @cached_property
    def student(self) -> str:
        """The address of the student's JupyterLab, which paints also what is out of sight."""
        settings = self.root / "student/settings/@jupyterlab/notebook-extension"
        settings.mkdir(parents=True)
        (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
        return self.servers.enter_context(
            jupyter_server(self.desk, self.root / "student", start.environment)
        )

    @cached_property
    def instructor(self) -> str:
        """The address of the instructor's JupyterLab."""
        return self.servers.enter_context(jupyter_server(self.course, self.root / "instructor"))

    def solve(self, name: str, own: dict[str, str] | None = None) -> Path:
        """Write the solutions into a notebook of the desk, or `own` code by the cell's name."""
        path = self.desk / name / f"{name}.ipynb"
        notebook = nbformat.from_dict(material.released(name))
        for cell in notebook.cells:
            if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
                solved = definition_source(name, grade_id(cell))
                cell.source = (own or {}).get(grade_id(cell), solved)
        path.write_text(json.dumps(notebook))
        return path


Shot = Callable[[Scene, Any], bytes]


def start_page(scene: Scene, page: Any) -> bytes:
    """The first notebook, run."""
    lab.open_notebook(page, scene.student, material.START)
    lab.command(page, "notebook:run-all-cells")
    return _window(page, lab.cell(page, "Start here"))


def check_failed(scene: Scene, page: Any) -> bytes:
    """A definition with a mistake, and what `check` says of it."""
    scene.solve(FIRST, {"softmax": WRONG})
    return _answer(scene, page, 'check("softmax")', above="def softmax")


def check_passed(scene: Scene, page: Any) -> bytes:
    """The answer when it is mended; how to mend it is the reader's to find."""
    scene.solve(FIRST)
    return _answer(scene, page, 'check("softmax")')


def trace(scene: Scene, page: Any) -> bytes:
    """The stages of one's own functions, on a sentence."""
    scene.solve(FIRST)
    return _answer(scene, page, 'trace("')


def assignment_list(scene: Scene, page: Any) -> bytes:
    """One assignment to fetch, two fetched, one of these submitted."""
    for name in (FIRST, SECOND, THIRD):
        scene.nbgrader("instructor", "release_assignment", name)
    shutil.rmtree(scene.desk / THIRD)
    scene.solve(FIRST)
    scene.nbgrader("student", "submit", FIRST)
    page.goto(f"{scene.student}/lab/workspaces/assignments")
    lab.menu(page, "Nbgrader", "Assignment List")
    page.locator("#submitted_assignments_list").get_by_text("UTC").wait_for()
    page.locator("#fetched_assignments_list .assignment-notebooks-link").first.click()
    page.get_by_role("button", name="Validate").wait_for()
    return _window(page)


def feedback_page(scene: Scene, page: Any) -> bytes:
    """What a student reads."""
    written = scene.course / "feedback" / STUDENT / FIRST / f"{FIRST}.html"
    page.goto(written.as_uri())
    hint = page.locator(".cause summary").first
    hint.click()
    return _window(page)


def formgrader(scene: Scene, page: Any) -> bytes:
    """A written answer, as an instructor marks it; without the rubric above it."""
    page.set_viewport_size({"width": WIDTH, "height": 12_000})
    with Gradebook(f"sqlite:///{scene.course}/gradebook.db") as gradebook:
        (submission,) = gradebook.notebook_submissions(FIRST, FIRST)
        address = f"{scene.instructor}/formgrader/submissions/{submission.id}/?index=0"
    with page.expect_response("**/api/comments?*"):
        page.goto(address)
    answer = page.locator(".nbgrader_cell").filter(has=page.locator(f"#{WRITTEN}"))
    page.locator(f"#{WRITTEN}").fill("1.5")
    with page.expect_response("**/api/grade/*"):
        page.locator(f"#{WRITTEN}-comment").fill("Yes. And what then becomes of the gradient?")
    return bytes(answer.screenshot(animations="disabled"))


SHOTS: dict[str, Shot] = {
    "start-page": start_page,
    "check-failed": check_failed,
    "check-passed": check_passed,
    "trace": trace,
    "assignment-list": assignment_list,
    "feedback": feedback_page,
    "formgrader": formgrader,
    **PAGES,
}


def _window(page: Any, top: Any = None) -> bytes:
    if top is not None:
        top.evaluate("each => each.scrollIntoView()")
    return bytes(page.screenshot(animations="disabled"))


def _answer(scene: Scene, page: Any, asked: str, above: str | None = None) -> bytes:
    """The code cell in which `asked` stands, with its output, under the one with `above`."""
    page.set_viewport_size({"width": WIDTH, "height": TALLEST})
    lab.open_notebook(page, scene.student, f"{FIRST}/{FIRST}.ipynb")
    # Stops at a test that fails, which comes after what was asked.
    lab.command(page, "notebook:run-all-cells")
    cell = lab.code(page, asked)
    cell.locator(".jp-OutputArea-output").first.wait_for()
    if cell.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count():
        raise SystemExit(f"{asked} failed: {cell.inner_text()}")
    parts = ([] if above is None else [lab.code(page, above)]) + [cell]
    pictures = [Image.open(io.BytesIO(part.screenshot(animations="disabled"))) for part in parts]
    size = max(each.width for each in pictures), sum(each.height for each in pictures)
    whole, height = Image.new("RGB", size, "white"), 0
    for each in pictures:
        whole.paste(each, (0, height))
        height += each.height
    file = io.BytesIO()
    whole.save(file, "PNG")
    return file.getvalue()


def _save(name: str, picture: bytes) -> Path:
    """A page has few colours: a palette of 256 shows it, in a third of the bytes."""
    path = IMAGES / f"{name}.png"
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def main(names: list[str]) -> int:
    """Make the pictures of these names, or all, and return the exit status."""
    if unknown := set(names) - set(SHOTS):
        print(f"no picture is called {', '.join(sorted(unknown))}; there are {', '.join(SHOTS)}")
        return 2
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as root,
        browser.chromium() as started,
        ExitStack() as servers,
    ):
        scene = Scene(Path(root), started, servers)
        for name in names or SHOTS:
            with lab.tab(started, viewport={"width": WIDTH, "height": HEIGHT}) as (page, _):
                path = _save(name, SHOTS[name](scene, page))
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
