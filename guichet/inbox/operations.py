"""The front door of the inbox: everything that can be done to a conversation.

Every operation takes `session, actor, …, now` (aware UTC), asks for the right first, never
commits and never calls a network. Conversations, staff, teams and labels are rows of the
same session. Raises NotFound, NotAllowed, Invalid, Conflict (guichet.errors).
"""

from __future__ import annotations

from guichet.inbox.answering import find_draft, note, reply, save_draft
from guichet.inbox.awaiting import remind, wait_internally
from guichet.inbox.field_values import fill_in, fill_in_customer
from guichet.inbox.followers import follow, unfollow
from guichet.inbox.handling import (
    assign,
    claim,
    close,
    release,
    renew,
    reopen,
    set_priority,
    snooze,
)
from guichet.inbox.labels import change_label, create_label, delete_label, set_labels
from guichet.inbox.linking import link, unlink
from guichet.inbox.merging import merge, unmerge
from guichet.inbox.notices import forget_old_notices, see_notices
from guichet.inbox.pool import return_untouched
from guichet.inbox.resolving import resolve
from guichet.inbox.reviewing import approve, reject
from guichet.inbox.siding import open_side, write_side
from guichet.inbox.spam import mark_spam
from guichet.inbox.splitting import split
from guichet.inbox.taking_back import cancel_planned, move_planned, send_now, take_back
from guichet.inbox.upkeep import close_old, expire_leases, return_to_queue, wake_snoozed

__all__ = [
    "approve",
    "assign",
    "cancel_planned",
    "change_label",
    "claim",
    "close",
    "close_old",
    "create_label",
    "delete_label",
    "expire_leases",
    "fill_in",
    "fill_in_customer",
    "find_draft",
    "follow",
    "forget_old_notices",
    "link",
    "mark_spam",
    "merge",
    "move_planned",
    "note",
    "open_side",
    "reject",
    "release",
    "remind",
    "renew",
    "reopen",
    "reply",
    "resolve",
    "return_to_queue",
    "return_untouched",
    "save_draft",
    "see_notices",
    "send_now",
    "set_labels",
    "set_priority",
    "snooze",
    "split",
    "take_back",
    "unfollow",
    "unlink",
    "unmerge",
    "wait_internally",
    "wake_snoozed",
    "write_side",
]
