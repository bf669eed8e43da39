"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from channels.sentences import Sentence, from_json, to_json

# A 64-bit key; SQLite only numbers rows by itself for INTEGER PRIMARY KEY.
Id = BigInteger().with_variant(Integer, "sqlite")

Json = JSON().with_variant(JSONB(), "postgresql")


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime. SQLite would give back a naive one, and take any."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was about to be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ToldText(TypeDecorator[str]):
    """Why something is as it is, kept so that every reader gets it in their own language: a
    Sentence comes back as one, any other text as it was (cut to `LONGEST` characters)."""

    impl = Text
    cache_ok = True
    LONGEST = 2000
    _MARK = '{"say":'

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if isinstance(value, Sentence) and value.values:
            return json.dumps(to_json(value))
        plain = value.replace("\0", "").encode("utf-8", "replace").decode()[: self.LONGEST]
        # What only looks like a kept sentence must never be read as one.
        return json.dumps(to_json(Sentence("{words}", {"words": plain}))) if plain.startswith(self._MARK) else plain

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or not value.startswith(self._MARK):
            return value
        try:
            return from_json(json.loads(value))
        except (LookupError, ValueError, AttributeError, TypeError):
            return value


class Rows(TypeDecorator[Sequence[Mapping[str, Any]]]):
    """Rows as one JSON text, times as the database keeps them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return json.dumps(value, default=_sqlite_time if dialect.name == "sqlite" else _iso_time)


def _iso_time(value: object) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError(f"a {type(value).__name__} was about to be stored that is no aware datetime")
    return value.isoformat()


def _sqlite_time(value: object) -> str:
    return datetime.fromisoformat(_iso_time(value)).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
