"""custom fields of conversations and customers

Revision ID: 0065
Revises: 0066
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Id, Json, UTCDateTime

revision = "0065"
down_revision = "0066"


def upgrade() -> None:
    op.create_table(
        "custom_field",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        _to("custom_field", "brand", "brand_id"),
        *(sa.Column(name, sa.String(300), nullable=False) for name in ("subject", "key", "name", "kind")),
        *(sa.Column(name, sa.String(300), nullable=False) for name in ("mask", "least", "most")),
        sa.Column("choices", Json, nullable=False),
        sa.Column("position", Id, nullable=False),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("archived_at", UTCDateTime()),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_field")),
        sa.UniqueConstraint("subject", "key", name=op.f("uq_custom_field_subject_key")),
    )
    op.create_table(
        "field_value",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        _to("field_value", "custom_field", "field_id", nullable=False),
        _to("field_value", "conversation", "conversation_id"),
        _to("field_value", "customer", "customer_id"),
        sa.Column("place", Id, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("folded", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_value")),
        sa.UniqueConstraint(
            "conversation_id", "field_id", "place", name=op.f("uq_field_value_conversation_id_field_id_place")
        ),
        sa.UniqueConstraint("customer_id", "field_id", "place", name=op.f("uq_field_value_customer_id_field_id_place")),
    )
    op.create_index("ix_field_value_folded", "field_value", ["field_id", "folded"])


def _to(table: str, target: str, column: str, *, nullable: bool = True) -> sa.Column[Any]:
    key = sa.ForeignKey(f"{target}.id", name=op.f(f"fk_{table}_{column}_{target}"))
    return sa.Column(column, Id, key, nullable=nullable)


def downgrade() -> None:
    op.drop_table("field_value")
    op.drop_table("custom_field")
