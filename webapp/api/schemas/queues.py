"""Queues of teams."""

from __future__ import annotations

from webapp.api.schemas.common import Out
from webapp.api.schemas.inbox import ConversationRow


class NextInLine(Out):
    """Null: there is nothing for whoever asks."""

    conversation: ConversationRow | None
