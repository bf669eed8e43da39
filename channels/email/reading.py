"""Reading a mailbox by UIDVALIDITY and UID (RFC 3501 §2.3.1.1), never by what is unread.

The folder is opened read-only, so nothing of it changes. When the server numbers its
mails anew, everything since the last mail seen is read again: the keys of the items
(parsing.delivery_key) make known mails known. A mail that the server cannot hand over
becomes an item that says so, and the next one is read.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from channels.contract import JSON, Connection, Inbound, Page, RawItem
from channels.email.dialing import BROKEN, ImapLine, imap_line
from channels.email.parsing import INBOX, SENT, delivery_key, parse, sent_before
from channels.email.settings import mailbox_of
from channels.errors import Unavailable
from channels.sentences import say, to_json
from channels.wire import Wire

LOOK_BACK = timedelta(days=1)  # IMAP searches by day; less cannot be asked for
PAGE_MAILS = 25
PAGE_BYTES = 16_000_000
WHOLE_MAIL = 25_000_000  # bytes up to which a mail is fetched whole
CUT_MAIL = 1_000_000  # what is fetched of a larger one
LONGEST = 75.0  # seconds of one page: what was read until then counts
STUMBLES = 3  # times that one mail may break the line before it is set aside
_MARGIN = timedelta(days=2)  # for servers that give new arrival dates when they number anew


class MailReader:
    """The inbox of one mailbox, and its Sent folder where it has one: what staff wrote
    there from their own mail program are our account's echoes."""

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._mailbox = mailbox_of(connection.settings)
        self._secrets, self._wire = connection.secrets, wire
        self._folders = {INBOX: "INBOX"}
        if connection.settings.get("sent_folder"):
            self._folders[SENT] = str(connection.settings["sent_folder"])
        self.streams: Sequence[str] = tuple(self._folders)

    def poll(self, stream: str, cursor: JSON | None) -> Page:
        """Up to a page of mails after `cursor` ({uidvalidity, uid, seen_at, since}).

        Raises KeyError for an unknown stream, Unavailable, AuthExpired.
        """
        deadline = min(4 * self._wire.deadline, LONGEST)
        with imap_line(self._mailbox, self._secrets, self._wire, deadline=deadline) as line:
            opened = line.select_folder(self._folders[stream], readonly=True)
            validity = int(opened.get(b"UIDVALIDITY", 0))
            place = _place(line, cursor, validity, int(opened.get(b"UIDNEXT", 0)))
            waiting = sorted(uid for uid in line.search(["UID", f"{place['uid'] + 1}:*"]) if uid > place["uid"])
            return _page(line, stream, place, waiting)

    def parse(self, item: RawItem) -> Sequence[Inbound]:
        return parse(item, self._mailbox.address)


def _place(line: ImapLine, cursor: JSON | None, validity: int, uid_next: int) -> JSON:
    """Where to read on from. Also for a first visit, and after a renumbering."""
    now = datetime.now(UTC)
    if cursor is None:
        return _from_day(line, validity, uid_next, now - LOOK_BACK, {"since": (now - LOOK_BACK).isoformat()})
    if cursor["uidvalidity"] == validity:
        return dict(cursor)
    seen_at = datetime.fromisoformat(cursor.get("seen_at") or cursor["since"])
    place = _from_day(line, validity, uid_next, seen_at - _MARGIN, {"since": cursor["since"]})
    place["seen_at"] = cursor.get("seen_at")
    place["only"] = (datetime.fromisoformat(cursor["since"]) - timedelta(days=30)).isoformat()
    return place


def _from_day(line: ImapLine, validity: int, uid_next: int, day: datetime, more: JSON) -> JSON:
    found = line.search(["SINCE", day.date()])
    return {"uidvalidity": validity, "uid": min(found) - 1 if found else max(uid_next - 1, 0), **more}


def _is_older(item: RawItem, place: JSON) -> bool:
    """After a renumbering, arrival dates may all be new. Whether a mail says that it was sent
    long before the account was connected; one that says nothing is not. (Not left to the
    server: Dovecot finds a mail without a date to be sent before any day.)"""
    return "only" in place and sent_before(item.body, datetime.fromisoformat(place["only"]))


def _page(line: ImapLine, stream: str, place: JSON, waiting: list[int]) -> Page:
    items: list[RawItem] = []
    size = 0
    for uid in waiting[:PAGE_MAILS]:
        try:
            item, arrived = _item(line, stream, uid, place)
        except BROKEN as e:
            return _stumbled(e, stream, items, place, uid)
        if items and size + len(item.body) > PAGE_BYTES:
            break
        if not _is_older(item, place):
            items.append(item)
            size += len(item.body)
        place = {**place, "uid": uid, "seen_at": arrived or place.get("seen_at")}
        place.pop("stumbles", None)
    more = bool(waiting) and place["uid"] < waiting[-1]
    if not more:
        place.pop("only", None)
    return Page(tuple(items), place, more=more)


