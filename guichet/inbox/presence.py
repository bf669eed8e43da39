"""Who else is looking at a conversation, or writing in it, right now.

Kept in Redis only and for seconds; without Redis nobody is shown and nothing else changes.
Rights are the caller's matter: ask for conversations that the reader may see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError

from channels.sentences import say
from guichet.errors import Invalid

log = structlog.get_logger(__name__)

LASTS = timedelta(seconds=20)
WHATS = ("viewing", "writing")


@dataclass(frozen=True)
class Present:
    """Somebody who is there. Who writes also looks."""

    staff_id: int
    what: str


def show(redis: Redis, conversation_id: int, staff_id: int, what: str, now: datetime) -> bool:
    """Say that somebody is there for the next LASTS seconds. True when that is news to the
    others, who are then worth telling. Raises Invalid for another `what`."""
    if what not in WHATS:
        raise Invalid("one is viewing or writing", {"what": say("must be one of {choices}", choices=", ".join(WHATS))})
    key = _key(conversation_id)
    try:
        with redis.pipeline(transaction=False) as pipe:
            _ask(pipe, key, staff_id)
            pipe.zadd(key, {f"{staff_id}:{what}": (now + LASTS).timestamp()})
            if what == "viewing":
                pipe.zrem(key, f"{staff_id}:writing")
            pipe.expire(key, LASTS * 2)
            return _was(pipe.execute(), now) != what
    except RedisError as e:
        log.debug("presence_not_kept", error=type(e).__name__)
        return False


def leave(redis: Redis, conversation_id: int, staff_id: int) -> bool:
    """They are gone. True when they were there."""
    try:
        return bool(redis.zrem(_key(conversation_id), *(f"{staff_id}:{what}" for what in WHATS)))
    except RedisError as e:
        log.debug("presence_not_kept", error=type(e).__name__)
        return False


def _ask(pipe: Pipeline, key: str, staff_id: int) -> None:
    for what in WHATS:
        pipe.zscore(key, f"{staff_id}:{what}")


def _was(answers: Sequence[Any], now: datetime) -> str:
    """What they did before, from the first answers of a pipeline; "" for nothing."""
    there = [what for what, until in zip(WHATS, answers, strict=False) if until is not None and until > now.timestamp()]
    return there[-1] if there else ""


def who_is_there(redis: Redis, conversation_ids: Sequence[int], now: datetime) -> dict[int, list[Present]]:
    """Everybody present, by conversation; only those where somebody is. Empty without Redis."""
    try:
        with redis.pipeline(transaction=False) as pipe:
            for id_ in conversation_ids:
                pipe.zrangebyscore(_key(id_), now.timestamp(), "+inf")
            found = pipe.execute()
    except RedisError as e:
        log.debug("presence_not_known", error=type(e).__name__)
        return {}
    return {id_: _present(names) for id_, names in zip(conversation_ids, found, strict=True) if names}


def _present(names: Sequence[bytes | str]) -> list[Present]:
    whats: dict[int, str] = {}
    for name in names:
        staff_id, _, what = (name.decode() if isinstance(name, bytes) else name).partition(":")
        if whats.get(int(staff_id)) != "writing":
            whats[int(staff_id)] = what
    return [Present(staff_id, what) for staff_id, what in sorted(whats.items())]


def _key(conversation_id: int) -> str:
    return f"guichet:presence:{conversation_id}"
