"""Somebody who uses a hub: by its pages and its HTTP API, and in a terminal of a server there."""

from __future__ import annotations

import json
import re
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import websocket

from tests.hub import Hub, session

LONGEST_ANSWER = 300
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()].)")


class User:
    """Somebody who has logged in."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.hub, self.name = hub, name
        with session() as page:
            # Without somewhere to go, the hub would start the user's server.
            login = f"{hub.url}/hub/login?next=/hub/token"
            page.get(login, timeout=60).raise_for_status()
            form = {"username": name, "password": "", "_xsrf": _xsrf(page)}
            tokens = page.post(login, data=form, timeout=60)
            tokens.raise_for_status()
            made = page.post(
                f"{hub.url}/hub/api/users/{name}/tokens",
                headers={"X-XSRFToken": _xsrf(page), "Referer": tokens.url},
                json={"note": "for the test"},
                timeout=60,
            )
            made.raise_for_status()
        self.headers = {"Authorization": f"token {made.json()['token']}"}

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """Ask the hub, or a server behind it."""
        with session() as asking:
            asking.headers.update(self.headers)
            return asking.request(method, f"{self.hub.url}{path}", timeout=LONGEST_ANSWER, **more)

    def server(self, owner: str = "") -> Server:
        """Start one's own server, or that of an account, and wait until it answers."""
        owner = owner or self.name
        self.ask("POST", f"/hub/api/users/{owner}/server").raise_for_status()
        # Ends when the server is there, or has failed.
        told = self.ask("GET", f"/hub/api/users/{owner}/server/progress").text
        assert '"ready": true' in told, f"{told}\n{self.hub.log.read_text()[-4000:]}"
        return Server(self, owner)


def _xsrf(page: requests.Session) -> str:
    """What the hub's forms are asked for."""
    return next(str(c.value) for c in page.cookies if c.name == "_xsrf" and c.path == "/hub/")


@dataclass(frozen=True)
class Server:
    """A server that answers `user`."""

    user: User
    owner: str

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """Ask the server."""
        return self.user.ask(method, f"/user/{self.owner}/{path}", **more)

    def get(self, path: str) -> Any:
        """What it answers, in JSON."""
        answer = self.ask("GET", path)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        """What it answers, in JSON; nbgrader's handlers say of their own whether it worked."""
        answer = self.ask("POST", path, json=body)
        answer.raise_for_status()
        return answer.json()

    def open(self, path: str) -> Any:
        """A file, as JupyterLab opens it: a notebook as an object, anything else as text."""
        return self.get(f"api/contents/{path}")["content"]

    def save(self, path: str, notebook: Any) -> None:
        """Save a notebook, as JupyterLab does."""
        body = {"type": "notebook", "format": "json", "content": notebook}
        self.ask("PUT", f"api/contents/{path}", json=body).raise_for_status()

    def run(self, command: str) -> tuple[int, str]:
        """Type a command into a new terminal, and return its status and what the screen shows."""
        name = self.post("api/terminals")["name"]
        address = f"{self.user.hub.url}/user/{self.owner}/terminals/websocket/{name}"
        where = urlsplit(address)
        assert where.hostname
        assert where.port
        # Connected here, so that no proxy of the environment is asked.
        connected = socket.create_connection((where.hostname, where.port), LONGEST_ANSWER)
        terminal = websocket.create_connection(
            address.replace("http", "ws", 1),
            socket=connected,
            header=[f"Authorization: {self.user.headers['Authorization']}"],
            timeout=LONGEST_ANSWER,
        )
        try:
            terminal.send(json.dumps(["set_size", 50, 200, 600, 1200]))
            # The line that is typed does not look like the one that is waited for.
            terminal.send(json.dumps(["stdin", f"{command}; echo status=$?=\r"]))
            shown, deadline = "", time.monotonic() + LONGEST_ANSWER
            while not (found := re.search(r"status=(\d+)=", shown)):
                assert time.monotonic() < deadline, shown
                kind, *text = json.loads(terminal.recv())
                shown += text[0] if kind == "stdout" else ""
        finally:
            terminal.close()
            self.ask("DELETE", f"api/terminals/{name}")
        return int(found[1]), ESCAPES.sub("", shown[: found.start()])
