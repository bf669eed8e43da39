"""who is called: alerts of a brand, their steps and their calls; quiet hours

Revision ID: 0048
Revises: 0037
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Id, Json, ToldText, UTCDateTime

revision = "0048"
down_revision = "0037"


def _key() -> sa.Column[Any]:
    return sa.Column("id", Id, autoincrement=True, nullable=False)


def _short(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length=300), nullable=False)


def _whole(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Id, nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UTCDateTime(), nullable=nullable)


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def _primary(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    holds = sa.text(where)
    op.create_index(name, table, columns, unique=unique, postgresql_where=holds, sqlite_where=holds)


def upgrade() -> None:
    op.create_table(
        "alert_hook", _key(), _whole("brand_id"), _short("name"), sa.Column("url", sa.Text(), nullable=False),
        _short("key_id"), sa.Column("sealed", sa.LargeBinary(), nullable=False), _moment("created_at"),
        _moment("removed_at", nullable=True), _to("alert_hook", "brand_id", "brand"), _primary("alert_hook"),
    )  # fmt: skip
    op.create_index(op.f("ix_alert_hook_brand_id"), "alert_hook", ["brand_id"])
    op.create_table(
        "alert_policy", _key(), _whole("brand_id"), _short("name"), sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("events", Json, nullable=False), sa.Column("steps", Json, nullable=False), _whole("repeats"),
        _short("hours"), _moment("since"), _whole("created_by", nullable=True), _moment("created_at"),
        _moment("updated_at"), _moment("removed_at", nullable=True), _to("alert_policy", "brand_id", "brand"),
        _to("alert_policy", "created_by", "staff"), _primary("alert_policy"),
    )  # fmt: skip
    op.create_index(op.f("ix_alert_policy_brand_id"), "alert_policy", ["brand_id"])
    op.create_table(
        "alert", _key(), _whole("policy_id"), _whole("account_id"), _short("event"), _whole("count"),
        _whole("conversation_id", nullable=True), _moment("through"), _moment("raised_at"), _whole("step"),
        _whole("round"), _moment("next_at", nullable=True), _moment("acknowledged_at", nullable=True),
        _whole("acknowledged_by", nullable=True), _short("acknowledged_way"), _moment("ended_at", nullable=True),
        _to("alert", "policy_id", "alert_policy"), _to("alert", "account_id", "account"),
        _to("alert", "conversation_id", "conversation"), _to("alert", "acknowledged_by", "staff"), _primary("alert"),
    )  # fmt: skip
    op.create_index("ix_alert_list", "alert", ["raised_at", "id"])
    _partial("ix_alert_next", "alert", ["next_at", "id"], "next_at IS NOT NULL")
    _partial("uq_alert_current", "alert", ["policy_id", "event", "account_id"], "ended_at IS NULL", unique=True)
    op.create_table(
        "alert_call", _key(), _whole("alert_id"), _whole("round"), _whole("step"), _short("way"),
        _whole("staff_id", nullable=True), _whole("hook_id", nullable=True), _short("state"), _whole("tries"),
        _moment("next_at", nullable=True), _moment("claimed_until", nullable=True), _short("nonce"),
        sa.Column("said", ToldText(), nullable=False), sa.Column("log", Json, nullable=False), _moment("at"),
        _moment("done_at", nullable=True), _to("alert_call", "alert_id", "alert"),
        _to("alert_call", "hook_id", "alert_hook"), _to("alert_call", "staff_id", "staff"), _primary("alert_call"),
    )  # fmt: skip
    op.create_index("ix_alert_call_alert", "alert_call", ["alert_id", "id"])
    _partial("ix_alert_call_next", "alert_call", ["next_at", "id"], "next_at IS NOT NULL")
    _partial("ix_alert_call_staff", "alert_call", ["staff_id", "alert_id"], "staff_id IS NOT NULL")
    for name in ("quiet_from", "quiet_until"):
        op.add_column("staff", sa.Column(name, sa.String(length=300), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("staff", "quiet_until")
    op.drop_column("staff", "quiet_from")
    for table in ("alert_call", "alert", "alert_policy", "alert_hook"):
        op.drop_table(table)
