"""An extension of the Jupyter server: it shows the guide, and opens a notebook from there.

`workbook start` and the hub's settings switch it on, in jupyter_server_config.d. Kernels are told
where the guide is by a variable of their environment, JupyterLab by its page's configuration.
"""

from __future__ import annotations

import json
import os
from html import escape
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_escape, url_path_join
from tornado.web import StaticFileHandler, authenticated

from workbook import material
from workbook.guiding.passages import folder, tells_of
from workbook.guiding.pointer import ADDRESS

# Where a student's notebooks are below what the server shows: there, or in a folder or two.
BELOW = ("", "*/", "*/*/")


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "workbook.guiding.served"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Add the pages to a running server; where there is no guide, add none."""
    place = folder()
    told = {_title(name): name for name in material.names() if tells_of(name)}
    if place is None or not told:  # none was built, or the course is another than this workbook
        return
    settings = server.web_app.settings
    base = url_path_join(settings["base_url"], "workbook")
    shows = {"path": str(place), "default_filename": "index.html"}
    server.web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base, "guide", "(.*)"), GuideHandler, shows),
            (url_path_join(base, "open", "([^/]+)"), OpenHandler),
        ],
    )
    os.environ[ADDRESS] = url_path_join(base, "guide/")
    settings.setdefault("page_config_data", {})["workbookGuide"] = {
        "address": os.environ[ADDRESS],
        "notebooks": {**told, **_first()},
    }


def _first() -> dict[str, str]:
    """The page to start with, of which the guide tells everywhere."""
    page = material.folder() / material.START
    if not page.is_file():
        return {}
    about = json.loads(page.read_text(encoding="utf-8"))["metadata"].get("workbook", {})
    return {str(about.get("title")): ""}


def _title(name: str) -> str:
    return str(material.released(name)["metadata"].get("workbook", {}).get("title", name))


class GuideHandler(JupyterHandler, StaticFileHandler):
    """The guide's files, for whoever may use this server."""

    @authenticated
    async def get(self, path: str, include_body: bool = True) -> None:  # type: ignore[override]
        """Answer with a file."""
        await StaticFileHandler.get(self, path, include_body)


class OpenHandler(JupyterHandler):
    """A notebook by its name, in JupyterLab."""

    @authenticated
    def get(self, name: str) -> None:
        """Lead to the student's own copy, wherever it lies below what this server shows."""
        root = Path(self.settings["server_root_dir"]).expanduser()
        if name not in material.names():
            self._say(f"There is no notebook {name}.")
        elif found := _below(root, name):
            path = url_escape(found.relative_to(root).as_posix())
            self.redirect(url_path_join(self.base_url, "lab", "tree", path))
        else:
            self._say(
                f"{name} is in no folder here. In a terminal of JupyterLab, `workbook start "
                "--no-lab` puts it into one."
            )

    def _say(self, sentence: str) -> None:
        self.set_status(404)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(f"<!doctype html><title>Not found</title><p>{escape(sentence)}</p>")


def _below(root: Path, name: str) -> Path | None:
    return next((at for each in BELOW for at in root.glob(f"{each}{name}/{name}.ipynb")), None)
