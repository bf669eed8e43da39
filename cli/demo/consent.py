"""Clicks through a rehearsal network's consent page, as a person in a browser would."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

from cli.output import Failed


class _Form(HTMLParser):
    """The first form of a page: where it goes, what it carries, and whom one can be."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}
        self.people: list[tuple[str, str]] = []  # value of the choice, text beside it
        self._choice = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {k: v or "" for k, v in attrs}
        if tag == "form":
            self.action = given.get("action", "")
        elif tag == "input" and given.get("type") == "hidden":
            self.hidden[given["name"]] = given.get("value", "")
        elif tag == "input" and given.get("type") == "radio":
            self._choice = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._choice and data.strip():
            self.people.append((self._choice, data.strip()))
            self._choice = ""


def authorize(authorize_url: str, handle: str) -> str:
    """Consent as the user whose `@handle` stands on the page; returns the redirect back."""
    session = requests.Session()
    page = session.get(authorize_url, timeout=10)
    if not page.ok:
        raise Failed(f"the consent page answered {page.status_code}")
    form = _Form()
    form.feed(page.text)
    user = next((value for value, text in form.people if f"@{handle.lower()}" in text.lower()), None)
    if user is None:
        raise Failed(f"the consent page does not offer @{handle}")
    answer = session.post(
        urljoin(page.url, form.action) if form.action else page.url,
        data={**form.hidden, "user": user, "decision": "authorize"},
        timeout=10,
        allow_redirects=False,
    )
    location = answer.headers.get("Location", "")
    if not location:
        raise Failed(f"the consent page did not lead back: {answer.status_code}")
    return location
