"""The same desk as the inbox's tests."""

from __future__ import annotations

from tests.inbox.conftest import scene

__all__ = ["scene"]
