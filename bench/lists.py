"""The inbox list with its badges over 20 accounts, at 10,000 and at 1,000,000 conversations on PostgreSQL.

The list goes by keyset over one index walk per account, the badges come from counter
rows, so neither should grow with the number of conversations.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from bench.figures import Figure, median, percentile, timed
from guichet.db.engine import open_engine
from guichet.inbox import queries
from guichet.models import Base
from guichet.policy import SYSTEM
from tests.databases import postgres_url
from tests.factories import make_account, make_brand

ACCOUNTS = 20
SIZES = (10_000, 1_000_000)
RUNS = 200

_FILL = """
INSERT INTO customer (id, name, note, language, is_vip, is_blocked, created_at)
SELECT g, 'Customer ' || g, '', '', false, false, now()
FROM generate_series(CAST(:from AS int), CAST(:to AS int)) g;
INSERT INTO identity (id, customer_id, network, remote_id, handle, name, avatar_url, url, created_at, seen_at)
SELECT g, g, 'mastodon', 'p' || g, 'p' || g, '', '', '', now(), now()
FROM generate_series(CAST(:from AS int), CAST(:to AS int)) g;
INSERT INTO conversation (id, account_id, identity_id, thread_root, surface, state, priority, subject, language,
  preview, waiting_since, cycle, message_count, can_reply, cannot_reply_reason, above, created_at, last_message_at,
  version)
SELECT g, 1 + g % CAST(:accounts AS int), g, 'root' || g, 'public',
  CASE WHEN g % 20 = 0 THEN 'open' WHEN g % 20 = 1 THEN 'new' ELSE 'resolved' END, 1, '', 'en',
  'Where is my suitcase?', CASE WHEN g % 20 < 2 THEN now() - (random() * interval '300 days') END, 1, 1, true, '', '{}',
  now(), now() - (random() * interval '300 days'), 1
FROM generate_series(CAST(:from AS int), CAST(:to AS int)) g;
"""

_COUNT = """
INSERT INTO conversation_count (account_id, state, team_id, assignee_id, n)
SELECT account_id, state, 0, 0, count(*) FROM conversation GROUP BY 1, 2
"""


def measure() -> Iterator[Figure]:
    engine = open_engine(postgres_url())
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        brand = make_brand(session)
        for _ in range(ACCOUNTS):
            make_account(session, brand)
    found: dict[int, float] = {}
    filled = 0
    for size in SIZES:
        _fill(engine, filled + 1, size)
        filled = size
        took = timed(lambda: _open_inbox(engine), RUNS)
        found[size] = median(took)
        yield Figure(f"list and badges at {size:,} conversations, p50", median(took), "ms")
        yield Figure(f"list and badges at {size:,} conversations, p95", percentile(took, 0.95), "ms")
    yield Figure("growth of the p50", found[SIZES[-1]] / found[SIZES[0]], "×", goal=1.5, at_least=False)
    plain = timed(lambda: _count_plainly(engine), 5)
    yield Figure("the same badges by count(*), for comparison", median(plain), "ms")
    Base.metadata.drop_all(engine)


def _fill(engine: Engine, first: int, last: int) -> None:
    with engine.begin() as c:
        for statement in filter(str.strip, _FILL.split(";\n")):
            c.execute(text(statement), {"from": first, "to": last, "accounts": ACCOUNTS})
        c.execute(text("DELETE FROM conversation_count"))
        c.execute(text(_COUNT))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.execute(text("VACUUM ANALYZE"))


def _open_inbox(engine: Engine) -> None:
    with Session(engine) as session:
        page = queries.list_conversations(session, SYSTEM, limit=25)
        assert len(page.items) == 25
        queries.read_badges(session, SYSTEM)


def _count_plainly(engine: Engine) -> None:
    with engine.connect() as c:
        c.execute(text("SELECT account_id, state, count(*) FROM conversation GROUP BY 1, 2")).all()
