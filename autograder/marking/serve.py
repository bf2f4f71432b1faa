"""Serves the pages of an assignment until the one who marks has had enough."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import webbrowser
from collections.abc import Callable
from socket import create_server, socket

from tornado.httpserver import HTTPServer

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.marking.server import HOST, LARGEST_REQUEST, Desk, application


def desk_for(course: Course, name: str, anonymous: bool = False) -> Desk:
    """An assignment ready to be marked.

    Raises: CourseError, when there is nothing to be marked, or the gradebook cannot be used.
    """
    desk = Desk(course, name, secrets.token_bytes(32) if anonymous else None)
    desk.saver  # noqa: B018  # what cannot be marked is said now and not at the first mark
    if not desk.answers():
        raise CourseError(f"nothing of {name} is graded yet: `workbook grade {name}` comes first")
    return desk


def listen(port: int = 0) -> socket:
    """Listen at a port of this machine alone, at any that is free without one.

    Raises: CourseError, when the port is taken.
    """
    try:
        listening = create_server((HOST, port))
    except OSError as error:
        raise CourseError(f"port {port} cannot be used: {os.strerror(error.errno or 0)}") from error
    listening.setblocking(False)
    return listening


async def serve(
    desk: Desk,
    listening: socket,
    said: Callable[[str], object],
    stop: asyncio.Event,
    browser: bool = False,
) -> None:
    """Serve until `stop` is set; `said` is given the address."""
    port = listening.getsockname()[1]
    server = HTTPServer(application(desk, port), max_body_size=LARGEST_REQUEST)
    server.add_socket(listening)
    address = f"http://{HOST}:{port}/?token={desk.token}"
    said(address)
    if browser:  # in a thread, as a browser that lives in the terminal returns when it is left
        asyncio.get_running_loop().run_in_executor(None, webbrowser.open, address)
    await stop.wait()
    server.stop()
    await server.close_all_connections()


def serve_until_interrupted(
    desk: Desk, said: Callable[[str], object], port: int = 0, browser: bool = True
) -> str:
    """Serve until Ctrl-C, and say how much is marked then.

    Raises: CourseError, when the port is taken, or the gradebook cannot be used any more.
    """
    logging.getLogger("tornado").setLevel(logging.ERROR)  # a refused request is no news
    listening = listen(port)

    async def until_interrupted() -> None:
        stop = asyncio.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
        await serve(desk, listening, said, stop, browser)

    asyncio.run(until_interrupted())
    answers = desk.answers()
    left = sum(each.marks.waits for each in answers)
    return f"{desk.name}: {len(answers) - left} of {len(answers)} answers are marked, {left} left."
