"""Listening to one account's calls without touching them: whoever keeps count hears of each
exchange after it is over, and nothing that goes wrong there undoes a send."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import BaseAdapter

from channels.errors import OutcomeUnknown
from channels.metering import Exchange, Listener

log = logging.getLogger(__name__)


class Heard(BaseAdapter):
    """An adapter in front of `inner`, whose connections it shares."""

    def __init__(self, inner: BaseAdapter, listener: Listener) -> None:
        super().__init__()
        self._inner, self._listener = inner, listener

    def send(self, request: requests.PreparedRequest, **kw: Any) -> requests.Response:  # type: ignore[override]
        url = request.url or ""  # before it is diverted to a rehearsal
        try:
            response = self._inner.send(request, **kw)
        except OutcomeUnknown:
            self._tell(request, url, 0, {}, b"")
            raise
        self._tell(request, url, response.status_code, response.headers, response.content)
        return response

    def _tell(
        self, request: requests.PreparedRequest, url: str, status: int, headers: Mapping[str, str], answer: bytes
    ) -> None:
        sent = request.body if isinstance(request.body, bytes | str) else None
        try:
            self._listener(Exchange(request.method or "", url, status, headers, sent, answer))
        except Exception as e:
            log.warning("an exchange was not counted: %s", type(e).__name__)

    def close(self) -> None:
        """The pool behind it is everybody's."""
