"""how many follow a customer on their network

Revision ID: 0073
Revises: 0069
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Id

revision = "0073"
down_revision = "0069"


def upgrade() -> None:
    op.add_column("identity", sa.Column("followers", Id))


def downgrade() -> None:
    op.drop_column("identity", "followers")
