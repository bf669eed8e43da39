"""How many follow whoever writes, as each network says it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from channels.answers import MOST_FOLLOWERS, followers_in
from channels.rehearsal.base import Fault
from tests.channels import lexicon
from tests.channels.bluesky_rig import HANDLE, BlueskyRig
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import Mailroom, Rig
from tests.channels.x_rig import XRig

RIGS: dict[str, tuple[type[Rig], str]] = {
    "x": (XRig, "acme"), "mastodon": (MastodonRig, "guichet"), "bluesky": (BlueskyRig, HANDLE),
}  # fmt: skip


@pytest.fixture(params=sorted(RIGS))
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with RIGS[request.param][0]() as rig:
        yield rig


@pytest.fixture
def bluesky() -> Iterator[BlueskyRig]:
    with BlueskyRig() as rig:
        yield rig


def _follow(rig: Rig, who: str, text: str, **how: Any) -> None:
    rig.network.say(who, text, to=RIGS[rig.spec.name][1], **how)


def test_whoever_writes_has_as_many_as_the_network_says_and_what_it_says_later_counts(rig: Rig) -> None:
    mailroom = Mailroom(rig.reader(rig.connect()))
    mailroom.poll()
    _follow(rig, "ines", "Where is gate B22?", followers=48_200)
    _follow(rig, "paul", "And mine?")
    said = mailroom.understand(mailroom.poll())
    assert {one.author.name: one.author.followers for one in said} == {"Ines": 48_200, "Paul": 0}
    _follow(rig, "ines", "Found it.", followers=48_199)
    [later] = mailroom.understand(mailroom.poll())
    assert later.author.followers == 48_199


def test_more_authors_than_profiles_are_given_at_once_are_all_asked_for(bluesky: BlueskyRig) -> None:
    mailroom = Mailroom(bluesky.reader(bluesky.connect()))
    mailroom.poll()
    for n in range(30):
        _follow(bluesky, f"fan{n}", "bravo", followers=n)
    said = mailroom.understand(mailroom.poll())
    assert sorted(one.author.followers or 0 for one in said) == list(range(30))


@pytest.mark.parametrize("effect", ["status_before", "garbage_after", "reset_before"])
def test_profiles_that_are_not_given_hold_up_nothing(bluesky: BlueskyRig, effect: str) -> None:
    mailroom = Mailroom(bluesky.reader(bluesky.connect()))
    mailroom.poll()
    _follow(bluesky, "ines", "bonjour", followers=12)
    bluesky.network.plant(Fault(effect, match="GET .*getProfiles", status=503))
    [said] = mailroom.understand(mailroom.poll())
    assert (said.text.endswith("bonjour"), said.author.followers) == (True, None)


def test_what_is_kept_of_a_bluesky_author_is_of_the_lexicon(bluesky: BlueskyRig) -> None:
    mailroom = Mailroom(bluesky.reader(bluesky.connect()))
    _follow(bluesky, "ines", "bonjour", followers=12)
    [item] = mailroom.poll()
    lexicon.check_shape("app.bsky.actor.defs#profileViewDetailed", json.loads(item.body)["author"])


@pytest.mark.parametrize("said", [None, -1, True, 3.5, "12", [], {}])
def test_what_is_no_number_of_followers_is_none(said: object) -> None:
    assert followers_in(said) is None


def test_more_followers_than_there_are_people_are_as_many_as_can_be_kept() -> None:
    assert followers_in(10**30) == MOST_FOLLOWERS
