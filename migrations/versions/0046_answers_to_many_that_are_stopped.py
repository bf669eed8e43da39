"""answers to many that are stopped

Revision ID: 0046
Revises: 0054
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0054"


def upgrade() -> None:
    op.drop_index("ix_bulk_reply_row_queued", "bulk_reply_row")
    _index("ix_bulk_reply_row_to_do", "state IN ('queued', 'stopping')")


def downgrade() -> None:
    op.drop_index("ix_bulk_reply_row_to_do", "bulk_reply_row")
    _index("ix_bulk_reply_row_queued", "state = 'queued'")


def _index(name: str, where: str) -> None:
    rows = sa.text(where)
    op.create_index(
        name, "bulk_reply_row", ["bulk_id", "position"], postgresql_where=rows, sqlite_where=rows
    )  # fmt: skip
