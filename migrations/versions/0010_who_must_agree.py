"""Who must agree before a post goes out: policies by brand, reviews by account, guests' links,
comments and versions; embargoes, and what goes on in a crisis.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
moment = sa.DateTime(timezone=True)
short = sa.String(length=300)


def upgrade() -> None:
    _create_tables()
    op.create_index("ix_post_comment_post_id", "post_comment", ["post_id"])
    op.create_index("ix_review_post", "review", ["post_id", "account_id"])
    op.create_index("ix_review_link_post_post_id", "review_link_post", ["post_id"])
    op.create_index("ix_review_vote_review_id", "review_vote", ["review_id"])
    op.create_index("ix_audit_entry_target", "audit_entry", ["target_kind", "target_id"])
    _partial("ix_review_waiting", ["id"], "state = 'waiting'")
    _partial("uq_review_open", ["post_id", "account_id"], "state IN ('waiting', 'granted', 'bypassed')", unique=True)
    op.add_column("account", sa.Column("approval", short, nullable=False, server_default="as_brand"))
    op.add_column("brake", sa.Column("spares", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("post", sa.Column("embargo_wall_time", short, nullable=True))
    op.add_column("post", sa.Column("embargo_time_zone", short, nullable=False, server_default="UTC"))
    op.add_column("post", sa.Column("embargo_at", moment, nullable=True))
    op.add_column("post", sa.Column("goes_on", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("staff", sa.Column("absent_until", moment, nullable=True))
    # What was agreed to stays agreed to. What waits is asked for anew by the clock's next round.
    op.execute(
        "INSERT INTO review (post_id, account_id, state, content_hash, steps, step, step_at, authors_may, asked_at,"
        " settled_by, settled_at, carried_by, reason)"
        " SELECT post.id, delivery.account_id, 'granted', post.approved_hash, '[]', 0, post.approved_at,"
        " false, post.approved_at, post.approved_by, post.approved_at, post.approved_by, ''"
        " FROM post JOIN delivery ON delivery.post_id = post.id AND delivery.content_hash = post.approved_hash"
        " WHERE post.approved_hash <> '' AND post.approved_at IS NOT NULL"
        " GROUP BY post.id, delivery.account_id"  # not DISTINCT, which would make a text of '[]'
    )
    op.drop_column("post", "approved_hash")


def downgrade() -> None:
    """What was approved is not any more: the older program asks again."""
    op.drop_column("staff", "absent_until")
    op.add_column("post", sa.Column("approved_hash", short, nullable=False, server_default=""))
    for name in ("goes_on", "embargo_at", "embargo_time_zone", "embargo_wall_time"):
        op.drop_column("post", name)
    op.drop_column("brake", "spares")
    op.drop_column("account", "approval")
    op.drop_index("ix_audit_entry_target", "audit_entry")
    for name in ("review_vote", "post_mention", "review_link_post", "review", "post_version", "post_comment"):
        op.drop_table(name)
    op.drop_table("approval_policy")
    op.drop_table("review_link")


def _partial(name: str, columns: list[str], where: str, unique: bool = False) -> None:
    op.create_index(
        name, "review", columns, unique=unique, postgresql_where=sa.text(where), sqlite_where=sa.text(where)
    )


def _create_tables() -> None:
    op.create_table(
        "review_link",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("secret_hash", short, nullable=False),
        sa.Column("name", short, nullable=False),
        sa.Column("locale", short, nullable=False),
        sa.Column("made_by", whole, nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("revoked_at", moment, nullable=True),
        sa.Column("opened_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_review_link_made_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_link")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_review_link_secret_hash")),
    )
    op.create_table(
        "approval_policy",
        sa.Column("brand_id", whole, nullable=False),
        sa.Column("steps", json, nullable=False),
        sa.Column("authors_may_approve", sa.Boolean(), nullable=False),
        sa.Column("binds_time", sa.Boolean(), nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_approval_policy_brand_id_brand")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_approval_policy")),
    )
    op.create_table(
        "post_comment",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("post_id", whole, nullable=False),
        sa.Column("version", whole, nullable=False),
        sa.Column("staff_id", whole, nullable=True),
        sa.Column("link_id", whole, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["review_link.id"], name=op.f("fk_post_comment_link_id_review_link")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_post_comment_post_id_post")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_post_comment_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_comment")),
    )
    op.create_table(
        "post_version",
        sa.Column("post_id", whole, nullable=False),
        sa.Column("number", whole, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("staff_id", whole, nullable=True),
        sa.Column("digest", short, nullable=False),
        sa.Column("says", json, nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_post_version_post_id_post")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_post_version_staff_id_staff")),
        sa.PrimaryKeyConstraint("post_id", "number", name=op.f("pk_post_version")),
    )
    op.create_table(
        "review",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("post_id", whole, nullable=False),
        sa.Column("account_id", whole, nullable=False),
        sa.Column("state", short, nullable=False),
        sa.Column("content_hash", short, nullable=False),
        sa.Column("due_at", moment, nullable=True),
        sa.Column("steps", json, nullable=False),
        sa.Column("step", whole, nullable=False),
        sa.Column("step_at", moment, nullable=False),
        sa.Column("authors_may", sa.Boolean(), nullable=False),
        sa.Column("asked_by", whole, nullable=True),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("settled_by", whole, nullable=True),
        sa.Column("settled_at", moment, nullable=True),
        sa.Column("carried_by", whole, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_review_account_id_account")),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f("fk_review_asked_by_staff")),
        sa.ForeignKeyConstraint(["carried_by"], ["staff.id"], name=op.f("fk_review_carried_by_staff")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_review_post_id_post")),
        sa.ForeignKeyConstraint(["settled_by"], ["staff.id"], name=op.f("fk_review_settled_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
    )
    op.create_table(
        "review_link_post",
        sa.Column("link_id", whole, nullable=False),
        sa.Column("post_id", whole, nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["review_link.id"], name=op.f("fk_review_link_post_link_id_review_link")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_review_link_post_post_id_post")),
        sa.PrimaryKeyConstraint("link_id", "post_id", name=op.f("pk_review_link_post")),
    )
    op.create_table(
        "post_mention",
        sa.Column("comment_id", whole, nullable=False),
        sa.Column("staff_id", whole, nullable=False),
        sa.Column("seen_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["post_comment.id"], name=op.f("fk_post_mention_comment_id_post_comment")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_post_mention_staff_id_staff")),
        sa.PrimaryKeyConstraint("comment_id", "staff_id", name=op.f("pk_post_mention")),
    )
    op.create_table(
        "review_vote",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("review_id", whole, nullable=False),
        sa.Column("step", whole, nullable=False),
        sa.Column("staff_id", whole, nullable=True),
        sa.Column("link_id", whole, nullable=True),
        sa.Column("choice", short, nullable=False),
        sa.Column("stands_in", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["review_link.id"], name=op.f("fk_review_vote_link_id_review_link")),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"], name=op.f("fk_review_vote_review_id_review")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_review_vote_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_vote")),
    )
