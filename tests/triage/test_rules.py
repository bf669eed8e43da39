"""Rules: what they match, what they do, what they refuse to be."""

from __future__ import annotations

import csv
import gzip
import io
import time
from typing import Any

import pytest

from guichet import models as m
from guichet.errors import Invalid, NotAllowed
from guichet.inbox import operations as inbox
from guichet.inbox.words import fold
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.triage import contents, previewing, rules
from guichet.triage import operations as triage
from guichet.triage.applying import apply_rules
from guichet.triage.rules import Fact, RuleValue
from tests import factories as f
from tests.conftest import SHARED_DATA
from tests.inbox.scene import Scene, spec_of


def fact(text: str = "", **more: Any) -> Fact:
    given = {"language": "fr", "network": "mastodon", "account_id": 1, "kind": "mention", "surface": "public", **more}
    return Fact(words=fold(text), **given)


def cond(field: str, op: str, *value: Any) -> dict[str, Any]:
    return {"field": field, "operator": op, "value": list(value)}


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        (cond("text", "any_of", "DÉLAI de livraison"), True),
        (cond("text", "any_of", "livrais"), False),  # whole words
        (cond("text", "any_of", "perdu", "Livraison"), True),
        (cond("text", "none_of", "livraison"), False),
        (cond("language", "is", "fr", "de"), True),
        (cond("network", "is_not", "mastodon"), False),
        (cond("account", "is", 1, 2), True),
        (cond("kind", "is", "direct"), False),
        (cond("customer", "is", "vip"), True),
        (cond("customer", "is_not", "known"), True),
        (cond("hours", "is", "closed"), False),
    ],
)
def test_conditions(condition: dict[str, Any], matches: bool) -> None:
    assert rules.problems_of_conditions([condition]) == {}
    said = fact("Quel est le délai de livraison ?", customer=frozenset({"vip"}))
    assert rules.holds([condition], said) is matches


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("look at https://example.com", {"link"}),
        ("look at example.com now", {"link"}),
        ("@acme ❤️👍🏽 👩‍👩‍👧 🇫🇷 1️⃣", {"only_emoji"}),
        ("@acme ❤️ merci", set()),
        ("@acme 12 #", set()),
        ("@acme @bob@example.social", {"only_mentions"}),
        ("", set()),
        ("   ", set()),
        ("my booking X7K2MQ is lost", {"personal"}),
        ("\ud800" * 3 + "@" * 1000 + "👍" * 10_000, set()),
    ],
)
def test_what_a_message_holds(text: str, held: set[str]) -> None:
    assert contents.holds(text, "mention") == held
    condition = cond("holds", "is", "link", "only_emoji", "only_mentions", "personal")
    assert rules.problems_of_conditions([condition]) == {}
    assert rules.holds([condition], fact(text, holds=contents.holds(text, "mention"))) is bool(held)


def test_personal_data_in_private_is_nobodys_business() -> None:
    assert contents.holds("my booking X7K2MQ is lost", "direct") == frozenset()


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        ("x", "field"), (cond("mood", "is", "x"), "field"), (cond("text", "matches", "(a+)+$"), "operator"),
        (cond("text", "any_of"), "value"), (cond("text", "any_of", 3), "value"),
        (cond("text", "any_of", "!!"), "value"),
        (cond("account", "is", True), "value"), (cond("kind", "is", "shout"), "value"), ({"field": "text"}, "operator"),
    ],
)  # fmt: skip
def test_what_can_never_be_right_is_refused_where_it_stands(condition: Any, field: str) -> None:
    assert list(rules.problems_of_conditions([condition])) == [f"conditions.0.{field}"]


def test_the_first_to_set_something_wins_and_one_that_stops_ends_the_trial() -> None:
    do = lambda what, value=None: {"kind": what, "value": value}  # noqa: E731 - a table is being written
    three = [
        RuleValue(1, [], [do("label", 5), do("priority", 2)]),
        RuleValue(2, [], [do("label", 6), do("priority", 3)], stops=True),
        RuleValue(3, [], [do("spam")]),
    ]
    outcome = rules.decide(three, fact())
    assert (outcome.rule_ids, outcome.labels, outcome.priority, outcome.is_spam) == ((1, 2), (5, 6), 2, False)


def test_no_text_makes_a_rule_run_long() -> None:
    began = time.perf_counter()
    rules.holds([cond("text", "none_of", *["a a a a b"] * 50)], fact("a " * 100_000))
    assert time.perf_counter() - began < 2


def lead(scene: Scene) -> Actor:
    staff = f.make_staff(scene.session, "team_lead")
    f.make_grant(scene.session, staff, scene.account, "agent")
    return load_actor(scene.session, staff, scene.now)


