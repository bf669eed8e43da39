"""The declarative base, with names for every constraint so that migrations can find them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, cast

from sqlalchemy import ForeignKey, Index, MetaData, String, Table, Text, text
from sqlalchemy.orm import DeclarativeBase, mapped_column

from guichet.db.types import Id, Json, ToldText, UTCDateTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Key = Annotated[int, mapped_column(Id, primary_key=True, autoincrement=True)]
Short = Annotated[str, mapped_column(String(300))]
RemoteId = Annotated[str, mapped_column(String(600))]
Long = Annotated[str, mapped_column(Text)]
Told = Annotated[str, mapped_column(ToldText)]  # a sentence for people, said in the reader's language


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: Id,
        datetime: UTCDateTime,
        dict[str, Any]: Json,
        list[Any]: Json,
        str: Text,
    }


def table_of(model: type[Base]) -> Table:
    """The table of a model, for the statements that go by rows and not by objects."""
    return cast(Table, model.__table__)  # SQLAlchemy's type allows for joins, which no model of ours is


def ref(target: str, **kw: Any) -> Any:
    """A foreign key column: `ref("staff.id", nullable=True)`."""
    return mapped_column(Id, ForeignKey(target), **kw)


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows that satisfy `where`, on both databases."""
    return Index(name, *columns, unique=unique, postgresql_where=text(where), sqlite_where=text(where))
