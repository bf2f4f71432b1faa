"""A Jupyter extension: nbgrader's formgrader gets a link to the report, made when it is opened.

It does nothing where there is no formgrader, as at the student's desk.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "autograder.formgrader"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Nothing yet: the formgrader may be loaded after this."""


async def _start_jupyter_server_extension(server: Any) -> None:
    if "nbgrader_formgrader" in server.web_app.settings:
        from autograder.formgrader.link import add_link

        add_link(server.web_app)
