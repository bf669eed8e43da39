"""rules that act after a time: what they count from, how far they went, what they did

What goes on already is counted from what is known of it: who waits since when, the last message of
what is nobody's or waits for others.

Revision ID: 0064
Revises: 0061
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Id, UTCDateTime

revision = "0064"
down_revision = "0061"

_CLOCKS = ("asked", "said", "answered", "unassigned", "put_off")
_GOES_ON = "state NOT IN ('resolved', 'closed', 'spam')"
_HERE = f"{_GOES_ON} AND merged_into_id IS NULL"
_KNOWN = (
    ("asked", "waiting_since", "waiting_since IS NOT NULL"),
    ("said", "waiting_since", "waiting_since IS NOT NULL"),
    ("answered", "last_message_at", "state = 'waiting_customer' AND waiting_since IS NULL"),
    ("unassigned", "last_message_at", "state IN ('new', 'open') AND assignee_id IS NULL"),
    ("put_off", "last_message_at", "state IN ('waiting_customer', 'waiting_internal')"),
)


def upgrade() -> None:
    op.add_column("rule", sa.Column("since", sa.String(300), nullable=False, server_default=""))
    op.add_column("rule", sa.Column("after_minutes", Id))
    op.add_column("rule", sa.Column("in_hours", sa.Boolean(), nullable=False, server_default=sa.false()))
    for clock in _CLOCKS:
        op.add_column("conversation", sa.Column(f"{clock}_at", UTCDateTime()))
    for clock, known, where in _KNOWN:
        table = sa.table("conversation", sa.column(f"{clock}_at"), sa.column(known))
        change = sa.update(table).values({f"{clock}_at": sa.column(known)})
        op.execute(change.where(sa.text(where), sa.text(_HERE)))
    for clock in _CLOCKS:
        _index(f"ix_conversation_{clock}", f"{clock}_at", f"{clock}_at IS NOT NULL")
    _index("ix_conversation_begun", "created_at", _GOES_ON)
    op.create_table(
        "rule_walk",
        _to("rule_walk", "rule"),
        _to("rule_walk", "brand"),
        sa.Column("read_as", sa.String(300), nullable=False),
        sa.Column("through_at", UTCDateTime()),
        sa.Column("through_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("rule_id", "brand_id", name=op.f("pk_rule_walk")),
    )
    op.create_table(
        "rule_firing",
        _to("rule_firing", "rule"),
        _to("rule_firing", "conversation"),
        sa.Column("began_at", UTCDateTime(), nullable=False),
        sa.Column("acted_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("rule_id", "conversation_id", name=op.f("pk_rule_firing")),
    )
    op.create_index(op.f("ix_rule_firing_conversation_id"), "rule_firing", ["conversation_id"])


def _to(table: str, target: str) -> sa.Column[Any]:
    key = sa.ForeignKey(f"{target}.id", name=op.f(f"fk_{table}_{target}_id_{target}"))
    return sa.Column(f"{target}_id", Id, key, nullable=False)


def _index(name: str, column: str, where: str) -> None:
    only = sa.text(where)
    op.create_index(name, "conversation", [column, "id"], postgresql_where=only, sqlite_where=only)


def downgrade() -> None:
    op.drop_table("rule_firing")
    op.drop_table("rule_walk")
    for name in (*_CLOCKS, "begun"):
        op.drop_index(f"ix_conversation_{name}", table_name="conversation")
    for clock in _CLOCKS:
        op.drop_column("conversation", f"{clock}_at")
    for name in ("since", "after_minutes", "in_hours"):
        op.drop_column("rule", name)
