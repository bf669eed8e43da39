"""macros: several actions under one name

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "macro",
        sa.Column("id", whole, nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("position", whole, nullable=False),
        sa.Column("staff_id", whole, nullable=True),
        sa.Column("team_id", whole, nullable=True),
        sa.Column("brand_id", whole, nullable=True),
        sa.Column("actions", Json, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_macro_staff_id_staff")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_macro_team_id_team")),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_macro_brand_id_brand")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_macro")),
    )
    op.create_index(op.f("ix_macro_staff_id"), "macro", ["staff_id"])


def downgrade() -> None:
    op.drop_table("macro")
