"""Nobody takes the counter from the others by asking too much, and a token says when it was used."""

from __future__ import annotations

from pathlib import Path

import pytest

from guichet.models import ApiToken, Staff
from tests import databases
from tests import factories as make
from tests.webapp.site import Site, open_site


@pytest.fixture
def owner(site: Site) -> Staff:
    with site.rows() as session:
        return make.make_staff(session, "owner")


def test_who_asks_too_much_is_told_to_wait_and_the_others_are_not(tmp_path: Path) -> None:
    with databases.sqlite_engine() as engine:
        site = open_site(engine, tmp_path, api_rate=5)
        with site.rows() as session:
            hasty, calm = make.make_staff(session), make.make_staff(session)
        statuses = [site.browser(hasty).get("/me").status_code for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        refused = site.browser(hasty).get("/me")
        assert (refused.mimetype, refused.json["code"]) == ("application/problem+json", "too_many_requests")
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert site.browser(calm).get("/me").status_code == 200
        # A person's programs do not take their own pages from them.
        assert site.program(hasty, "read").get("/me").status_code == 200


def test_a_token_tells_when_it_was_used_last_to_the_minute(site: Site, owner: Staff) -> None:
    program = site.program(owner, "read")
    first = site.clock.now
    for seconds in (0, 30, 29):
        site.clock.turn(seconds=seconds)
        assert program.get("/accounts").status_code == 200
        assert site.browser(owner).get("/tokens").json["items"][0]["used_at"] == first.isoformat().replace(
            "+00:00", "Z"
        )
    site.clock.turn(seconds=1)
    assert program.get("/accounts").status_code == 200
    with site.rows() as session:
        assert session.query(ApiToken).one().used_at == site.clock.now
