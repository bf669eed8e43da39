"""Finding out whether a send of unknown outcome was published.

The account's own statuses are read back to the moment of the send, by the instance's
clock; for an answer also what hangs under the message answered, since some servers
leave direct messages out of the account's list. Only a status that we did not know,
written since, by our application where the server says so, with the same words, in the
same place and for the same people is ours. What is exactly another text of ours, which nobody has
found yet either, is that one's; what may be both, and they differ, or is only close to ours, goes
to a person.

Keys are sent but never replayed to find out: GoToSocial and Takahē publish again for
the same key, and Mastodon itself has answered a replay with an error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from typing import Any

from channels.contract import JSON, Connection, Draft, Looked, Standing, Timeline
from channels.errors import Gone
from channels.figures import figures_in
from channels.mastodon.api import Api, time_of
from channels.mastodon.connect import CLIENT_NAME
from channels.mastodon.markup import canonical, text_of
from channels.mastodon.send import receipt_of, text_to_send, visibility_of
from channels.wire import Wire

_PAGE = 40
# The Date header counts in whole seconds, and our clock and the answer's way add a little.
_CLOCK_MARGIN = timedelta(seconds=3)
_SIMILAR_ELSEWHERE, _SIMILAR_HERE = 0.85, 0.6

Status = Mapping[str, Any]


class MastodonReconciler:
    """Reads, and only reads, what the account has published."""

    def __init__(self, connection: Connection, wire: Wire, most_pages: int = 10) -> None:
        self._most_pages = most_pages
        self._api = Api.of(connection, wire)
        self._account_id = str(connection.settings["account_id"])

    def look(
        self,
        draft: Draft,
        prepared: Mapping[str, Any],
        key: str,
        started_at: datetime,
        known_ids: frozenset[str],
        others: Sequence[Draft] = (),
    ) -> Looked:
        since = started_at - _CLOCK_MARGIN
        statuses, is_complete, skew = self._own_since(since)
        if draft.reply_to:
            statuses += self._under(draft.reply_to.remote_id)
        fresh = {
            str(s["id"]): s
            for s in statuses
            if str(s["id"]) not in known_ids and time_of(s.get("created_at")) >= since + skew and _may_be_ours(s)
        }
        rivals = _Rivals(draft, others)
        same = [s for s in fresh.values() if _is_same(s, draft)]
        near = same or [s for s in fresh.values() if not rivals.is_theirs(s) and _is_near(s, draft)]
        exact = [s for s in same if _carries(s, prepared)] or [s for s in same if not rivals.is_theirs(s)]
        evidence = {
            "read": len(statuses),
            "since": since.isoformat(),
            "clock_ahead_seconds": round(skew.total_seconds(), 1),
            "complete": is_complete,
            "near": [{"id": str(s["id"]), "url": s.get("url"), "text": text_of(s.get("content", ""))} for s in near],
        }
        if len(exact) == 1:
            return Looked(found=receipt_of(exact[0]), evidence=evidence)
        if near:
            return Looked(candidates=tuple(receipt_of(s) for s in near), evidence=evidence)
        return Looked(absent=is_complete, evidence=evidence)

    def list_since(self, since: datetime, most: int) -> Timeline:
        statuses, is_complete, skew = self._own_since(since, pages=max(1, most // _PAGE))
        ours = [s for s in statuses if not s.get("reblog") and s.get("visibility") != "direct"]
        standing = [_standing(s) for s in ours if time_of(s.get("created_at")) >= since + skew]
        return Timeline(tuple(standing), is_complete)

    def _own_since(self, since: datetime, pages: int = 0) -> tuple[list[JSON], bool, timedelta]:
        """Our statuses since then, whether that is all of them, and how far the instance's
        clock is ahead of ours."""
        found: list[JSON] = []
        skew = timedelta(0)
        params: dict[str, Any] = {"limit": _PAGE}
        for _ in range(pages or self._most_pages):
            asked_at = datetime.now(UTC)
            page, clock = self._api.read_list_and_clock(f"/api/v1/accounts/{self._account_id}/statuses", **params)
            skew = clock - asked_at if abs(clock - asked_at) > _CLOCK_MARGIN else timedelta(0)
            found += page
            # Pinned statuses may stand first on some servers, so the page's oldest counts, not its last.
            if not page or min(time_of(s.get("created_at")) for s in page) < since + skew:
                return found, True, skew
            params["max_id"] = page[-1]["id"]
        return found, False, skew

    def _under(self, remote_id: str) -> list[JSON]:
        try:
            context = self._api.read(f"/api/v1/statuses/{remote_id}/context")
        except Gone:
            return []
        return [s for s in context.get("descendants") or () if str(s["account"]["id"]) == self._account_id]


class _Rivals:
    """Other drafts of ours that may stand there unknown. Those that are the same in everything
    are none: whichever of them a status is, it says what each was to say."""

    def __init__(self, draft: Draft, others: Sequence[Draft]) -> None:
        self._by_words: dict[str, list[Draft]] = defaultdict(list)
        for other in others:
            if other != draft:
                self._by_words[canonical(text_to_send(other))].append(other)

    def is_theirs(self, status: Status) -> bool:
        return any(_is_same(status, other) for other in self._by_words.get(_words(status), ()))


def _carries(status: Status, prepared: Mapping[str, Any]) -> bool:
    """Whether it shows the very files that were uploaded for this send."""
    ours = {str(id_) for id_ in prepared.get("media_ids") or ()}
    return bool(ours) and ours == {str(m.get("id")) for m in status.get("media_attachments") or ()}


def _standing(status: Status) -> Standing:
    via = (status.get("application") or {}).get("name")
    receipt = receipt_of(status)
    made = time_of(status.get("created_at"))
    figures = figures_in(status, likes=("favourites_count",), shares=("reblogs_count",), answers="replies_count")
    text = text_of(str(status.get("content") or ""))
    return Standing(receipt.remote_id, text, made, receipt.url, str(via or ""), figures=figures)


def _may_be_ours(status: Status) -> bool:
    application = (status.get("application") or {}).get("name")
    return not status.get("reblog") and application in (None, "", CLIENT_NAME)


def _is_same(status: Status, draft: Draft) -> bool:
    reply_to = draft.reply_to.remote_id if draft.reply_to else ""
    return (
        _words(status) == canonical(text_to_send(draft))
        and str(status.get("in_reply_to_id") or "") == reply_to
        and (status.get("visibility") == "direct") == (visibility_of(draft) == "direct")
        and len(status.get("media_attachments") or ()) == len(draft.media)
    )


def _is_near(status: Status, draft: Draft) -> bool:
    """The same words elsewhere, or nearly the same words: servers may rewrite a text."""
    is_same_place = draft.reply_to and str(status.get("in_reply_to_id") or "") == draft.reply_to.remote_id
    ratio = SequenceMatcher(None, _words(status), canonical(text_to_send(draft)), autojunk=False).ratio()
    return ratio >= (_SIMILAR_HERE if is_same_place else _SIMILAR_ELSEWHERE)


def _words(status: Status) -> str:
    return canonical(text_of(str(status.get("content") or "")))
