"""mastodon_mock, a server of Mastodon's API that is not ours, on loopback.

It lives in a virtual environment of its own (.make/real, from requirements/real.txt:
`make test-all` installs it). Where it is missing the tests are skipped and say so; in
CI they fail.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

COMMAND = Path(__file__).parents[2] / ".make" / "real" / "bin" / "mastodon_mock"
START_SECONDS = 30
CUSTOMER_TOKEN = "customer-token"
CONFIG = f"""
[[seed.accounts]]
username = "guichet"
access_token = "company-token"
[[seed.accounts]]
username = "ines"
access_token = "{CUSTOMER_TOKEN}"
[auth]
enforce_scopes = true
"""


@contextmanager
def mastodon_server(folder: Path) -> Iterator[str]:
    """Start the server with an empty database; gives its address."""
    _needed()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "mastodon_mock.toml"
    config.write_text(CONFIG)
    command = [COMMAND, "serve", "--in-memory", "--host", "127.0.0.1", "--port", str(port), "--config", config]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen([str(c) for c in command], cwd=folder, stdout=said, stderr=said)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process, folder / "said")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _needed() -> None:
    if COMMAND.exists():
        return
    reason = "mastodon_mock is not installed (make test-all does it, from requirements/real.txt)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _wait_for(url: str, process: subprocess.Popen[bytes], said: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(f"{url}/api/v2/instance", timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    pytest.fail(f"mastodon_mock did not start:\n{said.read_text(errors='replace')[-2000:]}")


def consent(authorize_url: str, username: str) -> dict[str, str]:
    """Pick an account on the consent page, as a browser would; gives the redirect's query."""
    home = "{0.scheme}://{0.netloc}".format(urlsplit(authorize_url))
    page = requests.get(authorize_url, timeout=5).text
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    answer = requests.post(
        f"{home}/oauth/authorize", data={**form, "username": username}, timeout=5, allow_redirects=False
    )
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


@dataclass(frozen=True)
class Customer:
    """Somebody who writes with plain requests."""

    url: str
    token: str = CUSTOMER_TOKEN

    def write(self, text: str, **more: Any) -> dict[str, Any]:
        return self._call("POST", "/api/v1/statuses", json={"status": text, **more})

    def edit(self, status_id: str, text: str) -> dict[str, Any]:
        return self._call("PUT", f"/api/v1/statuses/{status_id}", json={"status": text})

    def delete(self, status_id: str) -> None:
        self._call("DELETE", f"/api/v1/statuses/{status_id}")

    def notifications(self) -> list[dict[str, Any]]:
        return self._call("GET", "/api/v1/notifications")

    def thread(self, status_id: str) -> dict[str, Any]:
        return self._call("GET", f"/api/v1/statuses/{status_id}/context")

    def _call(self, method: str, path: str, **how: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.request(method, self.url + path, headers=headers, timeout=5, **how)
        answer.raise_for_status()
        return answer.json()
