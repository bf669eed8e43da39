"""How it stands with the queue of a team: what lies in it, and who has had their share of the hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from guichet.models import Conversation, Team
from guichet.policy import Action, Actor, require, visible
from guichet.triage import sharing
from guichet.triage.assignment import SHARING, handed_out, queue_of

MOST_COUNTED = 1000


@dataclass(frozen=True)
class Standing:
    """`given`: how many each was given in the last hour; `next_at`: who has had all of it, and until
    when; `waiting`: how many lie in the queue that the asker may see, up to `MOST_COUNTED`."""

    given: Mapping[int, int]
    next_at: Mapping[int, datetime]
    waiting: int


def standings(session: Session, actor: Actor, teams: Sequence[Team], now: datetime) -> dict[int, Standing]:
    """By team."""
    require(actor, Action.STAFF_VIEW)
    given = handed_out(session, [team.id for team in teams], now)
    return {team.id: _standing(session, actor, team, given.get(team.id, {}), now) for team in teams}


def _standing(
    session: Session, actor: Actor, team: Team, given: Mapping[int, Sequence[datetime]], now: datetime
) -> Standing:  # fmt: skip
    cap = team.hourly_cap if team.assignment in SHARING else 0  # what each takes themselves is not counted
    next_at = {s: sharing.next_at(cap, moments, now) for s, moments in given.items()}
    seen = queue_of(team).where(visible(actor, Conversation.account_id, Action.CONVERSATION_VIEW)).order_by(None)
    waiting = session.scalar(select(func.count()).select_from(seen.limit(MOST_COUNTED).subquery())) or 0
    return Standing(
        {s: len(moments) for s, moments in given.items()}, {s: at for s, at in next_at.items() if at}, waiting
    )
