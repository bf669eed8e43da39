"""What networks count for us, and what they charge."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Short, ref


class RateWindow(Base):
    """What was last heard of one limit: `remaining` of `quota` until `reset_at`, of `seconds`
    in all. `owner` is an account, an application or an account's purse (owner_of_… in
    guichet.metering.rules); `costs` is what a delivery of a kind takes of it. Losing it costs a "no" of
    the network, nothing else."""

    __tablename__ = "rate_window"
    owner: Mapped[Short] = mapped_column(primary_key=True)
    name: Mapped[Short] = mapped_column(primary_key=True)
    quota: Mapped[int]
    remaining: Mapped[int]
    seconds: Mapped[int]
    costs: Mapped[dict[str, Any]]
    reset_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class Spend(Base):
    """What an account was charged in a month (UTC, "2026-11"), by item: how many, and how
    much in millionths of the currency, at the price of that moment."""

    __tablename__ = "spend"
    account_id: Mapped[int] = ref("account.id", primary_key=True)
    month: Mapped[Short] = mapped_column(primary_key=True)
    item: Mapped[Short] = mapped_column(primary_key=True)
    currency: Mapped[Short] = mapped_column(primary_key=True)
    quantity: Mapped[int]
    micros: Mapped[int]
