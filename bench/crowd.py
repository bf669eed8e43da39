"""A database as full as one wants: conversations of 20 accounts, what was said in them, and its index.

PostgreSQL makes the rows itself, in bulk: indexes are dropped before and built after, and
foreign keys are not looked at. What was said is put together from sentences whose words are
as rare and as common as words are (the n-th most common is said 1/n as often), each indexed
by `guichet.inbox.lexicon` as a real one is.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from guichet.db.tokens import as_tsvector
from guichet.inbox import lexicon
from guichet.models import Base, Conversation, Customer, Identity, Message, table_of
from guichet.policy import SYSTEM
from guichet.staff.operations import create_token_for
from tests.factories import make_account, make_brand, make_grant, make_staff

ACCOUNTS = 20
_STRANGE = 2  # accounts beside them with as many conversations, which the agent may not see
_PEOPLE = 1_000_000  # at most so many customers
_SENTENCES = 1 << 16
_VOCABULARY = 30_000
_LENGTH = 7  # words of a sentence
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "ve")

_PEOPLE_SQL = """
INSERT INTO customer (id, name, note, language, is_vip, is_blocked, created_at)
SELECT g, 'Customer ' || g, '', '', false, false, now() FROM generate_series(CAST(:first AS int), CAST(:last AS int)) g;
INSERT INTO identity (id, customer_id, network, remote_id, handle, name, avatar_url, url, created_at, seen_at)
SELECT g, g, 'mastodon', 'p' || g, 'p' || g, '', '', '', now(), now()
FROM generate_series(CAST(:first AS int), CAST(:last AS int)) g
"""

_CONVERSATIONS_SQL = """
INSERT INTO conversation (id, account_id, identity_id, thread_root, part, surface, state, priority, subject, language,
  preview, awaits, waiting_since, cycle, message_count, last_message_id, can_reply, cannot_reply_reason, above,
  created_at, last_message_at, version)
SELECT g, 1 + g % CAST(:accounts AS int), 1 + g % CAST(:people AS int), 'root' || g, 0, 'public',
  CASE (g / CAST(:accounts AS int)) % 20 WHEN 0 THEN 'open' WHEN 1 THEN 'new' ELSE 'resolved' END, 1, '', 'en',
  'Where is my suitcase?', '',
  CASE WHEN (g / CAST(:accounts AS int)) % 20 < 2 THEN now() - (random() * interval '300 days') END, 1,
  CAST(:each AS int), g * CAST(:each AS bigint), true, '', '{}', now(), now() - (random() * interval '300 days'), 1
FROM generate_series(CAST(:first AS int), CAST(:last AS int)) g
"""

_MESSAGES_SQL = """
INSERT INTO message (id, conversation_id, account_id, direction, kind, remote_id, identity_id, text, html, subject,
  language, in_reply_to, url, is_automatic, can_reply, cannot_reply_reason, context, remote_at, received_at, sort_at)
SELECT (c.id - 1) * CAST(:each AS bigint) + n, c.id, c.account_id, 'in', 'mention', 'm' || c.id || '-' || n,
  c.identity_id, a.said || '. ' || b.said || '.', '', '', 'en', '', '', false, true, '', '{}',
  c.last_message_at, c.last_message_at, c.last_message_at
