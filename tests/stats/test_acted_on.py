"""What was to be liked, hidden or taken down is told by its words to who decides about it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from guichet import models as m
from guichet.delivery.payload import freeze, payload_hash
from guichet.delivery.states import State
from guichet.policy import SYSTEM, load_actor
from guichet.stats.acted_on import words_acted_on
from tests import factories as make
from tests.inbox.scene import Scene, make_scene


def act(scene: Scene, kind: str, target: str, text: str = "", **more: object) -> m.Delivery:
    payload = freeze(text=text, surface="public")
    row = m.Delivery(
        state=State.FAILED, account_id=scene.account.id, kind=kind, target_remote_id=target, payload=payload,
        payload_hash=payload_hash(payload), due_at=scene.now, not_before=scene.now, created_at=scene.now,
        updated_at=scene.now, **more,
    )  # fmt: skip
    scene.session.add(row)
    scene.session.flush()
    return row


def test_what_is_hidden_or_taken_down_is_told_by_its_words_and_to_whom_may_read_them(
    session: Session, now: datetime
) -> None:
    scene = make_scene(session, now)
    said = scene.customer_says("@company my number is +33 6 12 34 56 78, call me")
    post = act(scene, "post", "", "Miles for everybody", remote_id="p1")
    hide, delete = act(scene, "hide", said.remote_id or ""), act(scene, "delete", "p1")
    edit, gone = act(scene, "edit", "p1", "Miles for some"), act(scene, "hide", "nothing we know")
    told = words_acted_on(scene.session, SYSTEM, [post, hide, delete, edit, gone])
    assert told.keys() == {hide.id, delete.id}
    assert told[delete.id] == "Miles for everybody"
    assert told[hide.id].startswith("my number is")
    assert "12 34 56" not in told[hide.id], "as covered as in the list"
    stranger = load_actor(scene.session, make.make_staff(scene.session), scene.now)
    assert words_acted_on(scene.session, stranger, [hide]) == {}
