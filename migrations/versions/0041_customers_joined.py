"""customers joined over networks, and notes about them

Revision ID: 0041
Revises: 0038
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json

revision = "0041"
down_revision = "0038"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "customer_join",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("kept_id", _whole, nullable=False),
        sa.Column("gone_id", _whole, nullable=False),
        sa.Column("identity_ids", Json, nullable=False),
        sa.Column("before", Json, nullable=False),
        sa.Column("staff_id", _whole, nullable=True),
        sa.Column("at", _moment, nullable=False),
        sa.Column("undone_at", _moment, nullable=True),
        sa.ForeignKeyConstraint(["kept_id"], ["customer.id"], name=op.f("fk_customer_join_kept_id_customer")),
        sa.ForeignKeyConstraint(["gone_id"], ["customer.id"], name=op.f("fk_customer_join_gone_id_customer")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_customer_join_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_join")),
    )
    op.create_index("ix_customer_join_kept", "customer_join", ["kept_id"])
    op.create_index("ix_customer_join_gone", "customer_join", ["gone_id"])
    op.create_table(
        "customer_note",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("customer_id", _whole, nullable=False),
        sa.Column("staff_id", _whole, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_note_customer_id_customer")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_customer_note_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_note")),
    )
    op.create_index("ix_customer_note_of", "customer_note", ["customer_id", "id"])
    op.add_column("customer", sa.Column("joined_into_id", _whole, nullable=True))
    op.create_index(op.f("ix_customer_joined_into_id"), "customer", ["joined_into_id"])


def downgrade() -> None:
    """Identities stay where they are: who was joined stays one customer."""
    op.drop_index(op.f("ix_customer_joined_into_id"), "customer")
    op.drop_column("customer", "joined_into_id")
    op.drop_table("customer_note")
    op.drop_table("customer_join")
