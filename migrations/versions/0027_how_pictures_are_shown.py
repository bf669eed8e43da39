"""what is shown of a picture in a post

Revision ID: 0027
Revises: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("variant_media", sa.Column("frame", Json, nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("variant_media") as table:
        table.drop_column("frame")
