"""A JupyterHub for the tests: on loopback, with users of the machine that only it sees.

Hub and servers run in a mount namespace of their own, in which `/srv` is a folder of the test and
`/etc/passwd` has some lines more. So the documents' configuration is loaded as it stands, and
nothing is left behind: no user, no file.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests

from tests.harness import ROOT

CONFIGURATIONS = ROOT / "docs" / "jupyterhub"
LONGEST_START = 120
LONGEST_END = 30
TRIES = 3
FIRST_USER = 64801
# What a test needs besides the documents' configuration: a login without passwords, free ports,
# and patience on a machine that does much else.
OF_THE_TEST = """
load_subconfig({config!r})
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{ports[1]}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"
c.ConfigurableHTTPProxy.command = ["configurable-http-proxy", "--proxy-timeout=300000"]
c.Spawner.start_timeout = c.Spawner.http_timeout = 300
"""
# Without other users of the machine: the same, with servers that all run as the one there is.
OF_ONE_USER = """
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "/srv/home/{username}"
c.Spawner.args.append("--allow-root")
"""


@dataclass(frozen=True)
class Machine:
    """What the hub's processes see as `/srv` and `/etc/passwd`, and the users by their numbers.

    `alone` says why all of these are one user; it is empty where each is a user of the machine.
    """

    srv: Path
    passwd: Path
    users: dict[str, int]
    alone: str

    def command(self, *command: str) -> list[str]:
        """The command, in these surroundings; what it starts ends with it."""
        arguments = ["--die-with-parent", "--unshare-pid", "--dev-bind", "/", "/"]
        if os.geteuid() == 0:
            # Root stays root there, or it could not become the others.
            arguments += ["--cap-add", "ALL", *_passable()]
            # Bubblewrap would cover parts of it, and then the sandbox could not make its own.
            command = ("sh", "-c", 'mount -t proc proc /proc && exec "$@"', "sh", *command)
        else:
            arguments += ["--proc", "/proc"]
        arguments += ["--bind", str(self.srv), "/srv"]
        arguments += ["--ro-bind", str(self.passwd), "/etc/passwd", "--chdir", "/srv"]
        return ["bwrap", *arguments, "--", *command]

    def home(self, user: str) -> Path:
        """The home folder of a user, from outside."""
        return self.srv / "home" / user

    def give(self, user: str, folder: Path) -> None:
        """Make a folder and all in it the user's own, closed to others."""
        folder.chmod(0o700)
        if not self.alone:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.users[user], self.users[user])


@dataclass(frozen=True)
class Hub:
    """A hub that answers."""

    url: str
    machine: Machine
    log: Path


