"""The reading transaction of a request: one for who asks and for what they are answered, so that
a page waits for one connection and not for two.

It begins with the first look and ends before anything is sent. What writes, or calls a network,
has ended it before it begins: nobody waits for a second connection with the first in hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from flask import Flask, g
from sqlalchemy.orm import Session

from guichet.runtime import Runtime


def reading(runtime: Runtime) -> Session:
    """The transaction of this request, begun if it has not been."""
    begun: tuple[Session, ExitStack] | None = g.get("reading")
    if begun is None:
        with ExitStack() as stack:
            session = stack.enter_context(runtime.reading())
            begun = g.reading = session, stack.pop_all()
    return begun[0]


@contextmanager
def answering(runtime: Runtime) -> Iterator[Session]:
    """The transaction of this request, to answer from: it ends with the block."""
    session = reading(runtime)
    _, stack = g.pop("reading")
    with stack:
        yield session


def end_reading(error: Exception | None = None) -> None:
    """Give the connection back, if there is one. `error`: what became of it."""
    _, stack = g.pop("reading", (None, None))
    if stack is not None:
        stack.__exit__(type(error) if error else None, error, None)


def end_with_requests(app: Flask) -> None:
    """Also where the gate, or what was asked, refuses what would have been read."""

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        end_reading()
