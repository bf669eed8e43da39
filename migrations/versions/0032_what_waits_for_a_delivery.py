"""what waits for a delivery is found by it

Revision ID: 0032
Revises: 0031
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
_NAMED = sa.text("predecessor_id IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_delivery_behind", "delivery", ["predecessor_id"], postgresql_where=_NAMED, sqlite_where=_NAMED)


def downgrade() -> None:
    op.drop_index("ix_delivery_behind", "delivery")