FROM conversation c CROSS JOIN generate_series(1, CAST(:each AS int)) n
JOIN bench_sentence a ON a.id = hashint8extended((c.id - 1) * CAST(:each AS bigint) + n, 1) & CAST(:mask AS bigint)
JOIN bench_sentence b ON b.id = hashint8extended((c.id - 1) * CAST(:each AS bigint) + n, 2) & CAST(:mask AS bigint)
WHERE c.id BETWEEN CAST(:first AS int) AND CAST(:last AS int)
"""

_WORDS_SQL = """
INSERT INTO message_search (message_id, account_id, words)
SELECT m.id, m.account_id, a.words || b.words FROM message m
JOIN bench_sentence a ON a.id = hashint8extended(m.id, 1) & CAST(:mask AS bigint)
JOIN bench_sentence b ON b.id = hashint8extended(m.id, 2) & CAST(:mask AS bigint)
"""

_COUNT_SQL = """
DELETE FROM conversation_count;
INSERT INTO conversation_count (account_id, state, team_id, assignee_id, n)
SELECT account_id, state, 0, 0, count(*) FROM conversation GROUP BY 1, 2
"""


class Crowd:
    """The database behind `engine`, emptied first. `each`: messages in every conversation."""

    def __init__(self, engine: Engine, each: int) -> None:
        self._engine, self._each = engine, each
        self._sentences = _sentences()
        self.size = 0
        Base.metadata.create_all(engine)
        with Session(engine) as session, session.begin():
            brand = make_brand(session)
            accounts = [make_account(session, brand) for _ in range(ACCOUNTS + _STRANGE)]
            agent = make_staff(session)
            for account in accounts[:ACCOUNTS]:
                make_grant(session, agent, account, "agent")
            now = datetime.now(UTC)
            _, self.token = create_token_for(
                session, SYSTEM, agent, name="bench", scopes=["read"], expires_at=None, now=now
            )
        with engine.begin() as c:
            c.execute(text("CREATE TABLE bench_sentence (id bigint PRIMARY KEY, said text, words tsvector)"))
            c.execute(
                text("INSERT INTO bench_sentence VALUES (:id, :said, CAST(:words AS tsvector))"),
                [
                    {"id": n, "said": said, "words": as_tsvector(lexicon.document([said], []))}
                    for n, said in enumerate(self._sentences)
                ],
            )

    def grow(self, size: int, *, is_indexed: bool) -> None:
        """Let there be `size` conversations. `is_indexed`: what was said can be searched."""
        given = {
            "first": self.size + 1, "last": size, "each": self._each, "accounts": ACCOUNTS + _STRANGE,
            "people": min(_PEOPLE, size), "mask": _SENTENCES - 1,
        }  # fmt: skip
        tables = [table_of(t) for t in (Customer, Identity, Conversation, Message)]
        indexes = [index for table in tables for index in table.indexes]
        with self._engine.begin() as c:
            for setting in ("session_replication_role = replica", "maintenance_work_mem = '1GB'"):
                c.execute(text(f"SET LOCAL {setting}"))
            for index in indexes:
                index.drop(c)
            if self.size < given["people"]:
                _run(c, _PEOPLE_SQL, {**given, "last": given["people"]})
            _run(c, _CONVERSATIONS_SQL, given)
            _run(c, _MESSAGES_SQL, given)
            for index in indexes:
                index.create(c)
            _run(c, _COUNT_SQL, given)
            if is_indexed:
                c.execute(text("DROP INDEX ix_message_search_words"))
                _run(c, _WORDS_SQL, given)
                c.execute(text("CREATE INDEX ix_message_search_words ON message_search USING gin (words)"))
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
            c.execute(text("VACUUM ANALYZE"))
        self.size = size

    def words_said(self, times: int) -> list[str]:
        """Words that stand in about so many messages, the nearest to it first."""
        here = Counter(word for said in self._sentences for word in set(said.split()))
        share = 2 * self.size * self._each / _SENTENCES  # messages that one sentence stands in
        return sorted(here, key=lambda word: (abs(here[word] * share - times), word))


def _sentences() -> Sequence[str]:
    """The same in every run."""
    dice = random.Random(2026)
    words = [_word(n) for n in range(_VOCABULARY)]
    weights = list(accumulate(1 / (n + 1) for n in range(_VOCABULARY)))
    return [" ".join(dice.choices(words, cum_weights=weights, k=_LENGTH)) for _ in range(_SENTENCES)]


def _word(n: int) -> str:
    """The n-th word: none is another's beginning, nor has another's stem."""
    at = f"{n:04x}"
    return "".join(_SYLLABLES[int(digit, 16)] for digit in at) + "q"


def _run(connection: Connection, script: str, given: dict[str, int]) -> None:
    for statement in script.split(";\n"):
        connection.execute(text(statement), given)
