"""Bringing the schema up to date, with Alembic, on a connection of ours."""

from __future__ import annotations

import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from guichet.db.engine import open_engine

SCRIPTS = Path(__file__).resolve().parents[2] / "migrations"


def config_for(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    with engine.begin() as connection:
        command.upgrade(config_for(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        command.downgrade(config_for(connection), revision)


def is_current(engine: Engine) -> bool:
    """Whether the schema is the one that this program was written for."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_heads()
    return set(found) == set(ScriptDirectory.from_config(config_for()).get_heads())


def revision_of(connection: Connection) -> str:
    """The revision of the schema that stands there; "" where none does."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def is_known(revision: str) -> bool:
    """Whether this program has the migration to that revision."""
    return revision in {r.revision for r in ScriptDirectory.from_config(config_for()).walk_revisions()}


def write_revision(why: str) -> Path:
    """Write a migration from what the models have and the newest migration has not,
    found on an empty SQLite. A person reads it before it is committed."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/empty.sqlite3")
        upgrade(engine)
        with engine.begin() as connection:
            number = len(list((SCRIPTS / "versions").glob("[0-9]*.py"))) + 1
            made = command.revision(config_for(connection), why, autogenerate=True, rev_id=f"{number:04d}")
        engine.dispose()
    if made is None or isinstance(made, list):
        raise RuntimeError("Alembic wrote no single revision")
    return Path(made.path)
