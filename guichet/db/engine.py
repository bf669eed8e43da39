"""Engines: one per process, made by the edges."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from guichet.db import dialect


def open_engine(url: str, *, pool_size: int = 8) -> Engine:
    """An engine for `url` with what the database needs set on every connection.

    `postgres://` and `postgresql://` both mean psycopg 3. Values never stand in the text of
    an error: they are what customers wrote, and secrets.
    """
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, hide_parameters=True, poolclass=None if parsed.database else NullPool)
        dialect.prepare_sqlite(engine)
        return engine
    return create_engine(
        parsed,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3},
    )
