"""How Sphinx makes the guide: offline, every number by code, a warning is an error."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # the modules of making/
sys.path.append(str(HERE.parent.parent))  # the book's own, where it is not installed

from sphinx.application import Sphinx  # noqa: E402

import autograder  # noqa: E402
import workbook.checking.quick_start  # noqa: E402, F401  # before myst-nb imports nbformat
from workbook.demo.opening import open_page  # noqa: E402

ROOT = Path(autograder.__file__).parents[1]
# The pages' own code runs in other processes, finds the same modules, and starts as quickly.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(
        None,
        [str(HERE), str(ROOT), str(ROOT / "tests" / "quick"), os.environ.get("PYTHONPATH", "")],
    )
)

project = "Transformer Workbook"
author = "The Transformer Workbook authors"
copyright = "the Transformer Workbook authors, CC BY 4.0"
release = autograder.__version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx_design",
    "making.mathml",
    "making.fresh",
    "making.exercises",
    "making.glossary",
    "making.study",
    "making.formulas",
    "making.checkpoints",
    "making.concept_map",
    "making.counted",
]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "making", "jupyter_execute", ".jupyter_cache", "**.ipynb_checkpoints"]
nitpicky = True

# What has run is run again only where the page or what it counts changed (see making/fresh.py); a
# cell that fails fails the build.
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "executed")
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_execution_show_tb = True
nb_merge_streams = True

html_theme = "sphinx_book_theme"
html_title = "Transformer Workbook: the guide"
html_static_path = ["_static"]
html_css_files = ["guide.css"]
html_js_files = [("opens.js", {"defer": "defer"})]
html_copy_source = False
html_show_sourcelink = False
html_math_renderer = "mathml"
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "home_page_in_toc": True,
    "show_navbar_depth": 1,
}


def setup(app: Sphinx) -> None:
    """Put the demo beside the pages, which lead to it."""

    def demo_beside(app: Sphinx, error: Exception | None) -> None:
        if error is None:
            open_page(Path(app.outdir) / "demo.html")

    app.connect("build-finished", demo_beside)
