"""Bluesky: signing in, the record that is sent, and what its refusals mean."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from channels.bluesky import SPEC
from channels.bluesky.connect import normal_address, own_server
from channels.bluesky.syntax import parse_address, time_of_tid
from channels.bluesky.xrpc import _error
from channels.contract import AppKeys, Draft, LinkCard, Receipt, Surface, Target
from channels.errors import AuthExpired, Gone, OutcomeUnknown, RateLimited, Rejected, Unavailable
from channels.rehearsal.base import Fault
from tests.channels import lexicon
from tests.channels.bluesky_rig import APP_PASSWORD, HANDLE, BlueskyRig
from tests.channels.contract_rows import ContractRows
from tests.channels.rig import connection_from, sample_image

TUESDAY = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)


@pytest.fixture
def rig() -> Iterator[BlueskyRig]:
    with BlueskyRig() as rig:
        yield rig


class TestBlueskyKeepsTheContract(ContractRows):
    @pytest.fixture
    def rig(self) -> Iterator[BlueskyRig]:
        with BlueskyRig() as rig:
            yield rig


def sent_record(rig: BlueskyRig, receipt: Receipt) -> Any:
    """The record as it stands at the network, held to its lexicon."""
    address = parse_address(receipt.remote_id)
    doc = rig.network.repo.find(address.did, address.collection, address.rkey)
    assert doc is not None
    lexicon.check_record(doc["value"])
    return doc["value"]


def target(receipt: Receipt, **how: Any) -> Target:
    context = how.pop("context", receipt.context)
    return Target(receipt.remote_id, "", HANDLE, receipt.remote_id, Surface.PUBLIC, context)


# ---------------------------------------------------------------- signing in


@pytest.mark.parametrize("identifier", [HANDLE, f"@{HANDLE}", f"\u202a{HANDLE}\u202c ", "social@klm.test"])
def test_a_person_signs_in_by_handle_or_mail_address(rig: BlueskyRig, identifier: str) -> None:
    connection = rig.connect(identifier=identifier)
    assert connection.handle == HANDLE
    assert APP_PASSWORD not in connection.secrets.values()


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"identifier": " "}, "identifier_missing"),
        ({"password": ""}, "password_missing"),
        ({"address": "ftp://x"}, "bad_address"),
        ({"address": "https://u:p@x"}, "bad_address"),
        ({"address": "https://x:port"}, "bad_address"),
    ],
)
def test_a_form_that_cannot_work_names_its_field(rig: BlueskyRig, form: dict[str, str], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        rig.connect(**form)
    assert caught.value.code == code


def test_a_wrong_password_is_told_as_such(rig: BlueskyRig) -> None:
    with pytest.raises(AuthExpired):
        rig.connect(password="wrong")


def test_the_session_moves_to_the_accounts_own_server() -> None:
    document = {"service": [{"id": "#atproto_pds", "serviceEndpoint": "https://pds.example.com"}]}
    assert own_server(document, "https://bsky.social") == "https://pds.example.com"
    assert own_server({"service": "?"}, "https://bsky.social") == "https://bsky.social"
    unprotected = {"service": [{"id": "did:x#atproto_pds", "serviceEndpoint": "http://pds.example.com"}]}
    with pytest.raises(Rejected):
        own_server(unprotected, "https://bsky.social")
    assert normal_address(" bsky.social/ ") == "https://bsky.social"


def test_the_end_of_the_session_is_read_from_its_token(rig: BlueskyRig) -> None:
    rig.network.sessions.access_seconds = 600
    form = {"address": rig.server.url, "identifier": HANDLE, "password": APP_PASSWORD}
    connected = SPEC.connector(AppKeys(), rig.wire).sign_in(form)
    assert connected.expires_at is not None
    assert timedelta(seconds=590) < connected.expires_at - datetime.now(UTC) <= timedelta(seconds=600)


def test_refreshing_gives_new_secrets_that_work(rig: BlueskyRig) -> None:
    rig.network.sessions.access_seconds = -1
    connection = rig.connect()
    with pytest.raises(AuthExpired) as caught:
        SPEC.connector(rig.app, rig.wire).check(connection)
    assert caught.value.code == "token_expired"
    rig.network.sessions.access_seconds = 600
    renewed = SPEC.connector(rig.app, rig.wire).refresh(connection)
    assert renewed is not None
    assert not set(renewed.secrets.values()) & set(connection.secrets.values())
    SPEC.connector(rig.app, rig.wire).check(connection_from(SPEC, renewed, rig.app))


def test_a_refresh_fails_for_good_only_when_the_network_says_so(rig: BlueskyRig) -> None:
    connection, connector = rig.connect(), SPEC.connector(rig.app, rig.wire)
    for status in (401, 403, 500, 502):
        rig.network.plant(Fault("status_before", match="refreshSession", status=status))
        with pytest.raises((OutcomeUnknown, Rejected)):
            connector.refresh(connection)
    rig.network.revoke(HANDLE)
    with pytest.raises(AuthExpired):
        connector.refresh(connection)


def test_an_account_that_was_taken_down_must_be_seen_to(rig: BlueskyRig) -> None:
    connection = rig.connect()
    rig.network.take_down(HANDLE)
    with pytest.raises(AuthExpired, match="taken down"):
        SPEC.connector(rig.app, rig.wire).check(connection)


def test_a_missing_profile_does_not_stop_a_sign_in(rig: BlueskyRig) -> None:
    rig.network.plant(Fault("status_before", match="getProfile", status=500))
    assert rig.connect().handle == HANDLE


# ---------------------------------------------------------------- the record


def test_the_record_is_what_was_written_and_dated_by_its_key(rig: BlueskyRig) -> None:
    attempt = rig.begin(rig.connect(), Draft("Bonjour\u00a0!\r\n  e\u0301 ", language="fr"))
    receipt = attempt.send()
    record = sent_record(rig, receipt)
    assert record["text"] == "Bonjour\u00a0!\r\n  e\u0301 "
    assert record["langs"] == ["fr"]
    assert parse_address(receipt.remote_id).rkey == attempt.key
    written = datetime.fromisoformat(record["createdAt"])
    assert abs(written - time_of_tid(attempt.key)) < timedelta(milliseconds=1)
    assert receipt.url.endswith(f"/profile/{parse_address(receipt.remote_id).did}/post/{attempt.key}")


def test_what_readers_can_click_covers_exactly_its_words(rig: BlueskyRig) -> None:
    rig.network.say("ines", "je suis là")
    text = "👩‍💻 @ines.test et @nobody.test : https://example.com/é?q=(a) (www.klm.fr), #été #12 a@b.fr"
    receipt = rig.begin(rig.connect(), Draft(text)).send()
    [entry] = rig.published()
    assert entry["extra"]["marked"] == ["@ines.test", "https://example.com/é?q=(a)", "www.klm.fr", "#été"]
    features = [f["features"][0] for f in sent_record(rig, receipt)["facets"]]
    assert features[0]["did"].startswith("did:plc:")
    assert features[1]["uri"] == "https://example.com/é?q=(a)"
    assert features[2]["uri"] == "https://www.klm.fr"
    assert features[3]["tag"] == "été"


def test_images_carry_their_words_and_proportions(rig: BlueskyRig) -> None:
    images = (sample_image("un", 4, 2), replace(sample_image("", 3, 3), width=None))
    receipt = rig.begin(rig.connect(), Draft("deux images", media=images)).send()
    shown = sent_record(rig, receipt)["embed"]["images"]
    assert [(i["alt"], i.get("aspectRatio")) for i in shown] == [("un", {"width": 4, "height": 2}), ("", None)]


def test_a_links_card_is_given_with_its_picture(rig: BlueskyRig) -> None:
    card = LinkCard("https://klm.fr/a", "Été", "", sample_image("", 4, 2))
    connection = rig.connect()
    attempt = rig.begin(connection, Draft("Lisez", card=card))
    receipt = attempt.send()
    shown = sent_record(rig, receipt)["embed"]
    assert shown["$type"] == "app.bsky.embed.external"
    assert (shown["external"]["uri"], shown["external"]["title"]) == ("https://klm.fr/a", "Été")
    assert shown["external"]["thumb"]["mimeType"] == card.picture.mime
    reconciler = SPEC.reconciler(connection, rig.wire)
    looked = reconciler.look(attempt.draft, attempt.prepared, attempt.key, attempt.started_at, frozenset())
    assert looked.found is not None
    assert looked.found.remote_id == receipt.remote_id


def test_an_upload_that_was_dropped_is_prepared_again(rig: BlueskyRig) -> None:
    attempt = rig.begin(rig.connect(), Draft("image", media=(sample_image("x"),)))
    for cid in list(rig.network.store._docs["blob"]):
        rig.network.store.drop("blob", cid)
    with pytest.raises(Unavailable) as caught:
        attempt.send()
    assert caught.value.code == "upload_lost"


def test_a_thread_hangs_together(rig: BlueskyRig) -> None:
    connection = rig.connect()
    first = rig.begin(connection, Draft("1")).send()
    second = rig.begin(connection, Draft("2", reply_to=target(first))).send()
    third = rig.begin(connection, Draft("3", reply_to=target(second))).send()
    reply = sent_record(rig, third)["reply"]
    assert (reply["root"]["uri"], reply["parent"]["uri"]) == (first.remote_id, second.remote_id)
    assert reply["parent"]["cid"] == second.context["cid"]


def test_a_target_without_its_hash_is_looked_up(rig: BlueskyRig) -> None:
    connection = rig.connect()
    question = rig.network.say("ines", "bonjour")
    deeper = rig.network.say("tom", "moi aussi", in_reply_to=question["remote_id"])
    asked = Target(deeper["remote_id"], "", "tom.test", "", Surface.PUBLIC)
    reply = sent_record(rig, rig.begin(connection, Draft("voilà", reply_to=asked)).send())["reply"]
    assert reply["root"] == {"uri": question["remote_id"], "cid": question["cid"]}
    assert reply["parent"] == {"uri": deeper["remote_id"], "cid": deeper["cid"]}
    rig.network.say("tom", "", delete=deeper["remote_id"])
    with pytest.raises(Gone):
        rig.begin(connection, Draft("voilà", reply_to=asked))


def test_half_a_character_is_refused_beforehand(rig: BlueskyRig) -> None:
    with pytest.raises(Rejected) as caught:
        rig.begin(rig.connect(), Draft("coup\ud83d"))
    assert caught.value.code == "bad_text"


def test_only_our_own_posts_can_be_taken_down(rig: BlueskyRig) -> None:
    theirs = rig.network.say("ines", "bonjour")["remote_id"]
    with pytest.raises(Rejected):
        rig.publisher(rig.connect()).delete(theirs, {})


# ---------------------------------------------------------------- once, and the truth


def test_eight_senders_of_one_attempt_publish_once(rig: BlueskyRig) -> None:
    attempt = rig.begin(rig.connect(), Draft("une fois"))
    receipts: list[Receipt] = []
    threads = [threading.Thread(target=lambda: receipts.append(attempt.send())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rig.published()) == 1
    assert len(receipts) == 8
    assert len({(r.remote_id, json.dumps(dict(r.context))) for r in receipts}) == 1


def test_another_post_under_our_key_is_never_written_over(rig: BlueskyRig) -> None:
    connection = rig.connect()
    attempt = rig.begin(connection, Draft("le premier"))
    receipt = attempt.send()
    other = Draft("le second")
    clash = replace(attempt, draft=other, prepared=attempt.publisher.prepare(other))
    with pytest.raises(OutcomeUnknown) as caught:
        clash.send()
    assert caught.value.code == "key_taken"
    assert [e["text"] for e in rig.published()] == ["le premier"]
    assert SPEC.reconciler is not None
    looked = SPEC.reconciler(connection, rig.wire).look(other, clash.prepared, clash.key, TUESDAY, frozenset())
    assert (looked.found, looked.absent) == (None, False)
    assert [c.remote_id for c in looked.candidates] == [receipt.remote_id]
    known = SPEC.reconciler(connection, rig.wire).look(
        attempt.draft, attempt.prepared, attempt.key, TUESDAY, frozenset({receipt.remote_id})
    )
    assert (known.found, known.absent, known.candidates) == (None, False, ())


def test_what_arrives_late_is_found_and_not_doubled(rig: BlueskyRig) -> None:
    connection = rig.connect()
    attempt = rig.begin(connection, Draft("en retard"))
    rig.plant("late", seconds=0.1)
    with pytest.raises(OutcomeUnknown):
        attempt.send()
    attempt.send()  # the same key again, whatever the first does meanwhile
    threading.Event().wait(0.25)
    assert len(rig.published()) == 1


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("ExpiredToken", 400, AuthExpired),
        ("InvalidToken", 400, AuthExpired),
        ("AccountDeactivated", 401, AuthExpired),
        ("RateLimitExceeded", 429, RateLimited),
        ("InvalidRequest", 400, Rejected),
        ("BlobTooLarge", 400, Rejected),
        ("InternalServerError", 500, OutcomeUnknown),
        ("UpstreamFailure", 502, OutcomeUnknown),
        ("InvalidToken", 500, OutcomeUnknown),
        ("", 401, OutcomeUnknown),
        ("", 403, Rejected),
    ],
)
def test_a_named_refusal_is_what_its_name_says(name: str, status: int, error: type[Exception]) -> None:
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps({"error": name, "message": "words"}).encode() if name else b"<html>"
    assert type(_error(response)) is error


def test_a_success_without_its_address_is_no_success(rig: BlueskyRig) -> None:
    attempt = rig.begin(rig.connect(), Draft("alors ?"))
    rig.plant("status_before", status=200)
    with pytest.raises(OutcomeUnknown) as caught:
        attempt.send()
    assert caught.value.code == "unreadable_success"
