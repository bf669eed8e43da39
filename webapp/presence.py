"""Who looks at, or writes in, a conversation just now. Kept in Redis for seconds: a hint for
people, never a lock (claims are rows). Without Redis nobody seems to be there."""

from __future__ import annotations

import json
from datetime import datetime

from redis import Redis
from redis.exceptions import RedisError

LASTS = 30  # seconds after the last sign


def sign(redis: Redis, conversation_id: int, staff_id: int, doing: str, *, now: datetime) -> bool:
    """Say that this person is "viewing" or "writing", or ("") has left. True when that is
    news to the others, who are then worth telling; a repeated sign is none."""
    key, who = _key(conversation_id), str(staff_id)
    try:
        with redis.pipeline(transaction=True) as pipe:
            pipe.hget(key, who)
            if doing:
                pipe.hset(key, who, json.dumps([now.timestamp(), doing]))
                pipe.expire(key, LASTS)
            else:
                pipe.hdel(key, who)
            before = pipe.execute()[0]
    except RedisError:
        return False
    return _doing(before, now) != doing


def others(redis: Redis, conversation_id: int, staff_id: int, now: datetime) -> dict[int, bool]:
    """Who else is here, and whether they write."""
    try:
        found = redis.hgetall(_key(conversation_id))
    except RedisError:
        return {}
    here = {int(who): _doing(what, now) for who, what in dict(found).items()}  # type: ignore[arg-type]
    return {who: doing == "writing" for who, doing in here.items() if doing and who != staff_id}


def _doing(kept: str | bytes | None, now: datetime) -> str:
    if kept is None:
        return ""
    at, doing = json.loads(kept)
    return str(doing) if now.timestamp() - at < LASTS else ""


def _key(conversation_id: int) -> str:
    return f"guichet:here:{conversation_id}"
