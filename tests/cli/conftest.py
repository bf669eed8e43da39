"""The `guichet` command in the test's own process, on a database of its own."""

from __future__ import annotations

import base64
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from alembic import command
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cli.main import main
from guichet.config import read_settings
from guichet.db.migrate import config_for
from guichet.runtime import Runtime, open_runtime
from tests import databases
from tests.workers.stage import SECRET

KEYS = f"k1:{base64.b64encode(SECRET).decode()}"


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    @property
    def failure(self) -> Any:
        """The JSON document on standard error."""
        return json.loads(self.err)


@dataclass
class Guichet:
    """`guichet WORDS`, and the rows behind it."""

    engine: Engine
    folder: Path

    def __call__(self, *words: str, stdin: str | bytes = "") -> Said:
        typed = stdin.encode() if isinstance(stdin, str) else stdin
        out, err, before = io.StringIO(), io.StringIO(), sys.stdin
        sys.stdin = io.TextIOWrapper(io.BytesIO(typed))
        try:
            with redirect_stdout(out), redirect_stderr(err):
                status = main(words)
        finally:
            sys.stdin = before
            structlog.reset_defaults()
        return Said(int(status), out.getvalue(), err.getvalue())

    def json(self, *words: str, stdin: str | bytes = "") -> Any:
        """The document of a command that must succeed."""
        said = self("--json", *words, stdin=stdin)
        assert (said.status, said.err) == (0, ""), said
        return said.document

    @contextmanager
    def rows(self) -> Iterator[Session]:
        """A transaction of the test's own, committed at the end."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def runtime(self) -> Runtime:
        return open_runtime(read_settings(os.environ))


def assert_one_clear_line(said: Said) -> None:
    """What a person who typed something wrong gets: a sentence, no traceback, nothing else."""
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.startswith("guichet: ")
    rest = said.err.splitlines()[1:]
    assert all(line.startswith("  ") for line in rest), said.err


@contextmanager
def stamped(engine: Engine) -> Iterator[None]:
    """Say that the schema, made from the models, is that of the newest migration."""
    with engine.begin() as connection:
        command.stamp(config_for(connection), "head")
    yield
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")


def use_environment(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    """Exactly these settings, whatever the machine has."""
    for name in [n for n in os.environ if n.startswith("GUICHET_")]:
        monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(f"GUICHET_{name}", value)


@pytest.fixture
def both(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guichet]:
    """On SQLite and on PostgreSQL."""
    url = engine.url.render_as_string(hide_password=False).replace("postgresql+psycopg", "postgresql")
    redis = f"unix://{tmp_path}/nowhere.sock"  # nothing may depend on it
    use_environment(monkeypatch, DATA_DIR=str(tmp_path), SECRET_KEYS=KEYS, DATABASE_URL=url, REDIS_URL=redis)
    with stamped(engine):
        yield Guichet(engine, tmp_path)


@pytest.fixture
def guichet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guichet]:
    """On SQLite: for what does not depend on the database."""
    with databases.sqlite_engine() as engine, stamped(engine):
        redis = f"unix://{tmp_path}/nowhere.sock"
        use_environment(
            monkeypatch, DATA_DIR=str(tmp_path), SECRET_KEYS=KEYS, DATABASE_URL=str(engine.url), REDIS_URL=redis
        )
        yield Guichet(engine, tmp_path)
