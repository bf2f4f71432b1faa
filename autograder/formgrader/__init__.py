"""A Jupyter extension: nbgrader's formgrader gets a link to the report, made when it is opened.

It does nothing where there is no formgrader, as at the student's desk.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "autograder.formgrader"}]


def _load_jupyter_server_extension(server: Any) -> None:
    from tornado.ioloop import IOLoop

    def install() -> None:
        if "nbgrader_formgrader" in server.web_app.settings:
            from autograder.formgrader.link import add_link

            add_link(server.web_app)

    # The formgrader may be loaded after this; all extensions are once the loop runs.
    IOLoop.current().add_callback(install)
