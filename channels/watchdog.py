"""The deadline of a call, kept from outside of it: reading never returns while a server sends
one byte a second, so a thread of its own shuts the connection when the time is over."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import socket
import threading
import time


class Watchdog:
    """One thread that shuts connections whose call has outlived its deadline.

    What is watched is a duplicate of the socket: a connection that is put behind TLS
    later (HTTPS, STARTTLS) detaches the socket object that it was opened with.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._alive: dict[int, socket.socket] = {}
        self._fired: set[int] = set()
        self._ids = itertools.count()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self, sock: socket.socket, at: float) -> int:
        with self._wake:
            if self._thread is None or not self._thread.is_alive():  # also after a fork
                self._thread = threading.Thread(target=self._run, name="wire-deadlines", daemon=True)
                self._thread.start()
            token = next(self._ids)
            self._alive[token] = socket.socket(fileno=os.dup(sock.fileno()))
            heapq.heappush(self._heap, (at, token))
            if self._heap[0][1] == token:  # else it wakes soon enough by itself
                self._wake.notify()
            return token

    def release(self, token: int) -> bool:
        """Stop watching; True if the deadline had struck."""
        with self._wake:
            twin = self._alive.pop(token, None)
            if twin is not None:
                twin.close()
            fired = token in self._fired
            self._fired.discard(token)
            return fired

    def _run(self) -> None:
        while True:
            with self._wake:
                while self._heap and self._heap[0][1] not in self._alive:
                    heapq.heappop(self._heap)
                if not self._heap:
                    self._wake.wait(5)
                    continue
                at, token = self._heap[0]
                delay = at - time.monotonic()
                if delay > 0:
                    self._wake.wait(delay)
                    continue
                heapq.heappop(self._heap)
                self._fired.add(token)
                with self._alive.pop(token) as twin, contextlib.suppress(OSError):  # it may have just ended
                    twin.shutdown(socket.SHUT_RDWR)
