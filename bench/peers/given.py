"""The tickets, the same in all three: those of `bench.crowd`, brought from Guichet's database into a peer's.

There they stand in tables of their own (given_ticket, given_message, given_customer), from which
the peer's `load.sql` makes what its own programs would have written.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

EACH = 3  # messages in every ticket

_TABLES = """
CREATE TABLE given_ticket (id int PRIMARY KEY, queue int, state text, customer int, subject text, said_at timestamp);
CREATE TABLE given_message (id bigint PRIMARY KEY, ticket int, n int, said text);
CREATE TABLE given_customer (id int PRIMARY KEY)
"""
_COPIES = {
    "given_ticket": """SELECT id, account_id, state, identity_id, preview,
        date_trunc('second', last_message_at AT TIME ZONE 'UTC')
        FROM conversation WHERE thread_root LIKE 'root%' ORDER BY id""",
    "given_message": """SELECT id, conversation_id, row_number() OVER (PARTITION BY conversation_id ORDER BY id), text
        FROM message ORDER BY id""",
    "given_customer": "SELECT id FROM customer ORDER BY id",
}


def bring(source: str, target: str, load: Path) -> None:
    """Fill the peer's database at `target` with what stands in Guichet's at `source`."""
    with psycopg.connect(plain(source)) as ours, psycopg.connect(plain(target)) as theirs:
        theirs.execute(_TABLES)
        for table, asked in _COPIES.items():
            with (
                ours.cursor().copy(f"COPY ({asked}) TO STDOUT") as out,
                theirs.cursor().copy(f"COPY {table} FROM STDIN") as into,
            ):
                for part in out:
                    into.write(part)
        theirs.execute("ANALYZE given_ticket, given_message, given_customer")
        theirs.execute(load.read_text())
        theirs.execute("DROP TABLE given_ticket, given_message, given_customer")


def rest(target: str) -> None:
    """What a database that has stood for a while would have done by itself."""
    with psycopg.connect(plain(target), autocommit=True) as c:
        c.execute("VACUUM ANALYZE")


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
