"""queues of posts that go out again and again

Revision ID: 0029
Revises: 0028
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Json

revision = "0029"
down_revision = "0028"

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "evergreen_queue",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("brand_id", _whole, nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("folded", sa.String(300), nullable=False),
        sa.Column("label", sa.String(300), nullable=False),
        sa.Column("week", Json, nullable=False),
        sa.Column("ordering", sa.String(300), nullable=False),
        sa.Column("rest_days", _whole, nullable=False),
        sa.Column("horizon_days", _whole, nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("looked_at", _moment, nullable=True),
        sa.Column("filled_until", _moment, nullable=True),
        sa.Column("missed", _whole, nullable=False),
        sa.Column("missed_at", _moment, nullable=True),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("removed_at", _moment, nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_evergreen_queue_brand_id_brand")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evergreen_queue")),
    )
    stands = sa.text("removed_at IS NULL")
    op.create_index(
        "uq_evergreen_queue_name", "evergreen_queue", ["brand_id", "folded"], unique=True,
        postgresql_where=stands, sqlite_where=stands,
    )  # fmt: skip
    op.create_table(
        "evergreen_account",
        sa.Column("queue_id", _whole, nullable=False),
        sa.Column("account_id", _whole, nullable=False),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["evergreen_queue.id"], name=op.f("fk_evergreen_account_queue_id_evergreen_queue")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_evergreen_account_account_id_account")),
        sa.PrimaryKeyConstraint("queue_id", "account_id", name=op.f("pk_evergreen_account")),
    )
    op.create_index(op.f("ix_evergreen_account_account_id"), "evergreen_account", ["account_id"])
    op.create_table(
        "evergreen_item",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("queue_id", _whole, nullable=False),
        sa.Column("position", _whole, nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("season_from", sa.String(300), nullable=False),
        sa.Column("season_to", sa.String(300), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("most_times", _whole, nullable=True),
        sa.Column("refusal", sa.String(300), nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("removed_at", _moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["evergreen_queue.id"], name=op.f("fk_evergreen_item_queue_id_evergreen_queue")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evergreen_item")),
    )
    op.create_index(op.f("ix_evergreen_item_queue_id"), "evergreen_item", ["queue_id"])
    # Inline: SQLite would copy the table for a constraint of its own, and posts are referred to.
    item = sa.ForeignKey("evergreen_item.id", name=op.f("fk_post_evergreen_id_evergreen_item"))
    wording = sa.ForeignKey("post.id", name=op.f("fk_post_wording_id_post"))
    op.add_column("post", sa.Column("evergreen_id", _whole, item, nullable=True), inline_references=True)
    op.add_column("post", sa.Column("wording_id", _whole, wording, nullable=True), inline_references=True)
    op.create_index(op.f("ix_post_evergreen_id"), "post", ["evergreen_id"])
    op.create_index(op.f("ix_post_wording_id"), "post", ["wording_id"])
    op.create_table(
        "evergreen_use",
        sa.Column("id", _whole, autoincrement=True, nullable=False),
        sa.Column("account_id", _whole, nullable=False),
        sa.Column("wall_time", sa.String(300), nullable=False),
        sa.Column("post_id", _whole, nullable=False),
        sa.Column("passed", Json, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_evergreen_use_account_id_account")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_evergreen_use_post_id_post")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evergreen_use")),
        sa.UniqueConstraint("account_id", "wall_time", name=op.f("uq_evergreen_use_account_id_wall_time")),
    )
    op.create_index(op.f("ix_evergreen_use_post_id"), "evergreen_use", ["post_id"])


def downgrade() -> None:
    """What was planned stays planned, as posts of their own; what was only kept becomes drafts."""
    op.execute("UPDATE post SET state = 'draft' WHERE state = 'evergreen'")
    op.drop_table("evergreen_use")
    for column in ("wording_id", "evergreen_id"):
        op.drop_index(op.f(f"ix_post_{column}"), "post")
        op.drop_column("post", column)
    for name in ("evergreen_item", "evergreen_account", "evergreen_queue"):
        op.drop_table(name)
