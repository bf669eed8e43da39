"""Rows as plain values, and back: the same on every database. Pure."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, ColumnClause, LargeBinary, Table, column
from sqlalchemy import table as plain_table
from sqlalchemy.sql.selectable import TableClause

from guichet.db.types import Json, UTCDateTime

# What a column holds → its type, its way out and its way in. Anything else is as JSON has it.
_KINDS: dict[str, tuple[Any, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "time": (UTCDateTime(), datetime.isoformat, datetime.fromisoformat),
    "bytes": (LargeBinary(), lambda b: base64.b64encode(b).decode(), lambda t: base64.b64decode(t, validate=True)),
    "json": (Json, lambda v: v, lambda v: v),
    "bool": (Boolean(), bool, bool),
}


@dataclass(frozen=True)
class Shape:
    """A table's name and its columns, each with the kind of what it holds ("" for what JSON
    has itself), in order."""

    name: str
    columns: tuple[tuple[str, str], ...]

    def out(self, row: Sequence[Any]) -> list[Any]:
        """A row as JSON has it."""
        return [
            value if value is None or not kind else _KINDS[kind][1](value)
            for value, (_, kind) in zip(row, self.columns, strict=True)
        ]

    def back(self, plain: Sequence[Any]) -> dict[str, Any]:
        """A row as the database takes it. Raises ValueError for what cannot be one."""
        return {
            name: value if value is None or not kind else _KINDS[kind][2](value)
            for value, (name, kind) in zip(plain, self.columns, strict=True)
        }

    def as_table(self) -> TableClause:
        """To insert into: what the schema was then, whatever the models are now."""
        columns: list[ColumnClause[Any]] = [
            column(name, _KINDS[kind][0]) if kind else column(name) for name, kind in self.columns
        ]
        return plain_table(self.name, *columns)


def shape_of(table: Table, without: frozenset[str] = frozenset()) -> Shape:
    """The shape of a table of the models, `without` some columns."""
    return Shape(table.name, tuple((c.name, _kind(c)) for c in table.columns if c.name not in without))


def _kind(of: Column[Any]) -> str:
    if isinstance(of.type, UTCDateTime):
        return "time"
    if isinstance(of.type, LargeBinary):
        return "bytes"
    if isinstance(of.type, Boolean):
        return "bool"
    return "json" if isinstance(of.type, JSON) else ""


def self_references(table: Table) -> list[str]:
    """Columns that name a row of the same table, which may come later in it."""
    return [c.name for c in table.columns if any(fk.column.table is table for fk in c.foreign_keys)]
