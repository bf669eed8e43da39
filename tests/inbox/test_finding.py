"""Search: what is there is found, by any form of its words; what is gone is not; never beyond one's rights."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from channels.contract import Person, RemoteMedia
from guichet import models as m
from guichet.errors import Invalid
from guichet.inbox import operations as inbox
from guichet.inbox import queries, searching
from guichet.inbox.queries import Filters
from guichet.policy import load_actor
from tests import factories as f
from tests.inbox.scene import SPEC, Scene, deletion, make_scene, said
from tests.statements import heard_by

DAY = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)


@pytest.fixture
def busy(session: Session, now: datetime) -> Scene:
    """Three conversations of Anna, Zoé and Bob, and one on an account that the agent does not see."""
    scene = make_scene(session, now)
    photo = RemoteMedia(url="https://x.example/1", mime="image/png", filename="étiquette-bagage.png")
    scene.customer_says("My bag is lost at gate 12, I want a refund", who="anna", root="a", remote_at=DAY)
    scene.customer_says("Vol annulé : qui me rembourse ?", who="zoé", root="z", media=(photo,))
    scene.customer_says("At gate 7, not 12", who="bob", root="b")
    make_scene(session, now).customer_says("secret refund at gate 12", who="hidden")
    session.commit()
    return scene


def found(scene: Scene, text: str, actor: m.Staff | None = None) -> str:
    """Who is found, by the first letter of their names, in the order of the alphabet."""
    page = queries.list_conversations(scene.session, scene.actor(actor), Filters(states=("all",), text=text))
    return "".join(sorted(row.customer_handle[0] for row in page.items))


WHO = {
    "bags": "a", "REFUNDED": "a", "remboursement": "z", "annulee": "z", "gate": "ab", "refu": "a", "elephant": "",
    '"gate 12"': "a", '"gate 7"': "b", '"12 gate"': "", "gate 12": "ab", "gate -lost": "b", 'gate -"gate 12"': "b",
    "from:ann": "a", "from:zoe": "z", "from:bob gate": "b", "zoe rembourser": "z", "-from:anna gate": "b",
    "etiquette bagage": "z", "has:file": "z", "has:image": "z", "gate -has:file": "ab", "gate has:note": "",
    "is:waiting": "abz", "is:closed": "", "gate -is:open": "", "is:unassigned gate": "ab", "is:unread": "abz",
    "before:2026-03-06": "a", "gate after:2026-03-06": "b", "on:2026-03-05": "a", "-on:2026-03-05 gate": "b",
    "is:public": "abz", "gate language:xx": "", "priority:urgent": "", "assignee:me": "", "assignee:none": "abz",
}  # fmt: skip


def test_a_search_finds(busy: Scene) -> None:
    assert {text: found(busy, text) for text in WHO} == WHO


def test_who_has_many_followers_or_is_dear_to_us_is_found(busy: Scene) -> None:
    for handle, followers in (("anna", 12_000), ("bob", 40)):
        busy.session.query(m.Identity).filter_by(handle=handle).one().followers = followers
    zoe = busy.session.query(m.Identity).filter_by(handle="zoé").one()
    busy.session.get_one(m.Customer, zoe.customer_id).is_vip = True
    busy.session.flush()
    who = {
        "followers:10k": "a", "followers:<100": "b", "followers:40": "ab", "followers:>40": "a", "followers:=40": "b",
        "gate -followers:10k": "b", "is:public -followers:1": "z", "is:vip": "z", "gate -is:vip": "ab",
    }  # fmt: skip
    assert {text: found(busy, text) for text in who} == who


def test_a_day_is_the_day_of_who_asks(busy: Scene) -> None:
    busy.agent.time_zone = "Europe/Paris"
    busy.session.flush()
    assert found(busy, "on:2026-03-06 bag") == "a"


def test_names_of_labels_accounts_teams_and_people_narrow(busy: Scene) -> None:
    session = busy.session
    anna = session.query(m.Conversation).join(m.Identity).filter(m.Identity.handle == "anna").one()
    boss = load_actor(session, f.make_staff(session, "administrator"), busy.now)
    label = inbox.create_label(session, boss, name="Bagages perdus", now=busy.now)
    inbox.set_labels(session, busy.actor(), anna, labels=[label], now=busy.now)
    inbox.claim(session, busy.actor(), anna, busy.now)
    for text in (
        'label:"bagages perdus"', "label:bagage", "label:perdus gate", "has:label", "assignee:lovelace", "assignee:al",
        "assignee:me", "is:mine", "bagages perdus -from:zoe",
    ):  # fmt: skip
        assert found(busy, text) == "a", text
    assert found(busy, "bagage") == "az"  # the label's words, and a file's name
    assert found(busy, f"account:{busy.account.handle}") == "abz"
    assert found(busy, f"network:{busy.account.network} -is:mine") == "bz"


def test_names_that_one_may_not_see_do_not_exist(busy: Scene) -> None:
    hidden = busy.session.query(m.Account).filter(m.Account.id != busy.account.id).one()
    hidden.handle = "@hidden-desk"
    busy.session.flush()
    for text in ("account:hidden", "label:none", "team:none", "assignee:stranger", "brand:none"):
        with pytest.raises(Invalid) as refused:
            found(busy, text)
        assert f"“{text}”" in refused.value.fields["q"]


def test_a_common_word_is_not_cut_off_by_its_number(busy: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {text: found(busy, text) for text in ("gate", "gate 12", "gate -lost", "after:2026-03-06 gate")}
    monkeypatch.setattr(searching, "CAP", 0)  # every word is a common one
    with heard_by(busy.session.get_bind()) as statements:
        assert {text: found(busy, text) for text in plain} == plain
    # SQLite searches once for each of these, and there is a leg for each account and state.
    assert max(s.count("MATCH") for s in statements) <= 2


def test_what_an_edit_a_deletion_or_a_rename_leaves_is_what_is_found(busy: Scene) -> None:
    session = busy.session
    anna = session.query(m.Message).filter(m.Message.text.startswith("My bag")).one()
    busy.hears(said(
        "My suitcase is here", who="anna", root="a", remote_id=anna.remote_id, remote_at=DAY, edited_at=busy.now
    ))  # fmt: skip
    assert (found(busy, "suitcase"), found(busy, '"bag"'), found(busy, "from:anna")) == ("a", "", "a")
    busy.customer_says("Thanks", author=Person("id-anna", "anna", "Maria Callas"), root="a")
    assert found(busy, "from:callas suitcases") == "a"
    busy.hears(deletion(anna))
    assert (found(busy, "suitcase"), found(busy, "thanks")) == ("", "a")


def test_notes_and_answers_are_found_at_once(busy: Scene) -> None:
    session, message = busy.session, busy.session.query(m.Message).filter(m.Message.text.like("At gate%")).one()
    conversation = busy.conversation_of(message)
    inbox.note(session, busy.actor(), conversation, text="Knows the airline's director", now=busy.now)
    inbox.reply(
        session, busy.actor(), conversation, spec=SPEC, text="Sorry, we mended it",
        seen_through=conversation.last_message_id or 0, now=busy.now,
    )  # fmt: skip
    assert (found(busy, "directors"), found(busy, "mend"), found(busy, "has:note"), found(busy, "has:answer")) == (
        "b", "b", "b", "b",
    )  # fmt: skip


def test_each_hit_shows_where_it_was_said(busy: Scene) -> None:
    page = queries.list_conversations(busy.session, busy.actor(), Filters(states=("all",), text="refunds from:anna"))
    (row,) = page.items
    assert row.excerpt is not None
    assert [p.text for p in row.excerpt.parts if p.is_hit] == ["refund"]
    assert row.excerpt.at == DAY
    plain = queries.list_conversations(busy.session, busy.actor(), Filters(states=("all",), text="is:waiting"))
    assert {row.excerpt for row in plain.items} == {None}


def test_whatever_is_typed_only_searches(busy: Scene) -> None:
    for text in ('"', "a AND b", "' OR 1=1", "*", "&|!", "NEAR(", "é" * 500, "\\", "a* b^2", "_bag", "@x", "a:"):
        assert set(found(busy, text)) <= set("abz"), text


def test_the_index_is_made_anew_from_what_is_there(busy: Scene) -> None:
    session = busy.session
    gone = session.query(m.Message).filter(m.Message.text.startswith("Vol")).one()
    gone.deleted_at = busy.now
    session.flush()
    assert searching.rebuild(session.connection()) == 3
    assert (found(busy, "bags from:anna"), found(busy, "remboursement"), found(busy, '"gate 7"')) == ("a", "", "b")
