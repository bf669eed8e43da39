"""Who looks at, or writes in, a conversation just now. Kept in Redis for seconds: a hint for
people, never a lock (claims are rows). Without Redis nobody seems to be there."""

from __future__ import annotations

import json
from datetime import datetime

from redis import Redis
from redis.exceptions import RedisError

LASTS = 30  # seconds after the last sign


def sign(redis: Redis, conversation_id: int, staff_id: int, *, writing: bool, now: datetime) -> None:
    """Say that this person is here."""
    key = _key(conversation_id)
    try:
        with redis.pipeline(transaction=False) as pipe:
            pipe.hset(key, str(staff_id), json.dumps([now.timestamp(), writing]))
            pipe.expire(key, LASTS)
            pipe.execute()
    except RedisError:
        return


def others(redis: Redis, conversation_id: int, staff_id: int, now: datetime) -> dict[int, bool]:
    """Who else is here, and whether they write."""
    try:
        found = redis.hgetall(_key(conversation_id))
    except RedisError:
        return {}
    here: dict[int, bool] = {}
    for who, what in dict(found).items():  # type: ignore[arg-type]
        at, writing = json.loads(what)
        if int(who) != staff_id and now.timestamp() - at < LASTS:
            here[int(who)] = bool(writing)
    return here


def _key(conversation_id: int) -> str:
    return f"guichet:here:{conversation_id}"
