"""States as people say them, for sentences: "it is on its way and cannot be moved". The stable
names stay what the API and the rows hold."""

from __future__ import annotations

from collections.abc import Mapping

from channels.sentences import say

_WORDS: Mapping[str, str] = {
    # posts and deliveries
    "draft": say("a draft"),
    "evergreen": say("kept in a queue"),
    "scheduled": say("scheduled"),
    "done": say("done"),
    "blocked": say("waiting for what stands before it"),
    "awaiting_approval": say("waiting for approval"),
    "held": say("held by a brake"),
    "due": say("due"),
    "claimed": say("about to be sent"),
    "sending": say("being sent"),
    "unknown": say("perhaps sent: nobody knows yet"),
    "reconciling": say("perhaps sent: being looked for"),
    "needs_human": say("waiting for a person's decision"),
    "published": say("published"),
    "partly_failed": say("failed in part"),
    "failed": say("failed"),
    "cancelled": say("cancelled"),
    # conversations
    "new": say("new"),
    "open": say("open"),
    "waiting_customer": say("waiting for the customer"),
    "waiting_internal": say("waiting for a colleague"),
    "snoozed": say("snoozed"),
    "resolved": say("resolved"),
    "closed": say("closed"),
    "spam": say("spam"),
}


def in_words(state: str) -> str:
    """The words for a state; one that we have no words for stands for itself."""
    return _WORDS.get(state, str(state))
