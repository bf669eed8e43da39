"""films are made for networks

Revision ID: 0033
Revises: 0032
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from guichet.db.types import Id, Json, ToldText, UTCDateTime

revision = "0033"
down_revision = "0032"
_OPEN = sa.text("state IN ('waiting', 'running')")


def upgrade() -> None:
    op.create_table(
        "film_job",
        sa.Column("rendition_id", Id, nullable=False),
        sa.Column("state", sa.String(length=300), nullable=False),
        sa.Column("part", sa.Double(), nullable=False),
        sa.Column("tries", Id, nullable=False),
        sa.Column("fence", Id, nullable=False),
        sa.Column("not_before", UTCDateTime(), nullable=False),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("begun_at", UTCDateTime(), nullable=True),
        sa.Column("reason", ToldText(), nullable=False),
        sa.Column("asked_by", Id, nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f("fk_film_job_asked_by_staff")),
        sa.ForeignKeyConstraint(["rendition_id"], ["rendition.id"], name=op.f("fk_film_job_rendition_id_rendition")),
        sa.PrimaryKeyConstraint("rendition_id", name=op.f("pk_film_job")),
    )
    op.create_index("ix_film_job_open", "film_job", ["not_before"], postgresql_where=_OPEN, sqlite_where=_OPEN)
    op.add_column("delivery", sa.Column("awaits_film", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("rendition", sa.Column("film", Json, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("rendition", "film")
    op.drop_column("delivery", "awaits_film")
    op.drop_index("ix_film_job_open", "film_job")
    op.drop_table("film_job")
