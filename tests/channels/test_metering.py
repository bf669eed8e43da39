"""What adapters read of limits and prices from an exchange, and that the wire tells of all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.bluesky import SPEC as BLUESKY
from channels.contract import ChannelSpec, Draft, Surface
from channels.errors import ChannelError
from channels.mastodon import SPEC as MASTODON
from channels.metering import Exchange
from channels.registry import all_specs
from channels.x import SPEC as X
from guichet.config import X_ITEMS
from tests.channels.rig import Rig
from tests.channels.x_rig import XRig

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
SOON = str(int(NOW.timestamp()) + 600)
POSTED = '{"text": "on time"}'


def exchange(method: str, path: str, status: int = 200, **more: Any) -> Exchange:
    given = {"headers": {}, "sent": None, "answer": b"{}", **more}
    return Exchange(method, f"https://network.example{path}", status, **given)


def windows(spec: ChannelSpec, said: Exchange) -> dict[str, tuple[int, int]]:
    assert spec.windows_in is not None
    return {w.name: (w.remaining, w.limit) for w in spec.windows_in(said, NOW)}


def test_x_tells_of_the_route_and_of_the_applications_day() -> None:
    headers = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "17", "x-rate-limit-reset": SOON,
               "x-app-limit-24hour-limit": "10000", "x-app-limit-24hour-remaining": "42",
               "x-app-limit-24hour-reset": SOON}  # fmt: skip
    assert windows(X, exchange("POST", "/2/tweets", 201, headers=headers)) == {
        "posts": (17, 100), "app_day": (42, 10_000),
    }  # fmt: skip
    assert windows(X, exchange("GET", "/2/users/1/mentions", headers=headers)) == {}


@pytest.mark.parametrize("remaining", ["-1", "x", "1e9", "", "٣"])
def test_a_header_that_means_nothing_tells_nothing(remaining: str) -> None:
    headers = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": remaining, "x-rate-limit-reset": SOON}
    assert windows(X, exchange("POST", "/2/tweets", 201, headers=headers)) == {}


def test_an_instance_tells_of_the_limit_that_is_tightest_for_that_call() -> None:
    headers = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "12",
               "X-RateLimit-Reset": "2026-03-10T09:35:00.000000Z"}  # fmt: skip
    assert windows(MASTODON, exchange("POST", "/api/v1/statuses", headers=headers)) == {"posts": (12, 300)}
    assert windows(MASTODON, exchange("GET", "/api/v1/notifications", headers=headers)) == {"calls": (12, 300)}
    assert windows(MASTODON, exchange("POST", "/api/v1/statuses")) == {}


def test_a_server_of_bluesky_names_its_window_by_its_policy() -> None:
    path = "/xrpc/com.atproto.repo.putRecord"
    headers = {"RateLimit-Remaining": "34998", "RateLimit-Reset": SOON, "RateLimit-Policy": "35000;w=86400"}
    assert windows(BLUESKY, exchange("POST", path, headers=headers)) == {"points_day": (34_998, 35_000)}
    strange = {**headers, "RateLimit-Policy": "3000;w=300"}
    assert windows(BLUESKY, exchange("POST", path, headers=strange)) == {}


@pytest.mark.parametrize("spec", all_specs(), ids=lambda s: s.name)
def test_every_network_tells_only_of_limits_that_it_documents(spec: ChannelSpec) -> None:
    names = [quota.name for quota in spec.quotas]
    assert len(set(names)) == len(names)
    assert (spec.windows_in is None) or names
    assert all(quota.limit > 0 and quota.seconds > 0 and quota.costs for quota in spec.quotas)


@pytest.mark.parametrize(
    ("said", "charged"),
    [
        (exchange("POST", "/2/tweets", 201, sent=POSTED), {"post": 1}),
        (exchange("POST", "/2/tweets", 201, sent='{"text": "see https://example.com/"}'), {"post_with_url": 1}),
        (exchange("POST", "/2/tweets", 0, sent=POSTED), {"post": 1}),
        (exchange("POST", "/2/tweets", 503, sent=POSTED), {"post": 1}),
        (exchange("POST", "/2/tweets", 429, sent=POSTED), {}),
        (exchange("POST", "/2/tweets", 403, sent=POSTED), {}),
        (exchange("DELETE", "/2/tweets/1"), {"deletion": 1}),
        (exchange("GET", "/2/users/7/tweets", answer=b'{"data": [{}, {}, {}]}'), {"own_read": 3}),
        (exchange("GET", "/2/users/7/mentions", answer=b'{"data": [{}, {}]}'), {"read": 2}),
        (exchange("GET", "/2/users/7/mentions", answer=b'{"meta": {"result_count": 0}}'), {}),
        (exchange("GET", "/2/users/me", answer=b'{"data": {"id": "7"}}'), {"user_read": 1}),
        (exchange("GET", "/2/dm_events", answer=b'{"data": [{}]}'), {"direct_read": 1}),
        (exchange("GET", "/2/dm_events", 500, answer=b"no"), {}),
        (exchange("GET", "/2/dm_events", answer=b"no json"), {}),
        (exchange("POST", "/2/oauth2/token"), {}),
        (exchange("POST", "/2/media/upload/initialize"), {}),
    ],
)
def test_what_x_charges_for_an_exchange(said: Exchange, charged: dict[str, int]) -> None:
    assert X.tariff is not None
    assert X.tariff.items_in(said, "7") == charged


def test_what_is_priced_is_what_can_be_set() -> None:
    assert X.tariff is not None
    assert set(X_ITEMS) == set(X.tariff.prices)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with XRig() as rig:
        yield rig


def test_the_wire_tells_of_every_call_also_of_one_whose_answer_was_lost(rig: Rig) -> None:
    heard: list[tuple[str, str, int]] = []
    wire = rig.wire.heard_by(lambda e: heard.append((e.method, e.path, e.status)))
    publisher = rig.publisher(rig.connect(), wire)
    publisher.send(Draft("one"), {}, "")
    rig.plant("reset_after")
    with pytest.raises(ChannelError):
        publisher.send(Draft("two"), {}, "")
    assert heard == [("POST", "/2/tweets", 201), ("POST", "/2/tweets", 0)]


def test_a_listener_that_fails_undoes_no_send(rig: Rig) -> None:
    def fail(_: Exchange) -> None:
        raise ValueError("no")

    receipt = rig.publisher(rig.connect(), rig.wire.heard_by(fail)).send(Draft("one"), {}, "")
    assert receipt.remote_id


def test_a_direct_message_is_priced_as_one() -> None:
    cost = X.cost(Draft("see https://example.com/", surface=Surface.DIRECT))
    assert cost is not None
    assert (cost.amount, cost.reason) == (0.015, "direct")
