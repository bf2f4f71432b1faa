"""The link in the formgrader's list of pages, and the report that it leads to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from markupsafe import escape
from tornado.web import authenticated

from autograder.course.course import Course
from autograder.errors import WorkbookError
from autograder.report.page import page
from autograder.report.report import report, title

PATH = "workbook/report"
ENTRY = f'\n<li role="presentation"><a href="{{{{ base_url }}}}/{PATH}">Report</a></li>'
# The last of the entries that each of nbgrader's pages has, in templates of its own.
LAST = re.compile(r"<li[^>]*><a [^>]*>Manage Students</a></li>")
PLAIN = "default-src 'none'; style-src 'unsafe-inline'"


def add_link(web_app: Any) -> None:
    """Add the entry to the formgrader of a running server, and the page behind it."""
    environment: Environment = web_app.settings["nbgrader_jinja2_env"]
    assert environment.loader is not None
    environment.loader = _WithEntry(environment.loader)
    address = url_path_join(web_app.settings["base_url"], PATH)
    web_app.add_handlers(".*$", [(address, ReportHandler)])


class _WithEntry(BaseLoader):
    """nbgrader's templates, with one entry more in the list of pages."""

    def __init__(self, nbgraders: BaseLoader) -> None:
        self._nbgraders = nbgraders

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        """The text of a template."""
        text, file, is_fresh = self._nbgraders.get_source(environment, template)
        return LAST.sub(lambda found: found[0] + ENTRY, text), file, is_fresh


class ReportHandler(JupyterHandler):
    """The report on the formgrader's course, as it is now."""

    @authenticated
    async def get(self) -> None:
        """Answer with the page, or with a sentence that says why there is none."""
        root = Path(self.settings["nbgrader_formgrader"].coursedir.root)
        try:
            text = await asyncio.to_thread(_page, root)
        except WorkbookError as error:
            self.set_status(500)
            text = f"<!doctype html><title>No report</title><p>{escape(str(error))}</p>"
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", PLAIN)
        await self.finish(text)


def _page(root: Path) -> str:
    course = Course(root)
    return page(report(course, list(course.assignments)), title(course))
