"""An agent's pages over 20 accounts, through HTTP, at 10,000, 1,000,000 and 10,000,000 conversations.

On PostgreSQL, with the rights of an agent who may see 20 of 22 accounts. Lists go by keyset
over one index walk for each account, badges come from counter rows, so nothing should grow
with the number of conversations. The floor is a bare page of the same server, which runs the
one query of the list over psycopg, and no rights.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.crowd import ACCOUNTS, Crowd
from bench.databases import fresh
from bench.figures import Figure, median, percentile, timed
from bench.serving import Visitor, serve, served
from guichet.db.engine import open_engine

SIZES = (10_000, 1_000_000, 10_000_000)
RUNS = 200
FLOOR = "/bench/list"
_THREADS = 40  # conversations that are opened in turns

_FLOOR_SQL = """
SELECT c.id, c.subject, c.preview, c.state, c.last_message_at, i.handle FROM conversation c
JOIN identity i ON i.id = c.identity_id WHERE c.account_id = 1 AND c.state = 'open'
ORDER BY c.last_message_at DESC, c.id DESC LIMIT 25
"""


def measure() -> Iterator[Figure]:
    found: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, fresh("PostgreSQL", Path(folder)) as url:
        engine = open_engine(url)
        crowd = Crowd(engine, each=1)
        for size in SIZES:
            crowd.grow(size, is_indexed=False)
            with served("bench.lists", url, Path(folder) / str(size)) as port:
                for name, visit in _visits(Visitor(port, crowd.token), size).items():
                    found[name, size] = took = timed(visit, RUNS)
                    yield Figure(f"{name} at {size:,} conversations, p50", median(took), "ms")
                    yield Figure(f"{name} at {size:,} conversations, p95", percentile(took, 0.95), "ms")
        engine.dispose()
    for name in dict.fromkeys(name for name, _ in found):
        growth = percentile(found[name, SIZES[-1]], 0.95) / percentile(found[name, SIZES[0]], 0.95)
        yield Figure(f"growth of the p95: {name}", growth, "×", goal=1.5, at_least=False)
    for size in SIZES:
        ratio = median(found["list and badges", size]) / median(found["bare page", size])
        yield Figure(f"list and badges, of a bare page, at {size:,}", ratio, "×", goal=5, at_least=False)


def _visits(visitor: Visitor, size: int) -> dict[str, Callable[[], object]]:
    turns = iter(range(10**9))

    def list_and_badges() -> None:
        assert len(visitor.get("/api/v1/conversations?limit=25")["items"]) == 25
        visitor.get("/api/v1/conversations/badges")

    def thread() -> None:
        id_ = 1 + next(turns) % _THREADS * (size // _THREADS)
        while id_ % (ACCOUNTS + 2) >= ACCOUNTS:  # of an account that the agent may not see
            id_ += 1
        visitor.get(f"/api/v1/conversations/{id_}")
        assert visitor.get(f"/api/v1/conversations/{id_}/messages")["items"]

    return {
        "bare page": lambda: visitor.get(FLOOR),
        "list and badges": list_and_badges,
        "open thread": thread,
        "views with their counts": lambda: visitor.get("/api/v1/views"),
    }


def _application() -> Any:
    """The application, with the page that it is compared with."""
    import psycopg
    from flask import Blueprint, jsonify
    from psycopg.rows import dict_row
    from sqlalchemy.engine import make_url

    from webapp.gate import policy
    from webapp.wsgi import app, settings

    url = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(url, autocommit=True, row_factory=dict_row)
    pages = Blueprint("bench", __name__)

    @pages.get(FLOOR)
    @policy(public=True)
    def bare() -> Any:
        return jsonify(connection.execute(_FLOOR_SQL).fetchall())

    app.register_blueprint(pages)
    return app


if __name__ == "__main__":
    serve(_application)
