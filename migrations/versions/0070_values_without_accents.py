"""what stands in custom fields is found without accents

Revision ID: 0070
Revises: 0073
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.inbox.field_rows import folded

revision = "0070"
down_revision = "0073"

_AT_ONCE = 1000


def upgrade() -> None:
    bind = op.get_bind()
    value = sa.table("field_value", *(sa.column(name) for name in ("id", "value", "folded")))
    change = value.update().where(value.c.id == sa.bindparam("row_id")).values(folded=sa.bindparam("anew"))
    last = 0
    while True:
        some = sa.select(value).where(value.c.id > last).order_by(value.c.id).limit(_AT_ONCE)
        rows = bind.execute(some).all()
        if not rows:
            return
        last = rows[-1].id
        anew = [{"row_id": r.id, "anew": folded(r.value)} for r in rows if folded(r.value) != r.folded]
        if anew:
            bind.execute(change, anew)


def downgrade() -> None:
    """What is found by more than its case is found as before once it is written again."""
