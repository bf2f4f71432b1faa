"""A PostgreSQL server for the tests: on loopback, in a folder of its own, gone afterwards."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text

MISSING = "PostgreSQL is not installed here: sudo apt-get install postgresql"
OWNER = "instructor"
TRIES = 5


def binaries() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, which Debian keeps off the path; the newest of many."""
    on_path = shutil.which("pg_ctl")
    if on_path is not None:
        found = Path(on_path).resolve().parent
        if (found / "initdb").is_file():
            return found
    debian = [folder.parent for folder in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(debian, key=lambda folder: float(folder.parent.name), default=None)


def unprivileged() -> pwd.struct_passwd | None:
    """Whom the server runs as when root starts it, as it refuses to be root; else None."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


@dataclass(frozen=True)
class Server:
    """A server that accepts connections; the databases belong to a user who is no superuser."""

    admin: URL
    password: str
    data: Path

    def url(self, database: str, *, password: str | None = None) -> str:
        """The owner's URL of a database, which need not exist, with the right or another password.

        Names the driver, as `postgresql://` alone means another one in SQLAlchemy 2.0 and 2.1.
        """
        url = self.admin.set(username=OWNER, password=password or self.password, database=database)
        return url.render_as_string(hide_password=False)

    def execute(self, *statements: str) -> None:
        """Run statements as the superuser, each for itself."""
        engine = create_engine(self.admin, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                for statement in statements:
                    connection.execute(text(statement))
        finally:
            engine.dispose()


@contextmanager
def running() -> Iterator[Server]:
    """Make a cluster, start it, and at the end stop it and remove its folder."""
    folder = binaries()
    if folder is None:
        pytest.skip(MISSING)
    user = unprivileged()
    # Not pytest's folder: nobody but the one who runs the tests may enter that.
    home = Path(tempfile.mkdtemp(prefix="workbook-postgres-"))
    try:
        (home / "password").write_text(password := secrets.token_hex(16))
        if user is not None:
            for path in (home, home / "password"):
                os.chown(path, user.pw_uid, user.pw_gid)

        def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
            identity: dict[str, Any] = (
                {}
                if user is None
                else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            )
            return subprocess.run(
                [folder / program, "--pgdata", home / "data", *arguments],
                cwd=home,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                **identity,
            )

        done = run(
            "initdb",
            *("--username=postgres", "--pwfile=password", "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        )
        assert done.returncode == 0, done.stderr
        # Another program may take the free port before the server does.
        for _ in range(TRIES):
            port = _free_port()
            settings = (
                f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' "
                "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
            )
            done = run("pg_ctl", "start", "--wait", "--log=log", f"--options={settings}")
            if done.returncode == 0:
                break
        else:
            raise AssertionError(f"PostgreSQL does not start: {(home / 'log').read_text()}")
        try:
            admin = URL.create(
                "postgresql+psycopg", "postgres", password, "127.0.0.1", port, "postgres"
            )
            server = Server(admin, secrets.token_hex(16), home / "data")
            server.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{server.password}'")
            yield server
        finally:
            done = run("pg_ctl", "stop", "--wait", "--mode=immediate")
            assert done.returncode == 0, done.stderr
    finally:
        shutil.rmtree(home)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server for all tests of this process."""
    with running() as server:
        yield server


_numbers = count()


@pytest.fixture
def database(postgres: Server) -> str:
    """The URL of a new, empty database."""
    name = f"gradebook{next(_numbers)}"
    postgres.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
    return postgres.url(name)
