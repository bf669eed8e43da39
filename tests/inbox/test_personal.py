"""Personal data in public messages: what is found, what is left alone, and how it is covered."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from channels.contract import InboundKind, Surface
from guichet.inbox import personal, queries, searching, sought
from guichet.inbox.excerpts import mark
from guichet.inbox.queries import Filters
from guichet.models import Conversation, Message
from tests import factories as f
from tests.channels.real_data import real_data
from tests.inbox.scene import make_scene


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("Ma carte 4111 1111 1111 1111 12/26", "Ma carte •••• •••• •••• 1111 12/26"),
        ("card 4111-1111-1111-1111.", "card ••••-••••-••••-1111."),
        ("3782 822463 10005 declined", "•••• •••••• •0005 declined"),
        ("4111111111111111 123", "••••••••••••1111 123"),
        ("IBAN FR76 3000 6000 0112 3456 7890 189 merci", "IBAN •••• •••• •••• •••• •••• •••0 189 merci"),
        ("de89370400440532013000", "••••••••••••••••••3000"),
        ("Mon numéro : 06 12 34 56 78 merci", "Mon numéro : •• •• •• •• 78 merci"),
        ("call +44 20 7946 0958 now", "call +•• •• •••• ••58 now"),
        ("(415) 555-2671", "(•••) •••-••71"),
        ("call me 555 1234", "call me ••• ••34"),
        ("jean.dupont@example.com please", "j•••.••••••@•••••••.••• please"),
        ("my booking X7K2MQ is lost", "my booking •••••• is lost"),
        ("PNR: QWERTY help", "PNR: •••••• help"),
        ("X7K2MQ, that is my booking", "••••••, that is my booking"),
        ("réservation no 4520198 perdue", "réservation no ••••••• perdue"),
        ("dossier abc123", "dossier ••••••"),
        # cut by what lists keep of a text
        ("carte 4111 1111 11…", "carte •••• •••• ••…"),
        ("write to jean.dup@exam…", "write to ••••.•••@••••…"),
        ("my PNR is X7K…", "my PNR is •••…"),
    ],
)
def test_it_is_found_and_covered_in_its_place(text: str, covered: str) -> None:
    assert personal.cover(text) == covered


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # adds up to nothing
        "FR76 3000 6000 0112 3456 7890 188",
        "https://x.com/a/status/4111111111111111?pnr=X7K2MQ",
        "@bob@mastodon.social and @0612345678",
        "My booking on flight KL1234 was cancelled",
        "MY BOOKING CANNOT BE FOUND PLEASE ANSWER",
        "booking, please! Where is my refund",
        "2026-05-31 10-12-2026 31.05.2026",
        "1 000 000 people, 250 000 € and $12345678",
        "seat 14C at 12:30, 0054-4951-b418 and 9d71-0065-4185-a237",
        "order more: 20 000 000",
        "0000 0000 0000 0000",
        "vol AU412 annulé ce matin",
        "so many… 20…",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert personal.cover(text) == text


_bits = st.sampled_from(
    [" ", "-", ".", "…", "4111", "1111 1111", "+", "(", "booking", "PNR", "FR76", "@", "a.b@c.de", "x"]
)


@given(st.one_of(st.text(), st.lists(_bits).map("".join), st.text("0123456789 -.+()")))
def test_whatever_is_said_keeps_its_length_and_is_covered_once_and_for_all(text: str) -> None:
    found = personal.find(text)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(one.end <= following.start for one, following in itertools.pairwise(found))
    covered = personal.cover(text)
    assert len(covered) == len(text)
    assert all(a in (b, personal.COVER) for a, b in zip(covered, text, strict=True))


@given(st.text("0123456789", min_size=12, max_size=17), st.sampled_from(["", " ", "-", "\u00a0"]), st.text(max_size=20))
def test_every_card_number_is_found_however_it_is_parted(body: str, gap: str, beside: str) -> None:
    body = "4" + body
    (check,) = (d for d in "0123456789" if personal._is_card(body + d))
    whole = body + check
    parted = gap.join(whole[n : n + 4] for n in range(0, len(whole), 4))
    covered = personal.cover(f"{beside.replace('/', '')} : {parted} ok")
    assert whole not in covered.replace(gap or " ", "")


@pytest.mark.parametrize(
    "bit", ["1", "1 ", "1-", "a@", "a.", "FR76", "FR76 1", "booking ", "(1", "+1(", "4111 ", "x@y.z"]
)
def test_no_text_makes_it_run_long(bit: str) -> None:
    """Ten times the text takes about ten times as long; not a hundred."""
    spent = []
    for times in (2_000, 20_000):
        started = time.process_time()
        personal.find(bit * times)
        spent.append(time.process_time() - started)
    assert spent[1] < 40 * spent[0] + 0.5


def test_real_questions_hold_none() -> None:
    """banking77: 10,003 questions to a bank, in which no customer gives anything away."""
    with gzip.open(real_data("banking77/train.csv.gz"), "rt", encoding="utf-8") as file:
        said = [row[0] for row in csv.reader(io.StringIO(file.read()))]
    assert len(said) > 10_000
    assert [text for text in said if personal.find(text)] == []


def test_an_excerpt_is_found_by_what_it_covers() -> None:
    query = searching.query_of(sought.read("X7K2MQ").terms)
    parts = mark("my booking X7K2MQ is lost", query, is_public=True)
    assert [(p.text, p.is_hit) for p in parts if p.is_hit] == [("••••••", True)]


def test_lists_cover_what_is_public_and_keep_what_was_said(session: Session) -> None:
    scene = make_scene(session, f.NOW)
    public = scene.customer_says("My booking X7K2MQ is lost, call +44 20 7946 0958", who="anna", root="a")

    direct = scene.customer_says(
        "My booking X7K2MQ is lost", who="bob", root="b", kind=InboundKind.DIRECT, surface=Surface.DIRECT
    )
    session.commit()
    page = queries.list_conversations(session, scene.actor(), Filters(states=("all",)))
    previews = {row.id: row.preview for row in page.items}
    assert previews[public.conversation_id] == "My booking •••••• is lost, call +•• •• •••• ••58"
    assert previews[direct.conversation_id] == "My booking X7K2MQ is lost"
    assert session.get_one(Conversation, public.conversation_id).preview.startswith("My booking X7K2MQ")
    (found,) = queries.list_conversations(
        session, scene.actor(), Filters(states=("all",), text="X7K2MQ lost call")
    ).items
    assert found.excerpt is not None
    assert "X7K2MQ" not in "".join(p.text for p in found.excerpt.parts)
    assert session.get_one(Message, public.id).text.startswith("My booking X7K2MQ")
