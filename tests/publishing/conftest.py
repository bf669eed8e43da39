"""The desk that the tests of posts sit at."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from guichet.policy import load_actor
from tests import factories
from tests.publishing.desk import NOW, Desk


@pytest.fixture
def desk(session: Session) -> Desk:
    brand = factories.make_brand(session)
    here = factories.make_account(session, brand)
    there = factories.make_account(session, brand, network="bluesky")
    author, publisher, stranger = (factories.make_staff(session) for _ in range(3))
    for account in (here, there):
        factories.make_grant(session, author, account, "author")
        factories.make_grant(session, publisher, account, "publisher")
    actors = [load_actor(session, s, NOW) for s in (author, publisher, stranger)]
    return Desk(session, brand, here, there, *actors)
