"""Posts that went out and what they brought, as rows."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from guichet import models as m
from guichet.timing.rules import Seen


def publish(session: Session, account: m.Account, author: m.Staff, history: list[Seen]) -> list[m.Delivery]:
    """The posts of a history, sent."""
    brand = session.get_one(m.Brand, account.brand_id)
    posts = [
        m.Post(brand_id=brand.id, author_id=author.id, state="done", due_at=s.at, created_at=s.at, updated_at=s.at)
        for s in history
    ]
    session.add_all(posts)
    session.flush()
    rows = [
        m.Delivery(
            kind="post", state="published", account_id=account.id, post_id=post.id, payload={"text": f"n° {n}"},
            payload_hash="", due_at=one.at, not_before=one.at, remote_id=f"{account.id}-{n}", accepted_at=one.at,
            created_at=one.at, updated_at=one.at,
        )
        for n, (post, one) in enumerate(zip(posts, history, strict=True))
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    return rows


def measured(session: Session, account: m.Account, deliveries: list[m.Delivery], history: list[Seen]) -> None:
    """What the network told of them."""
    session.add_all(
        m.Reception(
            delivery_id=d.id, account_id=account.id, published_at=one.at, measured_at=one.at + timedelta(days=1),
            likes=one.brought, shares=0, answers=0,
        )
        for d, one in zip(deliveries, history, strict=True)
    )  # fmt: skip
    session.flush()
