"""A search finds the same, in the same order, whether few messages hold its words or very many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.db import word_index
from guichet.inbox import lexicon, queries
from guichet.inbox.queries import Filters
from guichet.policy import SYSTEM
from tests import factories as f

MANY = 5200
START = datetime(2026, 1, 1, tzinfo=UTC)

# What the n-th conversation says: all but "rare" so often that conversations are asked one by one.
SAID: dict[str, Callable[[int], bool]] = {
    "everywhere": lambda n: n % 12 != 5,
    "formerly": lambda n: n < 3100 or n % 1000 == 99,  # few of the newest
    "rare": lambda n: n % 600 == 7,
}


@pytest.fixture
def crowd(session: Session) -> Session:
    """Two accounts with conversations of one message, every third of which waits."""
    ids = [f.make_account(session).id for _ in range(2)]
    who = f.make_customer(session).id
    conversations, messages, words = [], [], []
    for n in range(MANY):
        at, account_id = START + timedelta(minutes=n), ids[n % 2]
        said = " ".join(word for word, is_said in SAID.items() if is_said(n)) or "nothing"
        conversations.append({
            "id": n + 1, "account_id": account_id, "identity_id": who, "thread_root": f"r{n}", "surface": "public",
            "state": "open" if n % 4 else "resolved", "waiting_since": at if n % 3 == 0 else None,
            "created_at": at, "last_message_at": at,
        })  # fmt: skip
        messages.append({
            "id": n + 1, "conversation_id": n + 1, "account_id": account_id, "direction": "in", "kind": "mention",
            "remote_id": f"m{n}", "identity_id": who, "text": said, "remote_at": at, "received_at": at, "sort_at": at,
        })  # fmt: skip
        words.append((n + 1, account_id, lexicon.document([said], [])))
    session.execute(insert(m.Conversation), conversations)
    session.execute(insert(m.Message), messages)
    word_index.index_words(session, words)
    session.commit()
    return session


def pages(session: Session, order: str, filters: Filters) -> list[int]:
    """The ids of the first pages, one after the other."""
    ids: list[int] = []
    after = ""
    for _ in range(4):
        page = queries.list_conversations(session, SYSTEM, filters, order=order, after=after, limit=40)
        ids += [row.id for row in page.items]
        after = page.next_cursor
        if not after:
            break
    return ids


def expected(order: str, word: str, states: tuple[str, ...]) -> list[int]:
    def key(n: int) -> tuple[bool, int]:
        waits = order == "oldest_waiting" and n % 3 == 0
        return (not waits, n if waits else -n)

    met = [n for n in range(MANY) if SAID[word](n) and ("all" in states or n % 4)]
    return [n + 1 for n in sorted(met, key=key)][:160]


@pytest.mark.parametrize("order", ["newest", "oldest_waiting"])
def test_what_is_found_and_its_order_do_not_hang_on_how_often_it_was_said(crowd: Session, order: str) -> None:
    for word in SAID:
        for states in ((), ("all",)):
            found = pages(crowd, order, Filters(states=states, text=word))
            assert found == expected(order, word, states), (word, states)


def test_what_was_said_often_is_counted_and_narrowed_further(crowd: Session) -> None:
    every = ("all",)
    assert queries.count_conversations(crowd, SYSTEM, Filters(states=every, text="rare")).n == 9
    assert queries.count_conversations(crowd, SYSTEM, Filters(text="everywhere")) == queries.Count(999, True)
    rare = [id_ for id_ in expected("newest", "rare", every) if id_ <= 3100]
    assert pages(crowd, "newest", Filters(states=every, text="formerly rare")) == rare
    assert pages(crowd, "newest", Filters(text="everywhere -formerly"))[-1] > 3100
