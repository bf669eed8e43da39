"""Who else looks at a conversation or writes in it, with a real Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis

from guichet.errors import Invalid
from guichet.inbox.presence import LASTS, Present, leave, show, who_is_there
from tests.valkeys import running_valkey


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Redis]:
    with running_valkey(tmp_path) as redis:
        yield redis


def test_who_looks_and_who_writes_is_known_for_seconds(valkey: Redis, now: datetime) -> None:
    show(valkey, 1, 11, "viewing", now)
    show(valkey, 1, 12, "writing", now)
    show(valkey, 2, 11, "viewing", now)
    assert who_is_there(valkey, [1, 2, 3], now) == {
        1: [Present(11, "viewing"), Present(12, "writing")],
        2: [Present(11, "viewing")],
    }
    show(valkey, 1, 11, "viewing", now + LASTS)  # goes on looking; the other closed the window without a word
    assert who_is_there(valkey, [1, 2], now + LASTS + timedelta(seconds=1)) == {1: [Present(11, "viewing")]}


def test_who_writes_also_looks_and_who_stops_writing_is_shown_so(valkey: Redis, now: datetime) -> None:
    show(valkey, 1, 11, "viewing", now)
    show(valkey, 1, 11, "writing", now)
    assert who_is_there(valkey, [1], now) == {1: [Present(11, "writing")]}
    show(valkey, 1, 11, "viewing", now)
    assert who_is_there(valkey, [1], now) == {1: [Present(11, "viewing")]}
    leave(valkey, 1, 11)
    assert who_is_there(valkey, [1], now) == {}


def test_nothing_is_left_behind_and_only_known_words_are_taken(valkey: Redis, now: datetime) -> None:
    show(valkey, 1, 11, "viewing", now)
    (key,) = valkey.keys("guichet:presence:*")
    assert 0 < valkey.ttl(key) <= LASTS.total_seconds() * 2
    with pytest.raises(Invalid):
        show(valkey, 1, 11, "sleeping", now)


def test_only_what_changes_is_news(valkey: Redis, now: datetime) -> None:
    assert show(valkey, 1, 11, "viewing", now)
    assert not show(valkey, 1, 11, "viewing", now + timedelta(seconds=10))
    assert show(valkey, 1, 11, "writing", now + timedelta(seconds=11))
    assert show(valkey, 1, 11, "viewing", now + timedelta(seconds=12))
    assert show(valkey, 1, 11, "viewing", now + timedelta(seconds=12) + LASTS * 2), "they had gone and came back"
    assert leave(valkey, 1, 11)
    assert not leave(valkey, 1, 11)
