"""What a request's body may be. Refuses what is larger than anything that this address has
use for, and JSON that is nested so deeply that reading it would break the reader."""

from __future__ import annotations

from typing import Any

from flask import Request
from werkzeug.exceptions import BadRequest

LARGEST_FILE = 64 * 1024 * 1024 + 64 * 1024  # bytes: an upload, and what a form puts around it
LARGEST = 4 * 1024 * 1024  # bytes of everything else
LARGEST_TABLE = 16 * 1024 * 1024  # bytes: a table of posts, as a file or as its rows
LARGEST_ARCHIVE = 256 * 1024 * 1024 + 512 * 1024  # bytes: files of many posts in one ZIP
_UPLOADS = "/api/v1/media"
_ARCHIVES = "/api/v1/imports/unpack"
_TABLES = frozenset({"/api/v1/imports", "/api/v1/imports/read", "/api/v1/imports/check"})


class Asking(Request):
    """A request whose body is bounded before it is read."""

    @property
    def max_content_length(self) -> int | None:
        """Bytes that will be read; more is 413."""
        if self.path == _UPLOADS:
            return LARGEST_FILE
        if self.path == _ARCHIVES:
            return LARGEST_ARCHIVE
        return LARGEST_TABLE if self.path in _TABLES else LARGEST

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        raise AttributeError("the address decides")

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """As Flask's; what is nested too deeply is a bad request like any other."""
        try:
            return super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            raise BadRequest("the JSON is nested too deeply") from None
