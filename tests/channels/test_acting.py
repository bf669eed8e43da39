"""Liking and hiding on each network against its rehearsal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from channels.email import SPEC as MAIL
from channels.mastodon import SPEC as MASTODON
from tests.channels.acting_rows import ActingRows
from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import Rig
from tests.channels.x_rig import XRig


class TestXActs(ActingRows):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with XRig() as rig:
            yield rig


class TestMastodonActs(ActingRows):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with MastodonRig() as rig:
            yield rig


class TestBlueskyActs(ActingRows):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with BlueskyRig() as rig:
            yield rig


def test_what_a_network_does_not_know_is_not_offered() -> None:
    assert (MASTODON.can_like, MASTODON.can_hide) == (True, False)
    assert (MAIL.can_like, MAIL.can_hide) == (False, False)
