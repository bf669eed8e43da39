"""Sets of hashtags: one word each, once, for who may; and what a network would cut is said."""

from __future__ import annotations

import pytest

from channels.x import SPEC as X
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.policy import load_actor
from guichet.publishing import hashtags
from guichet.publishing.hashtags import Cut, cut_on, plain_tags
from tests import factories as make
from tests.publishing.desk import NOW, SPECS, Desk


def test_tags_are_kept_bare_and_once() -> None:
    assert plain_tags(["#Lyon", "＃ete", " lyon ", "LYON"]) == ["Lyon", "ete"]


@pytest.mark.parametrize("wrong", ["", "#", "two words", "a#b", "a\u0000b", "a\u200bb", "x" * 101, "tab\tbed"])
def test_what_is_no_word_is_no_tag(wrong: str) -> None:
    with pytest.raises(Invalid):
        plain_tags(["fine", wrong])


def test_a_set_holds_something_and_not_everything() -> None:
    for tags in ([], [f"tag{n}" for n in range(61)]):
        with pytest.raises(Invalid):
            plain_tags(tags)


def test_each_network_says_what_it_would_not_link() -> None:
    tags = ["été_2026", "SNCF-Connect", "2026", "日本", "C++"]
    assert cut_on(tags, [X, SPECS["bluesky"]]) == [
        Cut("SNCF-Connect", "x", "SNCF"), Cut("2026", "x", ""), Cut("2026", "bluesky", ""), Cut("C++", "x", "C"),
    ]  # fmt: skip


def test_a_manager_of_an_account_makes_sets_and_authors_only_use_them(desk: Desk) -> None:
    manager = make.make_staff(desk.session)
    make.make_grant(desk.session, manager, desk.here, "manager")
    actor = load_actor(desk.session, manager, NOW)
    made = hashtags.create_set(desk.session, actor, desk.brand, name=" Summer  26 ", tags=["#a", "b"], now=NOW)
    assert (made.name, made.tags) == ("Summer 26", ["a", "b"])
    with pytest.raises(Conflict, match="already"):
        hashtags.create_set(desk.session, actor, desk.brand, name="SUMMER 26", tags=["c"], now=NOW)
    hashtags.change_set(desk.session, actor, made, name="Summer 26", tags=["c"], now=NOW)
    assert [s.tags for s in hashtags.list_sets(desk.session, desk.author)] == [["c"]]
    with pytest.raises(NotAllowed):
        hashtags.change_set(desk.session, desk.author, made, name="x", tags=["d"], now=NOW)
    with pytest.raises(NotAllowed):
        hashtags.delete_set(desk.session, desk.publisher, made, NOW)
    with pytest.raises(NotFound):
        hashtags.get_set(desk.session, desk.stranger, made.id)
    hashtags.delete_set(desk.session, actor, made, NOW)
    assert hashtags.list_sets(desk.session, desk.author) == []
