"""Taking the next of a team's queue oneself, without choosing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import NotAllowed
from guichet.inbox import events, handling
from guichet.inbox.changes import changing
from guichet.models import Conversation, Staff, Team
from guichet.policy import Action, Actor, require_somewhere, visible
from guichet.triage.assignment import in_line, lies


def take_next(session: Session, actor: Actor, team: Team, now: datetime) -> Conversation | None:
    """Claim what is next in a team's queue, in its order, of what the actor may answer and in a
    language of theirs; what they gave back themselves comes last. None: there is nothing for them.

    Race-free: who takes at the same time waits for the team's row, and gets the one behind.
    """
    require_somewhere(actor, Action.CONVERSATION_REPLY)
    person = session.get(Staff, actor.staff_id) if actor.staff_id else None
    if person is None:
        raise NotAllowed("only a person can hold a conversation")
    session.refresh(team, with_for_update=True)
    events.write(session)
    mine = visible(actor, Conversation.account_id, Action.CONVERSATION_REPLY)
    spoken = frozenset(str(x) for x in person.languages)
    put_back = []
    for conversation, let_go_by in in_line(session, team, mine):
        if conversation.language and spoken and conversation.language not in spoken:
            continue
        if let_go_by == person.id:
            put_back.append(conversation)
        elif _take(session, actor, conversation, team, person.id, now):
            return conversation
    return next((c for c in put_back if _take(session, actor, c, team, person.id, now)), None)


def _take(
    session: Session, actor: Actor, conversation: Conversation, team: Team, staff_id: int, now: datetime
) -> bool:  # fmt: skip
    if not lies(session, conversation, team):
        return False
    with changing(session, actor, conversation, now, "owner") as change:
        handling.take(session, conversation, staff_id, now)
        change.event("claimed")
        audit.record(session, actor, "conversation.claim", conversation, now, team_id=team.id)
    return True
