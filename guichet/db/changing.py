"""Changes by statement whose count of rows is the answer: whether a turn was taken, how many went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Update
from sqlalchemy.orm import Session


def change_rows(session: Session, statement: Update | Delete, values: Mapping[str, Any] | None = None) -> int:
    """How many rows the statement changed, with `values` for its parameters."""
    done = session.execute(statement, values)
    return cast(CursorResult[Any], done).rowcount  # SQLAlchemy's type is the one of a SELECT's result