@contextmanager
def machine(users: Sequence[str]) -> Iterator[Machine]:
    """A folder for all that the hub's users have, with an exchange and a home for each."""
    pytest.importorskip("jupyterhub", reason="JupyterHub is not installed")
    if not (sys.platform == "linux" and shutil.which("bwrap") and Path("/srv").is_dir()):
        pytest.skip("the hub's test needs Linux, bubblewrap and a folder /srv")
    inside = [path for path in (ROOT, Path(sys.prefix)) if path.resolve().is_relative_to("/srv")]
    if inside:
        pytest.skip(f"the hub's test puts a folder of its own over /srv, which has {inside[0]}")
    # Not pytest's folder: nobody but the one who runs the tests may enter that.
    folder = Path(tempfile.mkdtemp(prefix="workbook-hub-"))
    folder.chmod(0o755)
    try:
        srv, passwd = folder / "srv", folder / "passwd"
        nbgrader = srv / "nbgrader"
        for path in (srv, srv / "home", nbgrader, nbgrader / "config", nbgrader / "exchange"):
            path.mkdir()
            path.chmod(0o1777 if path.name == "exchange" else 0o755)
        taken = {each.pw_uid for each in pwd.getpwall()}
        free = (uid for uid in range(FIRST_USER, 65000) if uid not in taken)
        made = Machine(srv, passwd, dict(zip(users, free, strict=False)), "")
        _write_passwd(made)
        if alone := _why_alone(made):
            made = Machine(srv, passwd, dict.fromkeys(users, os.geteuid()), alone)
            _write_passwd(made)
        done = subprocess.run(made.command("true"), capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no mount namespace can be made here: {done.stderr.strip()}")
        for user in users:
            made.home(user).mkdir()
            made.give(user, made.home(user))
        yield made
    finally:
        shutil.rmtree(folder)


def _write_passwd(machine: Machine) -> None:
    """The machine's own users, but for one whose number ours have, and ours."""
    others = [
        line
        for line in Path("/etc/passwd").read_text().splitlines()
        if line.split(":")[2:3] != [str(os.geteuid())] or os.geteuid() not in machine.users.values()
    ]
    ours = [
        f"{user}:x:{uid}:{uid}::/srv/home/{user}:/bin/sh" for user, uid in machine.users.items()
    ]
    machine.passwd.write_text("\n".join([*others, *ours, ""]))
    machine.passwd.chmod(0o644)


def _passable() -> list[str]:
    """Python and this clone, put before folders on their way that are closed to others."""
    arguments: list[str] = []
    for path in sorted({Path(each).resolve() for each in (ROOT, sys.prefix, sys.base_prefix)}):
        way = [*reversed(path.parents), path]
        closed = [folder for folder in way if not folder.stat().st_mode & 0o001]
        if closed:
            arguments += [] if str(closed[0]) in arguments else ["--tmpfs", str(closed[0])]
            for folder in way[way.index(closed[0]) + 1 :]:
                arguments += ["--perms", "0755", "--dir", str(folder)]
            arguments += ["--ro-bind", str(path), str(path)]
    return arguments


def _why_alone(machine: Machine) -> str:
    """Why no process here can become another user that reads this clone; empty where it can."""
    if os.geteuid() != 0:
        return "only root can start servers of several users of the machine"
    uid = next(iter(machine.users.values()))
    as_another = (
        f"import os, sys; os.setgid({uid}); os.setuid({uid}); "
        "os.execv(sys.executable, [sys.executable, '-c', 'import autograder, jupyterhub.app'])"
    )
    done = subprocess.run(
        machine.command(sys.executable, "-c", as_another),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    last = (done.stderr.strip().splitlines() or [""])[-1]
    return f"another user cannot run what is here: {last}" if done.returncode else ""


def session() -> requests.Session:
    """Asks this machine, without a proxy that the environment may name."""
    made = requests.Session()
    made.trust_env = False
    return made


@contextmanager
def running(machine: Machine, configuration: str) -> Iterator[Hub]:
    """Start the hub with a configuration of the documents; at the end nothing of it runs."""
    home = machine.srv / "hub"
    home.mkdir()
    log = home / "log"
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("JUPYTER")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": "/srv/hub",
    }
    for _ in range(TRIES):
        ports = _free_ports(3)
        text = OF_THE_TEST.format(config=str(CONFIGURATIONS / configuration), ports=ports)
        (home / "config.py").write_text(text + (OF_ONE_USER if machine.alone else ""))
        with log.open("w") as output:
            process = psutil.Popen(
                machine.command(
                    *("sh", "-c", 'cd /srv/hub && exec "$@"', "sh"),
                    *(sys.executable, "-m", "jupyterhub", "--config=config.py"),
                ),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            url = f"http://127.0.0.1:{ports[0]}"
            if _answers(url, process):
                yield Hub(url, machine, log)
                return
        finally:
            _end(process)
    raise AssertionError(f"the hub does not start: {log.read_text()[-4000:]}")


def _answers(url: str, process: psutil.Popen) -> bool:
    """Whether the hub is there, through its proxy, before it ends or the time is over."""
    deadline = time.monotonic() + LONGEST_START
    with session() as asking:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if asking.get(f"{url}/hub/api/", timeout=10).ok:
                    return True
            except requests.ConnectionError:
                pass
            time.sleep(0.1)
    return False


def _end(process: psutil.Popen) -> None:
    """End the namespace of processes that the hub, its proxy and its servers are in."""
    if process.poll() is None:
        family = [process, *process.children(recursive=True)]
        process.kill()
        _, left = psutil.wait_procs(family, timeout=LONGEST_END)
        assert left == []


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
