"""how mails look: their HTML with tables and colours, and pictures that were loaded for it

Mails from before it have none: of them the HTML without either is shown.

Revision ID: 0061
Revises: 0059
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json

revision = "0061"
down_revision = "0059"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "message_layout",
        sa.Column("message_id", _whole, nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("is_coloured", sa.Boolean(), nullable=False),
        sa.Column("pictures", Json, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_message_layout_message_id_message")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message_layout")),
    )
    op.create_table(
        "mail_picture",
        sa.Column("message_id", _whole, nullable=False),
        sa.Column("digest", sa.String(300), nullable=False),
        sa.Column("storage_key", sa.String(300), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "digest", name=op.f("pk_mail_picture")),
    )
    op.create_index(op.f("ix_mail_picture_kept_at"), "mail_picture", ["kept_at"])


def downgrade() -> None:
    op.drop_table("mail_picture")
    op.drop_table("message_layout")
