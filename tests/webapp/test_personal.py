"""Personal data in public messages through the API: covered in the thread, shown to who may answer."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import models as m
from tests import factories as make
from tests.webapp.site import Site
from webapp.api.threads import show_above

SAID = "My booking X7K2MQ is lost"
COVERED = "My booking •••••• is lost"


def _say(session: Session, conversation: m.Conversation, kind: str) -> m.Message:
    message = m.Message(
        conversation_id=conversation.id, account_id=conversation.account_id, direction="in", kind=kind,
        remote_id=f"r{conversation.id}", identity_id=conversation.identity_id, text=SAID, html=f"<p>{SAID}</p>",
        remote_at=make.NOW, received_at=make.NOW, sort_at=make.NOW,
    )  # fmt: skip
    session.add(message)
    session.flush()
    return message


def test_it_is_covered_in_the_thread_until_who_may_answer_asks_for_it(site: Site) -> None:
    with site.rows() as session:
        account = make.make_account(session)
        agent, viewer = make.make_staff(session), make.make_staff(session)
        make.make_grant(session, agent, account, "agent")
        make.make_grant(session, viewer, account, "viewer")
        conversation = make.make_conversation(session, account, state="open", preview=SAID)
        message = _say(session, conversation, "mention")
        other = make.make_conversation(session, account, state="open")
        id_, message_id, other_id = conversation.id, message.id, other.id
    ada, guest = site.browser(agent), site.browser(viewer)
    for reader in (ada, guest):
        (entry,) = reader.get(f"/conversations/{id_}/messages").json["items"]
        assert (entry["text"], entry["html"]) == (COVERED, None)
        assert (entry["personal"], entry["covered"]) == (["booking"], True)
        assert "X7K2MQ" not in reader.get(f"/conversations/{id_}").text
        assert "X7K2MQ" not in reader.get("/conversations?state=all").text
    assert guest.post(f"/conversations/{id_}/messages/{message_id}/show", {}).status_code == 403
    assert ada.post(f"/conversations/{other_id}/messages/{message_id}/show", {}).status_code == 404
    shown = ada.post(f"/conversations/{id_}/messages/{message_id}/show", {}).json
    assert (shown["text"], shown["covered"], shown["personal"]) == (SAID, False, ["booking"])
    with site.rows() as session:
        assert session.scalars(select(m.AuditEntry.target_id).where(m.AuditEntry.action == "message.shown")).all() == [
            message_id
        ]


def test_a_direct_message_is_shown_as_it_is(site: Site) -> None:
    with site.rows() as session:
        account = make.make_account(session)
        viewer = make.make_staff(session)
        make.make_grant(session, viewer, account, "viewer")
        conversation = make.make_conversation(session, account, state="open", surface="direct")
        _say(session, conversation, "direct")
        id_ = conversation.id
    (entry,) = site.browser(viewer).get(f"/conversations/{id_}/messages").json["items"]
    assert (entry["text"], entry["covered"], entry["personal"]) == (SAID, False, [])


@pytest.mark.parametrize(
    ("whose", "text"),
    [({"ours": True}, SAID), ({"ours": False}, COVERED), ({}, COVERED)],
)
def test_it_is_covered_in_the_post_above_unless_that_is_ours(whose: dict[str, bool], text: str) -> None:
    shown = show_above(m.Conversation(above={"text": SAID, "author": "ines", **whose}))
    assert shown is not None
    assert (shown.text, shown.ours) == (text, whose.get("ours", False))
