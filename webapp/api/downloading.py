"""Tables as downloads: no browser shows, caches or guesses at them."""

from __future__ import annotations

from flask import Response

_TABLES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
TABLE = {"description": "The table", "content": {kind: {} for kind in _TABLES.values()}}


def download(data: bytes, name: str) -> Response:
    """The table `data` under a name that ends in its form, csv or xlsx."""
    response = Response(data, content_type=_TABLES[name.rsplit(".", 1)[1]])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
