"""Which links of a brand's posts are tagged, and with what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, ref


class LinkRule(Base):
    """A brand's rule (guichet.publishing.link_rules). No row: no link is touched."""

    __tablename__ = "link_rule"
    brand_id: Mapped[int] = ref("brand.id", primary_key=True)
    is_on: Mapped[bool] = mapped_column(default=False)
    domains: Mapped[list[Any]] = mapped_column(default=list)
    patterns: Mapped[dict[str, Any]] = mapped_column(default=dict)
    exceptions: Mapped[list[Any]] = mapped_column(default=list)
    updated_at: Mapped[datetime]
