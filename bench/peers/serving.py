"""A peer's server, and the browser that asks it."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy.engine import make_url

PROCESSES = 2  # of each server; as many as there are clients


class Browser:
    """Somebody's browser: a connection that is kept where the server keeps it, and cookies."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self.cookies: dict[str, str] = {}
        self._asked_at = 0.0

    def get(self, path: str, expect: int = 200) -> str:
        return self._ask("GET", path, None, {}, expect)

    def post(self, path: str, fields: Mapping[str, str], expect: int = 200) -> str:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(fields).encode(), kind, expect)

    def send(self, path: str, body: bytes, headers: Mapping[str, str]) -> str:
        return self._ask("POST", path, body, headers, 200)

    def _ask(self, method: str, path: str, body: bytes | None, more: Mapping[str, str], expect: int) -> str:
        if time.monotonic() - self._asked_at > 1:
            self._connection.close()  # the server may have, in the turns of the others; the next request opens it
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookie, "Referer": f"http://{self.address}/", **more}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        said = answer.read().decode(errors="replace")
        self._asked_at = time.monotonic()
        for given in answer.msg.get_all("Set-Cookie", []):
            name, _, value = given.partition(";")[0].partition("=")
            self.cookies[name] = value
        if answer.status != expect:
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:500]!r}")
        return said


@contextmanager
def running(command: list[str], cwd: Path, environment: Mapping[str, str], port: int, log: Path) -> Iterator[None]:
    """The server in a process group of its own, ready; ended with its children, whatever happens."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **environment}, stdout=out, stderr=out, start_new_session=True
        )
    try:
        _await(port, process, log)
        yield
    except Exception as e:
        e.add_note(f"{log.name}: {log.read_text(errors='replace')[-2000:]}")
        raise
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        with suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        time.sleep(0.1)
    raise RuntimeError(f"port {port} does not answer: {log.read_text()[-2000:]}")


def postgres_environment(url: str) -> dict[str, str]:
    """The database of a URL as PostgreSQL's own programs are told of it."""
    at = make_url(url)
    given = {
        "PGHOST": str(at.query.get("host") or at.host),
        "PGPORT": str(at.port or ""),
        "PGUSER": at.username or "",
        "PGPASSWORD": at.password or "",
        "PGDATABASE": at.database or "",
    }
    return {name: value for name, value in given.items() if value}
