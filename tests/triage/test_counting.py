"""Rules that ask what was said before: the same text again, and how many messages came."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import InboundKind, Person, Surface
from guichet.inbox.likeness import key
from guichet.policy import SYSTEM, load_actor
from guichet.receiving import withdrawals
from guichet.triage import operations as triage
from guichet.triage import previewing, rules
from guichet.triage.applying import apply_rules
from tests import factories as f
from tests.inbox.scene import Scene, said, spec_of
from tests.triage.test_rules import cond, lead

WORDS = "Cheap tickets for everybody"


@pytest.mark.parametrize(
    "again",
    [
        "  cheap   TICKETS\nfor everybody!!! ",
        "Chéap tickets, for everybody 🎉🎉",
        "@acme @bob@example.social cheap tickets for everybody",
        "Сhеар tickets fоr everybоdy",  # Cyrillic letters
        "𝐂𝐡𝐞𝐚𝐩 𝐭𝐢𝐜𝐤𝐞𝐭𝐬 ｆｏｒ everybody",
        "C h e a p tickets for e-v-e-r-y-b-o-d-y",
        "Cheap\u200b tick\u00adets for every\u2060body",
        "Cheeeap tickets for everybodyyyy",
    ],
)
def test_nearly_the_same_is_the_same(again: str) -> None:
    assert key(again) == key(WORDS) is not None


def test_an_address_hides_no_repetition_and_short_words_are_none() -> None:
    assert key(f"{WORDS} https://a.example.com/x?u=1") == key(f"{WORDS}: evil.example.org/other")
    assert key(f"{WORDS} https://a.example.com/x") != key(WORDS)
    assert key("look https://a.example.com/x?u=1") == key("LOOK: https://a.example.com/x?u=2#top")
    assert key("look https://a.example.com/x") != key("look https://a.example.com/y")
    assert key("Order 4711 did not arrive") != key("Order 4712 did not arrive")
    assert [key(text) for text in ("", "Thank you!", "👍" * 50, "@acme_support_team hello", "\ud800" * 9)] == [None] * 5


@given(st.text(max_size=300))
def test_whatever_is_written_has_one_key_and_spaces_and_case_do_not_change_it(text: str) -> None:
    assert key(text) == key(text)
    if "." not in text and "@" not in text and "İ" not in text:
        assert key(f" {text} ") == key(text)


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        (cond("repeated", "is", 3, 10), "operator"), (cond("repeated", "by_author", 3), "value"),
        (cond("repeated", "by_author", 1, 10), "value"), (cond("repeated", "by_author", 3, 1441), "value"),
        (cond("repeated", "by_author", True, 10), "value"), (cond("repeated", "by_anybody", "3", "10"), "value"),
        (cond("customer_messages", "at_least", 0), "value"), (cond("conversation_messages", "is", 1), "operator"),
        ({"field": "repeated", "operator": "by_author", "value": {"3": 10}}, "value"),
        ({"field": "repeated", "operator": "by_author", "value": None}, "value"),
    ],
)  # fmt: skip
def test_what_can_never_be_counted_is_refused(condition: Any, field: str) -> None:
    assert list(rules.problems_of_conditions([condition])) == [f"conditions.0.{field}"]


def matched(scene: Scene, *conditions: dict[str, Any]) -> list[str]:
    found = previewing.preview_rule(scene.session, lead(scene), conditions=conditions, now=scene.now)
    return [example.preview for example in reversed(found.examples)]


def test_what_is_said_again_and_again_is_found_when_it_is_once_too_often(scene: Scene) -> None:
    triage.create_rule(
        scene.session, lead(scene), name="Flood", is_on=True, now=scene.now,
        conditions=[cond("repeated", "by_anybody", 3, 10)], actions=[{"kind": "spam"}],
    )  # fmt: skip
    states = []
    for n, minutes in enumerate((0, 4, 4, 4, 30)):
        scene.later(minutes=minutes)
        message = scene.customer_says(f"{WORDS} {'!' * n} https://x{n}.example.com", who=f"w{n}", root=f"r{n}")
        apply_rules(scene.session, SYSTEM, [message], scene.now, spec_of)
        states.append(scene.conversation_of(message).state)
    # The third is one too many; so is the fourth, for the first is out of sight by then; half an
    # hour later it is said for the first time.
    assert states == ["new", "new", "spam", "spam", "new"]


def test_each_message_of_a_lot_counts_those_before_it_and_none_after(scene: Scene) -> None:
    lot = [scene.customer_says(f"{WORDS}{'.' * n}", who=f"w{n}", root=f"r{n}") for n in range(4)]
    assert matched(scene, cond("repeated", "by_anybody", 3, 10)) == [one.text for one in lot[2:]]
    assert matched(scene, cond("repeated", "by_anybody", 5, 10)) == []


def test_an_author_is_counted_alone_and_another_account_not_at_all(scene: Scene) -> None:
    for n, who in enumerate(("anna", "bob", "anna", "carl", "anna")):
        scene.customer_says(WORDS, who=who, root=f"r{n}")
    assert len(matched(scene, cond("repeated", "by_author", 2, 10))) == 2
    assert len(matched(scene, cond("repeated", "by_author", 3, 10))) == 1
    scene.account = f.make_account(scene.session)
    scene.customer_says(WORDS, who="anna", root="elsewhere")
    boss = load_actor(scene.session, f.make_staff(scene.session, "administrator"), scene.now)
    found = previewing.preview_rule(
        scene.session, boss, conditions=[cond("repeated", "by_anybody", 6, 10)], now=scene.now
    )  # fmt: skip
    assert found.matched == 0


def test_what_came_late_counts_from_when_it_was_said_but_a_mail_from_when_it_came(scene: Scene) -> None:
    for hours in (5, 4, 3):
        scene.customer_says(WORDS, who=f"p{hours}", root=f"p{hours}", remote_at=scene.now - timedelta(hours=hours))
    assert matched(scene, cond("repeated", "by_anybody", 2, 30)) == []
    for hours in (5, 4, 3):
        scene.customer_says(
            f"{WORDS} at once", who=f"m{hours}", root=f"m{hours}", remote_at=scene.now - timedelta(hours=hours),
            kind=InboundKind.MAIL, surface=Surface.MAIL,
        )  # fmt: skip
    assert len(matched(scene, cond("repeated", "by_anybody", 2, 30))) == 2


def test_what_is_taken_back_leaves_nothing_to_compare_with_and_an_edit_another_key(scene: Scene) -> None:
    gone, changed = (scene.customer_says(WORDS, who=who, root=who) for who in ("anna", "bob"))
    assert gone.same_key == changed.same_key is not None
    withdrawals.take_back(scene.session, SYSTEM, gone, scene.now)
    assert gone.same_key is None
    newer = said(
        "Something altogether different", remote_at=scene.now, who="bob", root="bob", remote_id=changed.remote_id,
        edited_at=scene.now + timedelta(minutes=1),
    )  # fmt: skip
    scene.hears(newer)
    assert changed.same_key == key("Something altogether different")


def test_how_many_messages_there_are_is_counted_where_it_is_asked(scene: Scene) -> None:
    for n, (who, root) in enumerate((("anna", "a"), ("anna", "a"), ("anna", "b"), ("bob", "c"))):
        scene.later(minutes=1)
        scene.customer_says(f"message {n}", who=who, root=root)
    assert matched(scene, cond("conversation_messages", "at_least", 2)) == ["message 1"]
    assert matched(scene, cond("conversation_messages", "at_most", 1)) == ["message 0", "message 2", "message 3"]
    assert matched(scene, cond("customer_messages", "at_least", 3)) == ["message 2"]
    assert matched(scene, cond("customer_messages", "at_most", 1)) == ["message 0", "message 3"]
    assert matched(
        scene, cond("customer_messages", "at_least", 2), cond("conversation_messages", "at_most", 1)
    ) == ["message 2"]  # fmt: skip


def test_a_band_of_followers_is_asked_of_whom_it_is_known(scene: Scene) -> None:
    for who, followers in (("anna", 48_200), ("bob", 1_940), ("eve", 0), ("mallory", None)):
        scene.later(minutes=1)
        scene.customer_says(who, author=Person(who, who, followers=followers))
    assert matched(scene, cond("followers", "at_least", 1_940)) == ["anna", "bob"]
    assert matched(scene, cond("followers", "at_least", 1_000), cond("followers", "at_most", 9_999)) == ["bob"]
    assert matched(scene, cond("followers", "at_least", 0)) == ["anna", "bob", "eve"]
    assert matched(scene, cond("followers", "at_most", 1_000_000_000)) == ["anna", "bob", "eve"]


def test_followers_are_those_that_the_network_named_last(scene: Scene) -> None:
    for text, followers in (("first", 10), ("second", 20_000), ("third", None)):
        scene.later(minutes=1)
        scene.customer_says(text, author=Person("anna", "anna", followers=followers))
    assert matched(scene, cond("followers", "at_least", 20_000)) == ["first", "second", "third"]
    assert matched(scene, cond("followers", "at_most", 10)) == []
