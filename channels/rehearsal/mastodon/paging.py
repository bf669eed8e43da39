"""Cutting lists into pages as the API does (docs.joinmastodon.org/api/guidelines#pagination)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import jsonify, request

from channels.rehearsal.store import Doc

_MOST = 40


def page_of(docs: list[Doc], shape: Callable[[Doc], Doc], usual: int, *, honours_min_id: bool = True) -> Any:
    """The page that the request asks for, newest first, `usual` long. `min_id` gives what
    follows it at once, `since_id` the newest after it."""
    asked = request.args
    limit = max(1, min(asked.get("limit", usual, type=int), _MOST))
    docs = sorted(docs, key=lambda d: _order(d["id"]))
    if "max_id" in asked:
        docs = [d for d in docs if _order(d["id"]) < _order(asked["max_id"])]
    if "since_id" in asked:
        docs = [d for d in docs if _order(d["id"]) > _order(asked["since_id"])]
    if "min_id" in asked and honours_min_id:
        docs = [d for d in docs if _order(d["id"]) > _order(asked["min_id"])][:limit]
    page = docs[-limit:][::-1]
    response = jsonify([shape(d) for d in page])
    if page:
        response.headers["Link"] = ", ".join(
            f'<{request.base_url}?{urlencode({"limit": limit, name: edge["id"]})}>; rel="{rel}"'
            for name, edge, rel in (("max_id", page[-1], "next"), ("min_id", page[0], "prev"))
        )
    return response


def _order(id_: str) -> tuple[int, str]:
    return len(id_), id_
