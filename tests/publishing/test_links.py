"""Links are tagged as their brand says: only its own, only once, and what was approved is what
goes out whatever becomes of the rule."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.bluesky.richtext import spans_in
from channels.urls import find_urls
from guichet.errors import Invalid, NotAllowed
from guichet.policy import Actor, load_actor
from guichet.publishing import linking, operations
from guichet.publishing.clashes import find_clashes
from guichet.publishing.drafting import Item, VariantSpec, Words, contents_of, specs_of, words_of
from guichet.publishing.link_rules import LinkRule, Otherwise, checked, fill, tags_for, values_of
from guichet.publishing.link_tags import tag_links
from guichet.publishing.rules import content_hash
from guichet.publishing.tags import create_tag, tag_post
from tests import factories as make
from tests.publishing.desk import NOW, SPECS, Desk
from tests.publishing.link_cases import CASES, FOR_THE_BROWSER, TAGS, as_json

NETWORKS = ("mastodon", "bluesky", "x")
RULE = LinkRule(True, ("klm.com",), {"source": "{network}", "campaign": "{campaign}"})


@pytest.mark.parametrize(("why", "text", "sent"), CASES, ids=[c[0] for c in CASES])
def test_a_text_goes_out_as_the_table_says_and_again_the_same(why: str, text: str, sent: str | None) -> None:
    expected = text if sent is None else sent
    assert tag_links(text, TAGS) == expected
    assert tag_links(expected, TAGS) == expected


def test_the_browsers_table_is_ours() -> None:
    assert FOR_THE_BROWSER.read_text("utf-8") == as_json(), "run python -m tests.publishing.link_cases"


def test_a_tagged_link_is_one_link_to_every_network() -> None:
    text = tag_links("Read (https://klm.com/a_(b)) and https://klm.com/?q=1#end.", TAGS)
    links = ["https://klm.com/a_(b)?utm_source=x&utm_campaign=%C3%A9t%C3%A9"]
    links.append("https://klm.com/?q=1&utm_source=x&utm_campaign=%C3%A9t%C3%A9#end")
    assert [text[start:end] for start, end in find_urls(text)] == links
    assert [span.value for span in spans_in(text) if span.kind == "link"] == links


@given(st.text(st.sampled_from("ab/:.?#&=()é字 \nhtps@k"), max_size=60))
@settings(max_examples=60, deadline=None)
def test_what_is_no_link_of_a_chosen_domain_is_never_touched(text: str) -> None:
    assert tag_links(f"{text} https://klm.example/", TAGS) == f"{text} https://klm.example/"


def test_a_pattern_is_filled_with_levelled_values_and_nothing_is_left_open() -> None:
    values = values_of(
        network="x", account="@klm_fr", brand="KLM", campaign="Été à Lyon !", post_id=7, wall_time="2026-03-11T09:00"
    )
    assert fill("{campaign}", values) == "ete-a-lyon"
    assert fill("Spring 26/{post}-{date}", values) == "Spring%2026%2F7-2026-03-11"
    nothing = {**values, "campaign": ""}
    assert [fill(p, nothing) for p in ("{campaign}", "x-{campaign}", "{campaign|None}", "~.{campaign}-")] == [
        "", "x", "none", "",
    ]  # fmt: skip


def test_a_network_is_an_exception() -> None:
    rule = checked(
        LinkRule(
            True, ("klm.com",), {"source": "{network}", "medium": "social"},
            (Otherwise("x", patterns={"medium": ""}), Otherwise("bluesky", is_on=False)),
        ),
        NETWORKS,
    )  # fmt: skip

    def on(network: str) -> list[str] | None:
        values = values_of(network=network, account="a", brand="b", campaign="", post_id=1, wall_time="2026-03-11")
        tags = tags_for(rule, values)
        return [name for name, _ in tags.parameters] if tags else None

    assert [on(n) for n in NETWORKS] == [["utm_source", "utm_medium"], None, ["utm_source"]]


def test_a_rule_says_at_each_field_what_is_wrong_with_it() -> None:
    wrong = LinkRule(
        True, ("co.uk", "localhost", "127.0.0.1", "https://www.KLM.com/fr"),
        {"source": "{who}", "medium": "a{", "size": "1"}, (Otherwise("myspace"), Otherwise("x"), Otherwise("x")),
    )  # fmt: skip
    with pytest.raises(Invalid) as refused:
        checked(wrong, NETWORKS)
    assert set(refused.value.fields) == {
        "domains.0", "domains.1", "domains.2", "patterns.source", "patterns.medium", "patterns.size",
        "exceptions.0.network", "exceptions.2.network",
    }  # fmt: skip
    with pytest.raises(Invalid, match="tagged so"):
        checked(LinkRule(True), NETWORKS)
    kept = checked(LinkRule(False, ("https://www.KLM.com:443/fr", "Müller.de."), {"term": "  "}), NETWORKS)
    assert (kept.domains, kept.patterns) == (("www.klm.com", "xn--mller-kva.de"), {})


def owner(desk: Desk) -> Actor:
    return load_actor(desk.session, make.make_staff(desk.session, role="administrator"), NOW)


def set_rule(desk: Desk, rule: LinkRule = RULE) -> None:
    linking.set_rule(desk.session, owner(desk), desk.brand, rule, NETWORKS, NOW)


def sent(desk: Desk, text: str, **more: object) -> list[str]:
    post = desk.post(text=text, **more)
    desk.schedule(post)
    return [d.payload["text"] for d in desk.deliveries(post)]


def test_what_is_frozen_is_tagged_on_each_account_in_every_part(desk: Desk) -> None:
    set_rule(desk)
    words = Words(
        "See https://klm.com", [Item("then https://klm.com/2.")], "First: https://klm.com/c https://others.com"
    )
    post = desk.post(words=words)
    campaign = create_tag(desk.session, owner(desk), desk.brand, kind="campaign", name="Noël 26", now=NOW)
    tag_post(desk.session, desk.publisher, post, [campaign.id], NOW)
    desk.schedule(post)
    query = {n: f"?utm_source={n}&utm_campaign=noel-26" for n in NETWORKS}
    assert [d.payload["text"] for d in desk.deliveries(post)] == [
        text
        for n in ("mastodon", "bluesky")
        for text in (
            f"See https://klm.com{query[n]}",
            f"then https://klm.com/2{query[n]}.",
            f"First: https://klm.com/c{query[n]} https://others.com",
        )
    ]
    assert words_of(post).text == "See https://klm.com"


def test_a_rule_that_changes_later_changes_nothing_that_was_sent_off(desk: Desk) -> None:
    set_rule(desk)
    post = desk.post(text="https://klm.com/a")
    desk.schedule(post)
    before = content_hash(contents_of(post))
    set_rule(desk, LinkRule(True, ("klm.com",), {"source": "other"}))
    assert content_hash(contents_of(post)) == before
    operations.reschedule(
        desk.session, desk.publisher, post, wall_time="2026-03-12T09:00", time_zone="Europe/Paris", now=NOW
    )
    assert [d.content_hash for d in desk.deliveries(post)] == [content_hash([c]) for c in contents_of(post)]
    operations.change(
        desk.session, desk.publisher, post, words=words_of(post), variants=specs_of(post), specs=SPECS, now=NOW
    )
    assert {d.payload["text"] for d in desk.deliveries(post)} == {"https://klm.com/a?utm_source=other"}


def test_a_post_may_leave_its_links_alone(desk: Desk) -> None:
    set_rule(desk)
    assert sent(desk, "https://klm.com/a", tags_links=False) == ["https://klm.com/a"] * 2
    post = desk.post(text="https://klm.com/b")
    desk.schedule(post)
    operations.change(desk.session, desk.publisher, post, tags_links=False, specs=SPECS, now=NOW)
    assert [d.payload["text"] for d in desk.deliveries(post)] == ["https://klm.com/b"] * 2
    assert sent(desk, "no rule, no tag: https://others.com") == ["no rule, no tag: https://others.com"] * 2


def test_the_preflight_counts_what_goes_out(desk: Desk) -> None:
    set_rule(desk)
    text = "a" * 270 + " https://klm.com/"  # 287; tagged 306 on Bluesky, where a link counts whole
    post = desk.post(text=text, variants=[VariantSpec(desk.there.id)])
    foreseen = linking.foresee(
        desk.session, desk.publisher, linking.Unsaved(post.id, wall_time="2026-03-11T09:00"), [desk.there], NOW
    )
    content = linking.tagged(contents_of(post)[0], foreseen[desk.there.id])
    check = operations.preflight(desk.publisher, [content], {desk.there.id: desk.there}, SPECS)[0]
    assert (check.counts, [p.name for _, p in check.problems]) == ((306,), ["text_too_long"])
    with pytest.raises(Invalid, match="refuse"):
        desk.schedule(post)


def test_the_same_words_are_still_found_to_be_the_same(desk: Desk) -> None:
    set_rule(desk, LinkRule(True, ("klm.com",), {"content": "{post}-{date}"}))
    first = desk.post(text="Our summer timetable is out: https://klm.com/summer")
    desk.schedule(first)
    again = desk.post(text="Our summer timetable is out: https://klm.com/summer")
    desk.schedule(again, at="2026-03-12T09:00")
    found = find_clashes(desk.session, desk.publisher, contents_of(again), NOW, SPECS, again.id)
    assert {c.name for c in found} == {"same_text"}


def test_who_manages_an_account_writes_its_brands_rule_and_nobody_less(desk: Desk) -> None:
    manager = make.make_staff(desk.session)
    make.make_grant(desk.session, manager, desk.here, "manager")
    actor = load_actor(desk.session, manager, NOW)
    linking.set_rule(desk.session, actor, desk.brand, RULE, NETWORKS, NOW)
    assert linking.get_rule(desk.session, actor, desk.brand) == RULE
    assert linking.examples(desk.session, actor, desk.brand, RULE, NETWORKS, NOW) == [
        (desk.here.id, "https://klm.com/?utm_source=mastodon"),
        (desk.there.id, "https://klm.com/?utm_source=bluesky"),
    ]
    for lesser in (desk.publisher, desk.author, desk.stranger):
        with pytest.raises(NotAllowed):
            linking.set_rule(desk.session, lesser, desk.brand, LinkRule(), NETWORKS, NOW)
        with pytest.raises(NotAllowed):
            linking.get_rule(desk.session, lesser, desk.brand)
