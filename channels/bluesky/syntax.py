"""The names of the AT Protocol: handles, DIDs, record keys and record addresses.

They come from outside or are typed by people, so each is checked whole before it
is put into a request. Nothing here repairs a bad name: it is refused.
Source: atproto.com/specs/handle, /did, /tid and /at-uri-scheme.
"""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from channels.errors import Malformed
from channels.sentences import say

_HANDLE = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.I | re.A)
_DID = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]", re.A)
_RKEY = re.compile(r"[a-zA-Z0-9_~.:-]{1,512}", re.A)
_NSID = re.compile(
    r"[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+"
    r"\.[a-zA-Z][a-zA-Z0-9]{0,62}",
    re.A,
)
_TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}", re.A)
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_handle(text: str) -> bool:
    """Whether `text` has the form of a handle (a domain name of at most 253 characters)."""
    return len(text) <= 253 and _HANDLE.fullmatch(text) is not None


def is_did(text: str) -> bool:
    """Whether `text` has the form of a DID."""
    return len(text) <= 2048 and _DID.fullmatch(text) is not None


def is_nsid(text: str) -> bool:
    """Whether `text` has the form of a name for a method or a collection."""
    return len(text) <= 317 and _NSID.fullmatch(text) is not None


def is_tid(text: str) -> bool:
    """Whether `text` is a timestamp identifier, the only record key that posts may have."""
    return _TID.fullmatch(text) is not None


@dataclass(frozen=True)
class Address:
    """Where one record stands: whose repository, which collection, which key."""

    did: str
    collection: str
    rkey: str

    def __str__(self) -> str:
        return f"at://{self.did}/{self.collection}/{self.rkey}"


def parse_address(uri: str) -> Address:
    """The parts of a record's `at://` address. Raises Malformed where it is not one of a
    record in a repository that a DID names."""
    did, collection, rkey = [*uri.removeprefix("at://").split("/"), "", ""][:3]
    if (
        not uri.startswith("at://")
        or uri.count("/") != 4
        or not is_did(did)
        or not is_nsid(collection)
        or not _RKEY.fullmatch(rkey)
        or rkey in (".", "..")
    ):
        raise Malformed(say("not the address of a record: “{uri}”", uri=uri[:200]))
    return Address(did, collection, rkey)


# ---------------------------------------------------------------- timestamp identifiers


def write_tid(microseconds: int, clock: int) -> str:
    """The identifier for a moment (µs since 1970) and a clock number below 1,024."""
    value = (microseconds << 10) | clock
    return "".join(_DIGITS[(value >> shift) & 31] for shift in range(60, -1, -5))


def time_of_tid(tid: str) -> datetime:
    """The moment that an identifier carries. Raises Malformed where it is none."""
    if not is_tid(tid):
        raise Malformed(say("not a timestamp identifier: “{tid}”", tid=tid[:40]))
    value = 0
    for digit in tid:
        value = (value << 5) | _DIGITS.index(digit)
    return _EPOCH + timedelta(microseconds=value >> 10)


class TidClock:
    """Makes identifiers that never repeat in this process, and between processes only if
    both the microsecond and a random clock number coincide.

    Several keys are often wanted for one `now` (the items of a thread); each of them
    gets a microsecond of its own, in order.
    """

    def __init__(self, clock: int | None = None) -> None:
        self._clock = secrets.randbelow(1024) if clock is None else clock
        self._last = 0
        self._lock = threading.Lock()

    def next(self, now: datetime) -> str:
        wanted = (now - _EPOCH) // timedelta(microseconds=1)
        with self._lock:
            if wanted <= self._last < wanted + 1_000_000:
                wanted = self._last + 1
            self._last = wanted
        return write_tid(wanted, self._clock)


def datetime_text(when: datetime) -> str:
    """A moment as records carry it: RFC 3339 in UTC with milliseconds and Z."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_datetime(text: str) -> datetime:
    """A record's moment as aware UTC. Raises Malformed."""
    try:
        when = datetime.fromisoformat(text)
    except (TypeError, ValueError) as e:
        raise Malformed(say("not a moment in time: “{text}”", text=str(text)[:60])) from e
    if when.tzinfo is None:
        raise Malformed(say("a moment without its zone: “{text}”", text=text[:60]))
    return when.astimezone(UTC)
