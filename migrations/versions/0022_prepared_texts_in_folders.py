"""prepared texts in folders and languages, for as long as they hold

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("canned_reply", sa.Column("folder", sa.String(300), nullable=False, server_default=""))
    op.add_column("canned_reply", sa.Column("translations", Json, nullable=False, server_default="{}"))
    op.add_column("canned_reply", sa.Column("valid_from", sa.Date(), nullable=True))
    op.add_column("canned_reply", sa.Column("valid_until", sa.Date(), nullable=True))


def downgrade() -> None:
    for name in ("valid_until", "valid_from", "translations", "folder"):
        op.drop_column("canned_reply", name)
