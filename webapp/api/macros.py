"""Macros: kept, previewed, applied to one conversation or many, undone."""

from __future__ import annotations

from collections.abc import Sequence

from guichet.inbox import operations as inbox
from guichet.inbox import thread
from guichet.inbox.rows import read_rows
from guichet.models import Conversation as ConversationTable
from guichet.models import Macro as MacroRow
from guichet.triage import carrying_out, macros, undoing
from guichet.triage.carrying_out import Done as DoneThere
from webapp.api import threads
from webapp.api.around import show_draft
from webapp.api.briefs import Names
from webapp.api.schemas.common import Done, IdPath, Page
from webapp.api.schemas.inbox import ConversationRow, Draft
from webapp.api.schemas.macros import (
    Macro,
    MacroActionOut,
    MacroChange,
    MacroNew,
    MacroOrder,
    MacroPreview,
    MacroResult,
    MacroResults,
    MacroStep,
    MacroTarget,
    MacroTrial,
    MacroUndo,
    MacroUndone,
)
from webapp.asking import Asked, Room

room = Room("macros")


@room.get("/macros", Page[Macro])
def list_macros(asked: Asked) -> Page[Macro]:
    """One's own, those of one's teams and of the brands one sees, and everybody's, in order."""
    return _page(asked, macros.list_macros(asked.session, asked.actor))


@room.post("/macros", Macro, scope="manage", status=201)
def add_macro(asked: Asked, body: MacroNew) -> Macro:
    """Keep several actions under one name."""
    row = macros.add_macro(
        asked.session, asked.actor, name=body.name, actions=[one.model_dump() for one in body.actions],
        is_own=body.own, team_id=body.team_id, brand_id=body.brand_id, now=asked.now,
    )  # fmt: skip
    return _page(asked, [row]).items[0]


@room.patch("/macros/<int:id>", Macro, scope="manage")
def change_macro(asked: Asked, path: IdPath, body: MacroChange) -> Macro:
    """Change its name or what it does."""
    row = macros.get_macro(asked.session, asked.actor, path.id)
    actions = None if body.actions is None else [one.model_dump() for one in body.actions]
    macros.change_macro(asked.session, asked.actor, row, name=body.name, actions=actions, now=asked.now)
    return _page(asked, [row]).items[0]


@room.delete("/macros/<int:id>", Done, scope="manage")
def remove_macro(asked: Asked, path: IdPath) -> Done:
    """Take it away. What it did stays done."""
    row = macros.get_macro(asked.session, asked.actor, path.id)
    macros.remove_macro(asked.session, asked.actor, row, asked.now)
    return Done()


@room.post("/macros/order", Page[Macro], scope="manage")
def order_macros(asked: Asked, body: MacroOrder) -> Page[Macro]:
    """Put them in this order."""
    return _page(asked, macros.order_macros(asked.session, asked.actor, body.ids, asked.now))


@room.post("/macros/<int:id>/preview", MacroPreview, scope="answer")
def preview_macro(asked: Asked, path: IdPath, body: MacroTarget) -> MacroPreview:
    """What it would do in each of these conversations, step by step; changes nothing."""
    row = macros.get_macro(asked.session, asked.actor, path.id)
    trials = []
    chosen = _all(asked, body.conversation_ids)
    networks = _networks(asked, chosen)
    for found in chosen:
        steps = carrying_out.preview(asked.session, asked.actor, row, found, networks, asked.now)
        shown = [
            MacroStep(kind=s.kind, value=s.value, effect=s.effect, reason=s.reason or None, text=s.text or None)
            for s in steps
        ]
        trials.append(MacroTrial(conversation_id=found.id, steps=shown))
    return MacroPreview(items=trials)


@room.post("/macros/<int:id>/apply", MacroResults, scope="answer")
def apply_macro(asked: Asked, path: IdPath, body: MacroTarget) -> MacroResults:
    """Apply it in each of these conversations, whole or not at all."""
    row = macros.get_macro(asked.session, asked.actor, path.id)
    found = _all(asked, body.conversation_ids)
    done = carrying_out.apply_macro(asked.session, asked.actor, row, found, _networks(asked, found), asked.now)
    return MacroResults(items=[_result(asked, one) for one in done])


@room.post("/macros/undo", MacroUndone, scope="answer")
def undo_macro(asked: Asked, body: MacroUndo) -> MacroUndone:
    """Let a conversation stand as before the macro that one applied, if nothing happened since."""
    found = thread.get_conversation(asked.session, asked.actor, body.conversation_id)
    kept = undoing.undo_macro(asked.session, asked.actor, found, body.event_id, asked.now)
    return MacroUndone(conversation=_row(asked, found.id), draft=_draft(asked, found), kept=list(kept))


def _all(asked: Asked, ids: Sequence[int]) -> list[ConversationTable]:
    return [thread.get_conversation(asked.session, asked.actor, id_) for id_ in dict.fromkeys(ids)]


def _networks(asked: Asked, found: Sequence[ConversationTable]) -> dict[str, str]:
    return {name: asked.spec(name).title for name in {one.identity.network for one in found}}


def _result(asked: Asked, done: DoneThere) -> MacroResult:
    found = thread.get_conversation(asked.session, asked.actor, done.conversation_id)
    is_done = done.event_id is not None
    return MacroResult(
        conversation_id=found.id, event_id=done.event_id, reason=done.reason or None,
        conversation=_row(asked, found.id) if is_done else None, draft=_draft(asked, found) if is_done else None,
    )  # fmt: skip


def _row(asked: Asked, conversation_id: int) -> ConversationRow:
    asked.session.flush()
    return threads.show_row(read_rows(asked.session, [conversation_id], asked.staff_id)[0])


def _draft(asked: Asked, found: ConversationTable) -> Draft | None:
    row = inbox.find_draft(asked.session, asked.actor, found)
    return show_draft(asked, row) if row else None


def _page(asked: Asked, rows: Sequence[MacroRow]) -> Page[Macro]:
    names = Names(asked.session).load(brands=[r.brand_id for r in rows], teams=[r.team_id for r in rows])
    return Page(
        items=[
            Macro(
                id=r.id, name=r.name, own=r.staff_id is not None, team=names.team(r.team_id),
                brand=names.brand(r.brand_id), actions=[MacroActionOut(**a) for a in r.actions],
                may_change=macros.may_manage(asked.actor, r), updated_at=r.updated_at,
            )
            for r in rows
        ]
    )  # fmt: skip
