"""The process of the live streams: gevent first, then everything else, so that every lock,
socket and wait belongs to it.

    python -m cli.live
"""

# ruff: noqa: E402 - what gevent replaces must not have been imported before
from __future__ import annotations

from gevent import monkey

monkey.patch_all()

from cli.environment import settings_or_exit, use_own_folder_if_there
from cli.web import serve

if __name__ == "__main__":
    use_own_folder_if_there()
    serve(settings_or_exit(), live_only=True)
