"""Empty databases for benchmarks, each dropped when it is done with."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url

from guichet.db.engine import open_engine
from tests.databases import postgres_url


@contextmanager
def fresh(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database, "PostgreSQL" or "SQLite" in `folder`."""
    if kind == "SQLite":
        yield f"sqlite:///{folder}/bench.sqlite3"
        return
    server, name = postgres_url(), f"bench_{secrets.token_hex(4)}"
    engine = open_engine(server)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
