"""Erasing a customer through the API: for administrators, with the files, and told where it was."""

from __future__ import annotations

import pytest

from guichet import models as m
from tests import factories as make
from tests.webapp.site import Site


@pytest.fixture
def asked(site: Site) -> tuple[int, int, str]:
    """Ids of a customer and of their conversation, and the key of a file that they sent."""
    with site.rows() as session:
        account = make.make_account(session)
        identity = make.make_customer(session, account.network)
        conversation = make.make_conversation(session, account, identity=identity, state="open")
        key = site.runtime.store.put(b"their picture")
        message = m.Message(
            conversation_id=conversation.id, account_id=account.id, direction="in", kind="mention", remote_id="r1",
            identity_id=identity.id, text="My passport", remote_at=make.NOW, received_at=make.NOW, sort_at=make.NOW,
        )  # fmt: skip
        message.attachments = [m.Attachment(filename="a.png", mime="image/png", storage_key=key)]
        session.add(message)
        session.flush()
        return identity.customer_id, conversation.id, key


def test_an_administrator_erases_and_a_file_goes_with_it(site: Site, asked: tuple[int, int, str]) -> None:
    customer, conversation, key = asked
    with site.rows() as session:
        person = make.make_staff(session, "administrator")
    admin = site.browser(person)
    assert admin.get(f"/customers/{customer}").get_json()["may_erase"] is True
    # As the pages ask: what answers a repeated request is not swept away beneath this one.
    done = admin.post(f"/customers/{customer}/erase", {}, key="one")
    assert done.status_code == 200, done.get_data(as_text=True)
    now = admin.get(f"/customers/{customer}").get_json()
    assert now["erased_at"]
    assert not now["may_erase"]
    assert now["name"].startswith("erased-")
    entries = admin.get(f"/conversations/{conversation}/messages").get_json()["items"]
    assert [(e["kind"], e["erased"], e["text"]) for e in entries if e["kind"] == "message"] == [("message", True, "")]
    assert "erased" in [e["event"] for e in entries]
    with pytest.raises(FileNotFoundError):
        site.runtime.store.get(key)
    assert admin.post(f"/customers/{customer}/erase", {}).get_json()["code"] == "erased"


def test_who_manages_an_account_alone_does_not(site: Site, asked: tuple[int, int, str]) -> None:
    customer, conversation, _ = asked
    with site.rows() as session:
        person = make.make_staff(session)
        account = session.get_one(m.Account, session.get_one(m.Conversation, conversation).account_id)
        make.make_grant(session, person, account, "manager")
    manager = site.browser(person)
    assert manager.get(f"/customers/{customer}").get_json()["may_erase"] is False
    assert manager.post(f"/customers/{customer}/erase", {}).status_code == 403
