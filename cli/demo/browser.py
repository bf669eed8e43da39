"""A signed-in session on our own API, as the pages have: cookie, CSRF token, JSON."""

from __future__ import annotations

import re
from typing import Any

import requests

from cli.output import Failed

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Browser:
    """Signs in on the plain page and speaks the JSON API. Raises Failed on a refusal."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def sign_in(self, email: str, password: str) -> None:
        page = self._session.get(f"{self.url}/sign-in", timeout=10)
        token = _TOKEN.search(page.text)
        answer = self._session.post(
            f"{self.url}/sign-in",
            data={"csrf_token": token.group(1) if token else "", "email": email, "password": password},
            headers={"Referer": f"{self.url}/sign-in"},
            timeout=20,
            allow_redirects=False,
        )
        if answer.status_code not in (302, 303):
            raise Failed(f"{email} cannot sign in: status {answer.status_code}")
        self._session.headers["X-CSRF-Token"] = self.get("/me")["csrf_token"]

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path, params=query)

    def post(self, path: str, body: Any = None) -> Any:
        return self._call("POST", path, json={} if body is None else body)

    def upload(self, name: str, data: bytes, **more: Any) -> Any:
        """Bring a file; what is known of it then."""
        return self._call("POST", "/media", files={"file": (name, data)}, data=more)

    def put(self, path: str, body: Any) -> Any:
        return self._call("PUT", path, json=body)

    def patch(self, path: str, body: Any) -> Any:
        return self._call("PATCH", path, json=body)

    def follow_back(self, url: str) -> int:
        """Come back from a consent page with this session; returns the account's id."""
        answer = self._session.get(url, timeout=30, allow_redirects=False)
        connected = re.search(r"connected=(\d+)", answer.headers.get("Location", ""))
        if connected is None:
            raise Failed(f"coming back from the network failed: {answer.status_code} {answer.text[:300]}")
        return int(connected.group(1))

    def _call(self, method: str, path: str, **more: Any) -> Any:
        answer = self._session.request(method, f"{self.url}/api/v1{path}", timeout=30, **more)
        if not answer.ok:
            raise Failed(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None
