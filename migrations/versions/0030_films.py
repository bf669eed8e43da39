"""what was found in films

Revision ID: 0030
Revises: 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("media", sa.Column("film", Json, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("media", "film")
