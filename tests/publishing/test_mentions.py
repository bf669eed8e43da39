"""Who is named in a post is named on each network as they are called there, or by a plain name: never
by a wrong or a dead handle; and what was approved is what goes out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.limits import Problem
from channels.x import SPEC as X
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.models import Contact
from guichet.policy import Actor, load_actor
from guichet.publishing import address_book, operations
from guichet.publishing.address_book import checked
from guichet.publishing.chains import bring_in_step
from guichet.publishing.checking import as_thread
from guichet.publishing.drafting import Item, VariantSpec, Words, contents_of, specs_of, words_of
from guichet.publishing.linking import tagged
from guichet.publishing.mention_rules import Entry, Handle, called_on, with_names
from guichet.publishing.mention_tokens import Called, names_in, say_names
from guichet.publishing.mentioning import find_gone, foresee_names
from guichet.publishing.rules import AccountCheck, Content, Part, check, content_hash
from tests import factories as make
from tests.publishing.desk import NOW, SPECS, Desk
from tests.publishing.mention_cases import CALLED, CASES, FOR_THE_BROWSER, as_json

ALL = {**SPECS, "x": X}
LISBON = {"mastodon": "@lisbon@social.example", "bluesky": "@Lisbon.example"}


@pytest.mark.parametrize(("why", "text", "sent"), CASES, ids=[c[0] for c in CASES])
def test_a_text_goes_out_as_the_table_says(why: str, text: str, sent: str | None) -> None:
    said, spoken = say_names(text, CALLED)
    assert said == (text if sent is None else sent)
    assert [said[one.start : one.end] for one in spoken] == [one.called.text for one in spoken]


def test_the_browsers_table_is_ours() -> None:
    assert FOR_THE_BROWSER.read_text("utf-8") == as_json(), "run python -m tests.publishing.mention_cases"


@given(st.text(st.sampled_from("@[]{} \nGare.é👍a1"), max_size=40))
@settings(max_examples=100, deadline=None)
def test_what_is_no_known_name_is_never_touched(text: str) -> None:
    assert say_names(text, {"nobody": Called("nobody")})[0] == text
    assert all(f"@[{name}]" in text for name in names_in([text]))


# ---------------------------------------------------------------- what the preflight says


def checked_on(network: str, text: str, handle: str = "", *, gone: bool = False, name: str = "Lisbon") -> AccountCheck:
    handles = {network: Handle(handle, is_gone=gone)} if handle else {}
    spec = ALL[network]
    content = Content(1, (Part(text),))
    called = called_on(names_in([text]), {name.casefold(): Entry(name, handles)}, network, spec.mentions)
    lost = {handle.lower()} if gone else set()
    return check(with_names(content, called), spec, {}, gone=lost)


def names(found: tuple[tuple[int, Problem], ...]) -> list[str]:
    return [problem.name for _, problem in found]


@pytest.mark.parametrize(
    ("network", "handle"), [("x", "lisbon_1"), ("mastodon", "lisbon@social.example"), ("bluesky", "lisbon.example")]
)
def test_a_handle_is_linked_whole_or_the_post_is_refused(network: str, handle: str) -> None:
    for fine in (
        "@[Lisbon]",
        "Hi @[Lisbon]!",
        "(@[Lisbon])",
        "« @[Lisbon] »",
        "a\n@[Lisbon]\nb",
        "👩‍👧 @[Lisbon]…",
        "@[Lisbon], no",
    ):
        assert names(checked_on(network, fine, handle).problems) == [], fine
    for wrong in ("x@[Lisbon]", "@[Lisbon]s", "@[Lisbon]2", "https://a.example/@[Lisbon]"):
        [(item, problem)] = checked_on(network, wrong, handle).problems
        assert (item, problem.name, problem.data["called"]) == (0, "mention_not_linked", "Lisbon"), wrong
    # A plain name is put anywhere.
    assert names(checked_on(network, "x@[Lisbon]s").problems) == []


def test_what_networks_take_for_the_end_of_a_handle_is_respected() -> None:
    assert names(checked_on("x", "@[Lisbon].com", "lisbon").problems) == []
    assert names(checked_on("x", "@[Lisbon]é", "lisbon").problems) == ["mention_not_linked"]
    assert names(checked_on("x", "@[Lisbon]@[Lisbon]", "lisbon").problems) == ["mention_not_linked"] * 2
    assert names(checked_on("mastodon", "@[Lisbon].com", "l@social.example").problems) == ["mention_not_linked"]
    assert names(checked_on("bluesky", "@[Lisbon].com", "lisbon.example").problems) == ["mention_not_linked"]
    assert names(checked_on("bluesky", "@[Lisbon].", "lisbon.example").problems) == []


def test_a_name_that_nobody_bears_is_refused_and_said_where() -> None:
    for text, called, at in (
        ("Hi @[Nobody] there", "Nobody", 3), ("@[Lisbon] @[Lisbonn]", "Lisbonn", 10),
        ("so @[Lisbon and", "Lisbon and", 3),
        ("@[]", "", 0), ("@[{partner}]", "{partner}", 0), ("@[Lisbon] @[Lisbon", "Lisbon", 10),
    ):  # fmt: skip
        [(_, problem)] = checked_on("x", text, "lisbon").problems
        assert (problem.name, problem.data) == ("mention_unknown", {"called": called, "at": at}), text
    assert checked_on("x", "me@[192.0.2.1]").problems == ()


def test_a_plain_name_goes_out_where_there_is_no_good_handle_and_that_is_said() -> None:
    for handle, gone, why in (("", False, "no_handle"), ("lisbon", True, "gone"), ("no handle", False, "form")):
        checked = checked_on("x", "To @[Lisbon]", handle, gone=gone)
        assert (checked.counts, names(checked.problems)) == ((9,), [])
        [(item, notice)] = checked.notices
        assert (item, notice.name, notice.data) == (0, "mention_plain", {"called": "Lisbon", "why": why, "at": 3})
    assert checked_on("x", "To @[Lisbon]", "lisbon").notices == ()


def test_handles_typed_by_hand_are_looked_at_without_a_call() -> None:
    def said(network: str, text: str, **more: object) -> list[tuple[str, object, object]]:
        found = checked_on(network, text, **more).notices  # type: ignore[arg-type]
        return [(n.name, n.data["handle"], n.data.get("linked")) for _, n in found]

    assert said("x", "@klm @klm. @klm’s (@klm)") == []
    assert said("x", "@klm@social.example") == [("mention_no_handle", "klm@social.example", None)]
    assert said("x", "see @klm.bsky.social.") == [("mention_cut", "klm.bsky.social", "klm")]
    assert said("mastodon", "@klm@social.example @klm") == []
    assert said("bluesky", "@klm @klm.example, at @5 me@klm.example") == [("mention_no_handle", "klm", None)]
    assert said("x", "@KLM @other", handle="klm", gone=True) == [("mention_gone", "KLM", None)]


# ---------------------------------------------------------------- the address book


def owner(desk: Desk) -> Actor:
    return load_actor(desk.session, make.make_staff(desk.session, role="administrator"), NOW)


def add(
    desk: Desk,
    name: str = "Lisbon Airport",
    handles: Mapping[str, str] = LISBON,
    *,
    brand_id: int | None = 0,
    actor: Actor | None = None,
) -> Contact:
    of = desk.brand.id if brand_id == 0 else brand_id
    return address_book.create_contact(
        desk.session, actor or owner(desk), brand_id=of, name=name, handles=handles, specs=ALL, now=NOW
    )


def test_handles_are_kept_in_their_one_form_however_they_were_pasted() -> None:
    for network, typed, kept in (
        ("x", " @Lisbon_1 ", "Lisbon_1"), ("x", "https://x.com/lisbon?s=20", "lisbon"),
        ("x", "twitter.com/lisbon/", "lisbon"),
        ("mastodon", "@lisbon@Social.Example", "lisbon@social.example"),
        ("mastodon", "https://social.example/@lisbon", "lisbon@social.example"),
        ("bluesky", "@Lisbon.Example", "lisbon.example"),
        ("bluesky", "https://bsky.app/profile/lisbon.example", "lisbon.example"),
    ):  # fmt: skip
        assert checked("Lisbon", {network: typed}, ALL) == ("Lisbon", {network: kept}), typed
    assert checked(" Lisbon \t Airport ", {"x": " "}, ALL) == ("Lisbon Airport", {})
    for name in ("فرودگاه می\u200cآید", "Équipe 👩\u200d✈️", "リスボン空港"):
        assert checked(name, {}, ALL)[0] == name


def test_what_is_no_handle_of_a_network_is_refused_there() -> None:
    for network, typed in (
        ("x", "lisbon@social.example"), ("x", "a" * 16), ("x", "lisbon.example"), ("x", "a b"), ("x", "@"),
        ("mastodon", "lisbon"), ("mastodon", "lisbon@localhost"), ("mastodon", "a@b@c.example"),
        ("mastodon", "é@c.example"),
        ("mastodon", "a@" + "b." * 200 + "example"), ("bluesky", "lisbon"),
        ("bluesky", "did:plc:abc"), ("bluesky", "a b.example"),
        ("nowhere", "lisbon"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            checked("Lisbon", {network: typed}, ALL)
        assert set(refused.value.fields) == {f"handles.{network}"}, typed
    for name in ("", "a" * 61, "a]b", "a[b", "{a}", "a@b", "a|b", "a\nb]", "a\u202eb"):
        with pytest.raises(Invalid) as refused:
            checked(name, {}, ALL)
        assert set(refused.value.fields) == {"name"}, name


def test_who_sorts_a_brands_posts_keeps_its_address_book_and_nobody_less(desk: Desk) -> None:
    manager = make.make_staff(desk.session)
    make.make_grant(desk.session, manager, desk.here, "manager")
    actor = load_actor(desk.session, manager, NOW)
    row = add(desk, actor=actor)
    everywhere = add(desk, "Everywhere", {}, brand_id=None)
    assert [one.id for one in address_book.list_contacts(desk.session, desk.author)] == [row.id, everywhere.id]
    with pytest.raises(NotAllowed):
        add(desk, "Of all", brand_id=None, actor=actor)
    with pytest.raises(NotAllowed):
        address_book.delete_contact(desk.session, actor, everywhere, NOW)
    for lesser in (desk.publisher, desk.author, desk.stranger):
        with pytest.raises(NotAllowed):
            add(desk, "Other", actor=lesser)
        with pytest.raises(NotAllowed):
            address_book.change_contact(desk.session, lesser, row, name="Mine", handles={}, specs=ALL, now=NOW)
    assert [one.id for one in address_book.list_contacts(desk.session, desk.stranger)] == [everywhere.id]
    with pytest.raises(NotFound):
        address_book.get_contact(desk.session, desk.stranger, row.id)
    assert address_book.get_contact(desk.session, desk.stranger, everywhere.id) is everywhere


def test_a_name_is_borne_once_in_a_brand_and_once_for_all(desk: Desk) -> None:
    add(desk)
    everywhere = add(desk, brand_id=None)
    for brand_id in (0, None):
        with pytest.raises(Conflict) as refused:
            add(desk, "LISBON  airport", brand_id=brand_id)
        assert refused.value.code == "exists"
    other = add(desk, "Other", brand_id=None)
    with pytest.raises(Conflict):
        address_book.change_contact(
            desk.session, owner(desk), other, name=everywhere.name, handles={}, specs=ALL, now=NOW
        )


def test_what_was_found_of_a_handle_stays_with_it_and_not_with_another(desk: Desk) -> None:
    row = add(desk)
    for one in row.handles:
        one.state, one.remote_id, one.checked_at = "found", f"id-{one.network}", NOW
    handles = {"mastodon": "lisbon@social.example", "bluesky": "other.example", "x": "lisbon"}
    address_book.change_contact(desk.session, owner(desk), row, name="Lisbon", handles=handles, specs=ALL, now=NOW)
    desk.session.expire(row)
    assert [(h.network, h.handle, h.remote_id, h.state) for h in row.handles] == [
        ("bluesky", "other.example", "", ""),
        ("mastodon", "lisbon@social.example", "id-mastodon", "found"),
        ("x", "lisbon", "", ""),
    ]


# ---------------------------------------------------------------- in a post


def texts(desk: Desk, text: str, **more: object) -> list[str]:
    post = desk.post(text=text, **more)
    desk.schedule(post)
    return [d.payload["text"] for d in desk.deliveries(post)]


def test_each_network_gets_its_own_handle_in_every_part(desk: Desk) -> None:
    add(desk)
    add(desk, "Nice", {"mastodon": "nice@social.example"})
    post = desk.post(
        words=Words("With @[lisbon  AIRPORT]", [Item("and @[Nice]")], "Thanks, @[Nice] @[Lisbon Airport]!")
    )
    desk.schedule(post)
    assert [d.payload["text"] for d in desk.deliveries(post)] == [
        "With @lisbon@social.example", "and @nice@social.example",
        "Thanks, @nice@social.example @lisbon@social.example!",
        "With @lisbon.example", "and Nice", "Thanks, Nice @lisbon.example!",
    ]  # fmt: skip
    assert words_of(post).text == "With @[lisbon  AIRPORT]"


def test_a_brands_own_entry_goes_before_that_of_all_and_other_brands_have_none(desk: Desk) -> None:
    add(desk, brand_id=None, handles={"mastodon": "all@social.example", "bluesky": "all.example"})
    other = make.make_brand(desk.session)
    add(desk, brand_id=other.id, handles={"mastodon": "theirs@social.example"})
    assert texts(desk, "@[Lisbon Airport]") == ["@all@social.example", "@all.example"]
    add(desk, handles={"mastodon": "own@social.example"})
    assert texts(desk, "@[Lisbon Airport] again") == ["@own@social.example again", "Lisbon Airport again"]


def test_a_name_that_nobody_bears_is_not_sent(desk: Desk) -> None:
    with pytest.raises(Invalid) as refused:
        texts(desk, "Hi @[Lisbon Airport]")
    [problem] = refused.value.data["problems"][desk.here.id]
    assert problem == {"item": 0, "name": "mention_unknown", "data": {"called": "Lisbon Airport", "at": 3}}


def test_an_address_book_that_changes_later_changes_nothing_that_was_sent_off(desk: Desk) -> None:
    row = add(desk)
    post = desk.post(text="@[Lisbon Airport]")
    desk.schedule(post)
    before = content_hash(contents_of(post))
    address_book.change_contact(desk.session, owner(desk), row, name="Lis", handles={}, specs=ALL, now=NOW)
    assert content_hash(contents_of(post)) == before
    operations.reschedule(
        desk.session, desk.publisher, post, wall_time="2026-03-12T09:00", time_zone="Europe/Paris", now=NOW
    )
    assert [d.payload["text"] for d in desk.deliveries(post)] == ["@lisbon@social.example", "@lisbon.example"]
    assert [d.content_hash for d in desk.deliveries(post)] == [content_hash([c]) for c in contents_of(post)]
    with pytest.raises(Invalid):  # written anew, it is settled anew
        operations.change(
            desk.session, desk.publisher, post, words=words_of(post), variants=specs_of(post), specs=SPECS, now=NOW
        )


def test_what_is_approved_is_the_handle_and_whom_it_was_found_to_be(desk: Desk) -> None:
    row = add(desk)
    post = desk.post(text="@[Lisbon Airport]")
    desk.schedule(post)
    plain = {c.account_id: content_hash([c]) for c in contents_of(post)}
    for one in row.handles:
        one.remote_id, one.state = "did:plc:lisbon", "found"
    desk.session.flush()
    again = desk.post(text="@[Lisbon Airport]")
    operations.schedule(
        desk.session,
        desk.publisher,
        again,
        wall_time="2026-03-12T09:00",
        time_zone="Europe/Paris",
        specs=SPECS,
        now=NOW,
    )
    assert {
        d.payload["options"]["mentions"]["lisbon.example"]
        for d in desk.deliveries(again)
        if d.account_id == desk.there.id
    } == {"did:plc:lisbon"}
    assert {c.account_id: content_hash([c]) for c in contents_of(again)}.items().isdisjoint(plain.items())


def test_the_preflight_counts_what_goes_out_and_links_stay_tagged(desk: Desk) -> None:
    add(desk, "L", {"mastodon": "a_long_handle_indeed@social.example", "bluesky": "a-long-handle.social.example"})
    text = "@[L] " + "a" * 280  # 285 as it is typed; 310 on Bluesky, 302 on Mastodon, where a host counts nothing
    contents = [tagged(c, None) for c in contents_of(desk.post(text=text))]
    accounts = {a.id: a for a in (desk.here, desk.there)}
    called = foresee_names(desk.session, contents, accounts, SPECS)
    shown = [with_names(c, called[c.account_id]) for c in contents]
    checks = operations.preflight(desk.publisher, shown, accounts, SPECS, find_gone(desk.session, accounts.values()))
    assert {c.account_id: c.counts for c in checks} == {desk.here.id: (302,), desk.there.id: (310,)}
    assert [names(c.problems) for c in checks] == [[], ["text_too_long"]]


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("before", ["", "Hello ", "Good morning, "])
def test_a_long_text_is_divided_around_names_never_within(desk: Desk, before: str, numbered: bool) -> None:
    token = "@[A very long name of an airport]"
    add(desk, token[2:-1], {"bluesky": "a-very-long-handle-of-an-airport.example"})
    text = before + " ".join([token] * 30)
    called = foresee_names(desk.session, [Content(desk.there.id, (Part(text),))], {desk.there.id: desk.there}, SPECS)
    items = as_thread(desk.publisher, text, [desk.there], SPECS, {}, called, numbered=numbered)
    assert sum(item.count(token) for item in items) == 30
    for item in items:
        said = say_names(item, called[desk.there.id])[0]
        assert (len(said) <= 300, "[" in said) == (True, False)


def test_what_is_settled_stays_when_the_post_is_gone_through_again(desk: Desk) -> None:
    row = add(desk)
    post = desk.post(text="@[Lisbon Airport]")
    desk.schedule(post)
    address_book.delete_contact(desk.session, owner(desk), row, NOW)
    bring_in_step(desk.session, desk.publisher, post, desk.deliveries(post), SPECS, NOW)
    assert [d.payload["text"] for d in desk.deliveries(post)] == ["@lisbon@social.example", "@lisbon.example"]


def test_the_same_words_are_still_found_to_be_the_same_and_a_variant_has_its_own(desk: Desk) -> None:
    add(desk)
    own = [VariantSpec(desk.here.id), VariantSpec(desk.there.id, text="Only @[Lisbon Airport] here")]
    assert texts(desk, "No name", variants=own) == ["No name", "Only @lisbon.example here"]