def _stumbled(error: BaseException, stream: str, items: list[RawItem], place: JSON, uid: int) -> Page:
    """The line broke over one mail. What was read before it counts; the mail is tried again,
    and set aside once it did so too often."""
    if items:
        return Page(tuple(items), place, more=True)
    times = int(place.get("stumbles", 0)) + 1
    if times >= STUMBLES:
        why = say(
            "the mail server broke the line {times} times over mail {uid} ({fault})",
            times=times, uid=str(uid), fault=type(error).__name__,
        )  # fmt: skip
        place = {k: v for k, v in place.items() if k != "stumbles"} | {"uid": uid}
        return Page((_unreadable(stream, place, uid, why),), place, more=True)
    return Page((), {**place, "stumbles": times})


def _item(line: ImapLine, stream: str, uid: int, place: JSON) -> tuple[RawItem, str]:
    try:
        told = line.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"]).get(uid, {})
        size = int(told.get(b"RFC822.SIZE") or 0)
        cut = size > WHOLE_MAIL
        body = _body(line.fetch([uid], [f"BODY.PEEK[]<0.{CUT_MAIL}>" if cut else "BODY.PEEK[]"]).get(uid, {}))
    except IMAPClientAbortError:
        raise
    except (IMAPClientError, ValueError, TypeError, KeyError) as e:
        why = say(
            "the mail server could not hand over mail {uid} ({fault})", uid=str(uid), fault=type(e).__name__
        )  # fmt: skip
        return _unreadable(stream, place, uid, why), ""
    arrived = told.get(b"INTERNALDATE")
    headers = {"uid": str(uid), "size": str(size or len(body))}
    if isinstance(arrived, datetime):
        headers["arrived"] = arrived.astimezone(UTC).isoformat()
    if cut:
        headers["cut_off"] = "yes"
    return RawItem(stream, delivery_key(body), body, headers), headers.get("arrived", "")


def _unreadable(stream: str, place: JSON, uid: int, why: str) -> RawItem:
    """Stands for a mail that could not be had: it becomes a dead letter that says why."""
    return RawItem(stream, f"unreadable:{place['uidvalidity']}:{uid}", b"", {"unreadable": json.dumps(to_json(why))})


def _body(told: Mapping[bytes, Any]) -> bytes:
    found = next((value for key, value in told.items() if key.startswith(b"BODY[")), None)
    if not isinstance(found, bytes):
        raise ValueError("the server answered without the mail")
    return found


class MailWaiter:
    """Told of news by the server (IDLE, RFC 2177). The first wait only says where the folder
    stands: what came before may be news. What comes between two waits, or while the line
    was down, is told by the next."""

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._mailbox = mailbox_of(connection.settings)
        self._secrets, self._wire = connection.secrets, wire
        # The folder's numbering, and the UID that its next mail would get; None before the first wait.
        self._expected: tuple[int, int] | None = None

    def wait(self, seconds: float) -> bool:
        """True as soon as a mail may have come. `seconds` beyond 25 minutes are cut, for
        servers end a silent line after 30. Raises Unavailable, AuthExpired, and
        Unavailable with code "no_idle" where the server offers none."""
        seconds = min(seconds, 1500)
        with imap_line(self._mailbox, self._secrets, self._wire, deadline=seconds + self._wire.deadline) as line:
            if not line.has_capability("IDLE"):
                raise Unavailable("the mail server offers no IDLE", code="no_idle")
            opened = line.select_folder("INBOX", readonly=True)
            validity, following = int(opened.get(b"UIDVALIDITY", 0)), int(opened.get(b"UIDNEXT", 0))
            expected, self._expected = self._expected, (validity, following)
            if expected is None or validity != expected[0] or following > expected[1]:
                return True
            line.idle()
            try:
                exists = _told_of(line, seconds)
            finally:
                line.idle_done()
            self._expected = (validity, following + max(0, exists - int(opened.get(b"EXISTS", 0))))
            return exists > 0


def _told_of(line: ImapLine, seconds: float) -> int:
    """How many mails the server says there are once it says so; 0 if it never did.
    Other chatter is waited through."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        said = line.idle_check(timeout=left)
        exists = [int(s[0]) for s in said if len(s) > 1 and s[1] == b"EXISTS"]
        if exists:
            return exists[-1]
        if not said and time.monotonic() < end:
            raise Unavailable("the mail server ended the line while we waited")
    return 0