def test_a_new_conversation_is_sorted_and_one_in_hand_only_labelled(scene: Scene) -> None:
    boss = load_actor(scene.session, f.make_staff(scene.session, "administrator"), scene.now)
    label = inbox.create_label(scene.session, boss, name="Parcel", now=scene.now)
    team = f.make_team(scene.session)
    triage.create_rule(
        scene.session, boss, name="Parcels", is_on=True, now=scene.now, conditions=[cond("text", "any_of", "parcel")],
        actions=[
            {"kind": "label", "value": label.id}, {"kind": "team", "value": team.id}, {"kind": "priority", "value": 3},
        ],
    )  # fmt: skip
    new = scene.customer_says("My parcel", root="a")
    assert apply_rules(scene.session, SYSTEM, [new], scene.now, spec_of) == [team.id]
    conversation = scene.conversation_of(new)
    assert (conversation.team_id, conversation.priority, [x.id for x in conversation.labels]) == (
        team.id,
        3,
        [label.id],
    )

    first = scene.customer_says("Hello", root="b")
    held = scene.conversation_of(first)
    inbox.claim(scene.session, scene.actor(), held, scene.now)
    assert apply_rules(scene.session, SYSTEM, [scene.customer_says("parcel!", root="b")], scene.now, spec_of) == []
    assert (held.team_id, held.assignee_id, held.priority) == (None, scene.agent.id, 1)
    scene.session.refresh(held, ["labels"])
    assert [x.id for x in held.labels] == [label.id]


def test_spam_by_rule_ends_the_wait_as_moderated(scene: Scene) -> None:
    triage.create_rule(
        scene.session, lead(scene), name="Spam", is_on=True, now=scene.now,
        conditions=[cond("text", "any_of", "crypto")], actions=[{"kind": "spam"}],
    )  # fmt: skip
    message = scene.customer_says("Free crypto")
    apply_rules(scene.session, SYSTEM, [message], scene.now, spec_of)
    assert scene.conversation_of(message).state == "spam"
    assert [w.end_kind for w in scene.session.query(m.Wait)] == ["moderated"]


def test_a_rule_asks_what_a_message_holds_and_its_preview_says_it_covered(scene: Scene) -> None:
    asked = [cond("holds", "is", "only_emoji", "personal")]
    triage.create_rule(
        scene.session, lead(scene), name="Noise", is_on=True, now=scene.now, conditions=asked,
        actions=[{"kind": "spam"}],
    )  # fmt: skip
    noise = scene.customer_says("@acme 👍👍🏽", who="anna", root="a")
    told = scene.customer_says("My booking X7K2MQ is lost", who="bob", root="b")
    other = scene.customer_says("Where is my parcel? 👍", who="carl", root="c")
    apply_rules(scene.session, SYSTEM, [noise, told, other], scene.now, spec_of)
    assert [scene.conversation_of(one).state for one in (noise, told, other)] == ["spam", "spam", "new"]
    found = previewing.preview_rule(scene.session, lead(scene), conditions=asked, now=scene.now)
    assert (found.tried, found.matched) == (3, 2)
    assert {one.preview for one in found.examples} == {"@acme 👍👍🏽", "My booking •••••• is lost"}


def test_rules_are_kept_in_order_and_only_by_who_may(scene: Scene) -> None:
    actor = lead(scene)
    made = [
        triage.create_rule(
            scene.session, actor, name=f"r{n}", conditions=[], actions=[{"kind": "priority", "value": n}], now=scene.now
        )
        for n in range(3)
    ]
    ids = [r.id for r in made]
    assert [r.id for r in triage.reorder_rules(scene.session, actor, ids[::-1], scene.now)] == ids[::-1]
    assert [r.id for r in triage.list_rules(scene.session, actor)] == ids[::-1]
    with pytest.raises(Invalid):
        triage.reorder_rules(scene.session, actor, ids[:2], scene.now)
    with pytest.raises(NotAllowed):
        triage.switch_rule(scene.session, scene.actor(), made[0], is_on=True, now=scene.now)
    with pytest.raises(Invalid) as refused:
        triage.create_rule(
            scene.session, actor, name="", conditions=[cond("x", "is")],
            actions=[{"kind": "team", "value": 999}, {"kind": "fly"}], now=scene.now,
        )  # fmt: skip
    assert set(refused.value.fields) == {"name", "conditions.0.field", "actions.0.value", "actions.1.kind"}


def test_a_preview_says_what_a_rule_would_have_matched_of_what_one_may_see(scene: Scene) -> None:
    for n in range(4):
        scene.customer_says(f"refund {n}" if n % 2 else "thanks", root=f"r{n}")
    conditions = [cond("text", "any_of", "refund")]
    preview = previewing.preview_rule(scene.session, lead(scene), conditions=conditions, now=scene.now)
    assert (preview.tried, preview.matched) == (4, 2)
    blind = load_actor(scene.session, f.make_staff(scene.session, "team_lead"), scene.now)
    assert previewing.preview_rule(scene.session, blind, conditions=conditions, now=scene.now).tried == 0
    assert scene.session.query(m.ConversationEvent).filter_by(kind="rules").count() == 0


def test_plain_words_sort_real_questions() -> None:
    path = SHARED_DATA / "banking77" / "train.csv.gz"
    if not path.exists():
        pytest.skip("the shared banking questions are not here")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        questions = list(csv.DictReader(io.StringIO(lines.read())))
    names = list(questions[0])
    lost = [q[names[0]] for q in questions if q[names[1]] == "lost_or_stolen_card"]
    condition = [cond("text", "any_of", "lost", "stolen", "stole", "missing", "lose", "misplaced")]
    share = sum(rules.holds(condition, fact(text)) for text in lost) / len(lost)
    assert share > 0.8
