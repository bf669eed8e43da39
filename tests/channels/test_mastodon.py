"""Mastodon passes the shared rows, as Mastodon itself behaves and as others of its API do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.channels.contract_rows import ContractRows
from tests.channels.mastodon_rig import WAYS, MastodonRig


class TestMastodonKeepsTheContract(ContractRows):
    @pytest.fixture(params=WAYS)
    def rig(self, request: pytest.FixtureRequest) -> Iterator[MastodonRig]:
        ways = WAYS[request.param]
        with MastodonRig(ways) as rig:
            yield rig
