"""A desk at which posts are written: a brand, two accounts, people of different rights."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.bluesky import SPEC as BLUESKY
from channels.mastodon import SPEC as MASTODON
from guichet import models as m
from guichet.policy import Actor
from guichet.publishing import operations
from guichet.publishing.drafting import VariantSpec, Words
from tests import factories

SPECS = {"mastodon": MASTODON, "bluesky": BLUESKY}
NOW = factories.NOW


@dataclass
class Desk:
    """A brand with two accounts, an author, a publisher and somebody with no right."""

    session: Session
    brand: m.Brand
    here: m.Account
    there: m.Account
    author: Actor
    publisher: Actor
    stranger: Actor

    def post(self, actor: Actor | None = None, text: str = "Bonjour", **more: object) -> m.Post:
        given = {
            "words": Words(text),
            "variants": [VariantSpec(self.here.id), VariantSpec(self.there.id)],
            **more,
        }
        return operations.create(self.session, actor or self.publisher, brand=self.brand, now=NOW, **given)

    def schedule(self, post: m.Post, actor: Actor | None = None, at: str = "2026-03-11T09:00") -> None:
        operations.schedule(
            self.session, actor or self.publisher, post, wall_time=at, time_zone="Europe/Paris", specs=SPECS, now=NOW
        )

    def deliveries(self, post: m.Post) -> list[m.Delivery]:
        found = select(m.Delivery).where(m.Delivery.post_id == post.id).order_by(m.Delivery.id)
        return list(self.session.scalars(found))

    def states(self, post: m.Post) -> list[str]:
        return [d.state for d in self.deliveries(post)]
