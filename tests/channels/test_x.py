"""X keeps the contract, signed in either way."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import requests

from channels.contract import (
    Connection,
    Draft,
    Looked,
    MediaItem,
    Surface,
    Target,
)
from channels.errors import Gone, OutcomeUnknown, RateLimited, Rejected, StillWorking
from channels.limits import problems
from channels.x import SPEC
from channels.x.publish import XPublisher
from channels.x.shapes import time_of
from channels.x.walk import walk
from tests.channels.contract_rows import ContractRows
from tests.channels.rig import Rig, sample_image, target_of
from tests.channels.x_rig import XRig, XRigOAuth1, a_mailroom, company, heard


class TestXKeepsTheContract(ContractRows):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with XRig() as rig:
            yield rig


class TestXKeepsTheContractWithOAuth1(ContractRows):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with XRigOAuth1() as rig:
            yield rig


@pytest.fixture
def rig() -> Iterator[XRig]:
    with XRig() as rig:
        yield rig


@pytest.fixture
def connection(rig: XRig) -> Connection:
    return rig.connect()


# ---------------------------------------------------------------- sending


def test_a_thread_hangs_together(rig: XRig, connection: Connection) -> None:
    first = rig.begin(connection, rig.draft("1/2 Nous déménageons")).send()
    above = Target(first.remote_id, connection.remote_id, "acme", first.remote_id, Surface.PUBLIC)
    rig.begin(connection, rig.draft("2/2 Voici l'adresse", reply_to=above)).send()
    one, two = rig.published()
    assert (one["act"], two["act"]) == ("post", "post")
    assert two["in_reply_to"] == one["remote_id"]
    assert two["extra"]["to"] == []


def test_an_answer_reaches_the_one_it_answers_and_nobody_else(rig: XRig, connection: Connection) -> None:
    for bystander in ("paul", "lea"):
        rig.network.say(bystander, "bonjour")
    mailroom = a_mailroom(rig, connection)
    rig.network.say("ines", "@acme @paul @lea @acme_fr où est mon colis ?")
    [question] = heard(mailroom).values()
    rig.begin(connection, rig.draft("Il arrive", reply_to=target_of(question))).send()
    assert rig.published()[0]["extra"]["to"] == ["ines"]


def test_four_images_go_out_in_their_order(rig: XRig, connection: Connection) -> None:
    images = tuple(sample_image(f"n° {i}", width=8 + i) for i in range(4))
    rig.begin(connection, rig.draft("quatre", media=images)).send()
    sent = rig.published()[0]["media"]
    assert [(m["alt"], m["sha256"], m["mime"]) for m in sent] == [(i.alt, i.sha256, i.mime) for i in images]


def test_a_file_is_sent_in_chunks(rig: XRig, connection: Connection) -> None:
    body = bytes(range(256)) * 18_000  # 4.6 MB: more than one chunk
    image = MediaItem(sha256(body).hexdigest(), "image/png", len(body), "grand.png", "", lambda: body)
    rig.begin(connection, rig.draft("grand", media=(image,))).send()
    assert rig.published()[0]["media"][0]["sha256"] == image.sha256


def test_a_video_is_awaited_until_it_can_be_attached() -> None:
    with XRig(processing=1.2) as rig:
        body = b"not really a film"
        film = MediaItem(sha256(body).hexdigest(), "video/mp4", len(body), "f.mp4", "Un film", lambda: body)
        rig.begin(rig.connect(), rig.draft("à voir", media=(film,))).send()
        assert [m["mime"] for m in rig.published()[0]["media"]] == ["video/mp4"]


def test_a_video_that_takes_long_gives_the_thread_back_and_is_not_uploaded_again() -> None:
    with XRig(processing=0.3) as rig:
        film = MediaItem(sha256(b"a film").hexdigest(), "video/mp4", 6, "f.mp4", "Un film", lambda: b"a film")
        draft, publisher = rig.draft("à voir", media=(film,)), XPublisher(rig.connect(), rig.make_wire(), patience=0)
        with pytest.raises(StillWorking) as caught:
            publisher.prepare(draft)
        time.sleep(0.35)
        assert publisher.prepare_on(draft, caught.value.begun) == {"media_ids": [caught.value.begun[film.sha256]]}
        assert len(rig.network.store.all("media")) == 1
        with pytest.raises(StillWorking) as anew:  # what is gone there is uploaded again
            publisher.prepare_on(draft, {film.sha256: "1"})
        assert anew.value.begun != caught.value.begun


def test_the_same_text_again_is_a_doubt_and_not_a_failure(rig: XRig, connection: Connection) -> None:
    rig.begin(connection, rig.draft("Bonne année !")).send()
    with pytest.raises(OutcomeUnknown) as caught:
        rig.begin(connection, rig.draft("Bonne année !")).send()
    assert (caught.value.code, caught.value.status) == ("duplicate", 403)


def test_an_answer_to_somebody_who_did_not_address_us_is_refused(rig: XRig, connection: Connection) -> None:
    stranger = rig.network.say("marc", "quelqu'un connaît une bonne marque ?")
    target = Target(stranger["id"], stranger["author_id"], "marc", stranger["id"], Surface.PUBLIC)
    with pytest.raises(Rejected) as caught:
        rig.begin(connection, rig.draft("Nous !", reply_to=target)).send()
    assert caught.value.code == "reply_not_allowed"
    assert rig.published() == []


def test_what_is_too_long_is_refused_by_x_as_we_foresaw(rig: XRig, connection: Connection) -> None:
    limits, text = rig.spec.limits, "é" * 258 + " https://example.com/une/adresse"
    assert [p.name for p in problems(text, (), limits, Surface.PUBLIC)] == ["text_too_long"]
    with pytest.raises(Rejected):
        rig.begin(connection, rig.draft(text)).send()
    rig.begin(connection, rig.draft(text[2:])).send()
    assert len(rig.published()) == 1


def test_a_message_needs_somebody_to_write_to(rig: XRig, connection: Connection) -> None:
    with pytest.raises(Rejected) as caught:
        rig.begin(connection, rig.draft("à qui ?", surface=Surface.DIRECT)).send()
    assert caught.value.code == "no_addressee"


def test_a_direct_message_is_taken_back(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    rig.say_directly("Une question")
    [question] = heard(mailroom).values()
    draft = rig.draft("La mauvaise réponse", surface=Surface.DIRECT, reply_to=target_of(question))
    receipt = rig.begin(connection, draft).send()
    publisher = rig.publisher(connection)
    publisher.delete(receipt.remote_id, receipt.context)
    assert rig.network.ledger()[-1]["act"] == "delete"
    assert looked(rig, connection, draft).absent
    with pytest.raises(Gone):
        publisher.delete(receipt.remote_id, receipt.context)


@pytest.mark.parametrize(("text", "amount"), [("Bonjour", 0.015), ("Voir https://example.com", 0.20)])
def test_the_price_is_known_before_sending(text: str, amount: float) -> None:
    cost = SPEC.cost(Draft(text)) if SPEC.cost else None
    assert cost is not None
    assert (cost.amount, cost.currency) == (amount, "USD")


def test_the_limit_of_the_whole_application_is_told_apart() -> None:
    with XRig(posts_a_day=1) as rig:
        connection = rig.connect()
        rig.begin(connection, rig.draft("un")).send()
        with pytest.raises(RateLimited) as caught:
            rig.begin(connection, rig.draft("deux")).send()
    assert caught.value.scope == "app"
    assert caught.value.retry_at is not None
    assert caught.value.retry_at > datetime.now(UTC)


def test_when_x_took_it_is_what_its_id_says_whatever_our_clock_says(rig: XRig, connection: Connection) -> None:
    receipt = rig.begin(connection, rig.draft("à l'heure de X")).send()
    assert receipt.accepted_at == time_of(receipt.remote_id)


# ---------------------------------------------------------------- finding out


def looked(
    rig: XRig, connection: Connection, draft: Draft, known: frozenset[str] = frozenset(), others: Sequence[Draft] = ()
) -> Looked:
    reconciler = SPEC.reconciler(connection, rig.wire) if SPEC.reconciler else None
    assert reconciler is not None
    return reconciler.look(draft, {}, "", datetime.now(UTC) - timedelta(seconds=2), known, others)


def test_two_posts_that_could_be_it_are_put_before_a_person(rig: XRig, connection: Connection) -> None:
    for _ in range(2):
        rig.network.publish(company(rig), "Deux fois le même")
    found = looked(rig, connection, Draft("Deux fois le même"))
    assert (found.found, found.absent, len(found.candidates)) == (None, False, 2)


def test_a_post_with_other_media_is_a_candidate_only(rig: XRig, connection: Connection) -> None:
    rig.network.publish(company(rig), "Avec ou sans image")
    found = looked(rig, connection, Draft("Avec ou sans image", media=(sample_image("une"),)))
    assert (found.found, found.absent, len(found.candidates)) == (None, False, 1)


def test_the_same_words_for_somebody_else_are_that_answer(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    for person in ("ines", "paul"):
        rig.network.say(person, "@acme où est mon colis ?")
    mine, other = (rig.draft("Il arrive", reply_to=target_of(q)) for q in heard(mailroom).values())
    rig.begin(connection, other).send()
    assert looked(rig, connection, mine).candidates
    assert looked(rig, connection, mine, others=(other,)).absent
    assert looked(rig, connection, other, others=(mine,)).found is not None


def test_what_may_be_either_of_two_that_differ_is_never_bound(rig: XRig, connection: Connection) -> None:
    one, other = Draft("http://example.com/porte ouverte"), Draft("https://example.com/porte/ ouverte")
    rig.network.publish(company(rig), other.text)
    assert len(looked(rig, connection, one, others=(other,)).candidates) == 1
    assert looked(rig, connection, one).found is not None


def test_a_post_of_another_time_is_not_it(rig: XRig, connection: Connection) -> None:
    old = rig.network.publish(company(rig), "Bonjour")
    for name in ("created_at",):
        old[name] = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    assert looked(rig, connection, Draft("Bonjour")).absent


@pytest.mark.parametrize(
    "text",
    [
        "Lisez https://example.com/une/très/longue/adresse?x=1&y=2 et example.com, vite !",
        "a < b & c > d « déjà » 👩‍🚀",
        "Deux\nlignes\n\n  et des espaces  ",
        "e\u0301crit en lettres décomposées",
        "@acme_fr commence par une mention",
    ],
)
def test_a_text_is_recognised_however_x_hands_it_back(rig: XRig, connection: Connection, text: str) -> None:
    attempt = rig.begin(connection, rig.draft(text, media=(sample_image("i"),)))
    rig.plant("reset_after")
    with pytest.raises(OutcomeUnknown):
        attempt.send()
    found = looked(rig, connection, attempt.draft).found
    assert found is not None
    assert found.remote_id == rig.published()[0]["remote_id"]


@pytest.mark.parametrize(("effect", "is_there"), [("reset_after", True), ("reset_before", False)])
@pytest.mark.parametrize("way", ["publicly", "directly"])
def test_a_lost_answer_is_found_or_proved_absent(
    rig: XRig, connection: Connection, effect: str, is_there: bool, way: str
) -> None:
    mailroom = a_mailroom(rig, connection)
    (rig.say_publicly if way == "publicly" else rig.say_directly)("Une question")
    [question] = heard(mailroom).values()
    draft = rig.draft("La réponse", surface=question.surface, reply_to=target_of(question))
    attempt = rig.begin(connection, draft)
    rig.plant(effect)
    with pytest.raises(OutcomeUnknown):
        attempt.send()
    result = looked(rig, connection, draft)
    assert (result.found is not None, result.absent) == (is_there, not is_there)


def test_what_lies_beyond_our_reading_is_not_called_absent(rig: XRig, connection: Connection) -> None:
    ines = rig.network.person(rig.network.say("ines", "bonjour", to="acme", direct=True)["sender_id"])
    target = Target("1", ines["id"], "ines", "", Surface.DIRECT)
    attempt = rig.begin(connection, rig.draft("avant le flot", surface=Surface.DIRECT, reply_to=target))
    attempt.send()
    for i in range(1000):
        rig.network.message(ines, company(rig), f"n° {i}")
    assert SPEC.reconciler is not None
    result = SPEC.reconciler(connection, rig.wire).look(attempt.draft, {}, "", attempt.started_at, frozenset())
    assert (result.found, result.absent) == (None, False)
    assert result.evidence["complete"] is False


def test_a_walk_that_ends_early_says_so() -> None:
    def fetch(token: str | None) -> requests.Response:
        first = 900 - 100 * int(token or 0)
        body = {
            "data": [{"id": str(i), "text": "x"} for i in range(first, first - 100, -1)],
            "meta": {"next_token": str(int(token or 0) + 1)},
        }
        response = requests.Response()
        response.status_code, response._content = 200, json.dumps(body).encode()
        return response

    assert not walk(fetch, down_to=0, most=300).is_complete
    assert len(walk(fetch, down_to=0, most=300).items) == 300
    assert walk(fetch, down_to=650, most=300).is_complete
