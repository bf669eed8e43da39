"""what is promised to whom, and what each wait was promised

A brand's promise of an answer becomes the last policy of its brand.

Revision ID: 0026
Revises: 0025
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json, UTCDateTime

revision = "0026"
down_revision = "0025"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "promise_policy",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("position", _whole, nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("brand_id", _whole, nullable=True),
        sa.Column("conditions", Json, nullable=False),
        sa.Column("first_minutes", _whole, nullable=True),
        sa.Column("next_minutes", _whole, nullable=True),
        sa.Column("resolution_minutes", _whole, nullable=True),
        sa.Column("runs_always", sa.Boolean(), nullable=False),
        sa.Column("steps", Json, nullable=False),
        sa.Column("version", _whole, nullable=False),
        sa.Column("created_by", _whole, nullable=True),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("updated_at", _moment, nullable=False),
        sa.Column("removed_at", _moment, nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_promise_policy_brand_id_brand")),
        sa.ForeignKeyConstraint(["created_by"], ["staff.id"], name=op.f("fk_promise_policy_created_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise_policy")),
    )
    op.create_index(op.f("ix_promise_policy_position"), "promise_policy", ["position"])
    op.create_table(
        "promise",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("wait_id", _whole, nullable=False),
        sa.Column("kind", sa.String(300), nullable=False),
        sa.Column("conversation_id", _whole, nullable=False),
        sa.Column("policy_id", _whole, nullable=True),
        sa.Column("policy_version", _whole, nullable=True),
        sa.Column("calendar_version", _whole, nullable=True),
        sa.Column("started_at", _moment, nullable=False),
        sa.Column("due_at", _moment, nullable=True),
        sa.Column("next_at", _moment, nullable=True),
        sa.Column("pauses", Json, nullable=False),
        sa.Column("fired", Json, nullable=False),
        sa.Column("ended_at", _moment, nullable=True),
        sa.Column("is_kept", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["wait_id"], ["wait.id"], name=op.f("fk_promise_wait_id_wait")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_promise_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["policy_id"], ["promise_policy.id"], name=op.f("fk_promise_policy_id_promise_policy")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
        sa.UniqueConstraint("wait_id", "kind", name=op.f("uq_promise_wait_id_kind")),
    )
    for name, columns, where in (
        ("ix_promise_open", ["conversation_id"], "ended_at IS NULL"),
        ("ix_promise_next", ["next_at", "id"], "next_at IS NOT NULL"),
    ):
        op.create_index(name, "promise", columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
    op.create_table(
        "promise_recount",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("brand_id", _whole, nullable=True),
        sa.Column("customer_id", _whole, nullable=True),
        sa.Column("asked_at", _moment, nullable=False),
        sa.Column("not_before", _moment, nullable=False),
        sa.Column("after_id", _whole, nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_promise_recount_brand_id_brand")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_promise_recount_customer_id_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise_recount")),
    )
    op.add_column("conversation", sa.Column("due_at", _moment, nullable=True))
    has_due = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_conversation_due", "conversation", ["account_id", "due_at", "id"],
        postgresql_where=has_due, sqlite_where=has_due,
    )  # fmt: skip
    _take_over_promises_of_brands()
    op.drop_column("brand", "answer_within_minutes")


def _take_over_promises_of_brands() -> None:
    """Who waits now is measured by the worker, as after every change of a policy."""
    brand = sa.table("brand", sa.column("id"), sa.column("name"), sa.column("answer_within_minutes"))
    moments = [sa.column(name, UTCDateTime()) for name in ("created_at", "updated_at")]
    policy = sa.table(
        "promise_policy",
        *(sa.column(n) for n in ("name", "position", "brand_id", "first_minutes", "next_minutes", "version")),
        sa.column("is_on", sa.Boolean()), sa.column("runs_always", sa.Boolean()),
        sa.column("conditions", Json), sa.column("steps", Json), *moments,
    )  # fmt: skip
    recount = sa.table(
        "promise_recount", sa.column("asked_at", UTCDateTime()), sa.column("not_before", UTCDateTime()),
        sa.column("after_id"),
    )  # fmt: skip
    now = datetime.now(UTC)
    promised = sa.select(brand).where(brand.c.answer_within_minutes.is_not(None)).order_by(brand.c.id)
    rows = op.get_bind().execute(promised).all()
    for place, (id_, name, minutes) in enumerate(rows, 1):
        op.execute(
            policy.insert().values(
                name=name[:120], position=place, brand_id=id_, first_minutes=minutes, next_minutes=minutes,
                version=1, is_on=True, runs_always=False, conditions=[], steps=[], created_at=now, updated_at=now,
            )
        )  # fmt: skip
    if rows:
        op.execute(recount.insert().values(asked_at=now, not_before=now, after_id=0))


def downgrade() -> None:
    """Policies for a whole brand become its promise again; what else was promised is gone."""
    op.add_column("brand", sa.Column("answer_within_minutes", _whole, nullable=True))
    op.execute(
        "UPDATE brand SET answer_within_minutes = (SELECT min(first_minutes) FROM promise_policy AS p"
        " WHERE p.brand_id = brand.id AND p.removed_at IS NULL AND CAST(p.conditions AS TEXT) = '[]')"
    )
    op.drop_index("ix_conversation_due", "conversation")
    op.drop_column("conversation", "due_at")
    for name in ("promise_recount", "promise", "promise_policy"):
        op.drop_table(name)
