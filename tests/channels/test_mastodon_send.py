"""Saying something on an instance, and who gets to read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from channels.contract import Connection, Draft, Editor, Receipt, Surface, Target
from channels.errors import Gone, RateLimited, Rejected, StillWorking
from channels.mastodon import SPEC
from channels.mastodon.send import MastodonPublisher, answer_text
from channels.rehearsal.base import Fault
from channels.rehearsal.mastodon import Ways
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import Mailroom, sample_image, target_of


@pytest.fixture
def rig() -> Iterator[MastodonRig]:
    with MastodonRig() as rig:
        yield rig


@pytest.fixture
def connection(rig: MastodonRig) -> Connection:
    return rig.connect()


def target(handle: str = "ines@remote.example", **context: Any) -> Target:
    return Target("1", "https://remote.example/users/ines", handle, "1", Surface.PUBLIC, context)


def question(rig: MastodonRig, connection: Connection, who: str = "ines", **how: Any) -> Target:
    mailroom = Mailroom(rig.reader(connection))
    mailroom.poll()
    rig.network.say(who, "Une question", to="guichet", **how)
    return target_of(mailroom.understand(mailroom.poll())[0])


def send(rig: MastodonRig, connection: Connection, draft: Draft) -> Receipt:
    return rig.begin(connection, draft).send()


# -- whom an answer reaches


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("oui", "@ines@remote.example oui"),
        ("@ines@remote.example oui", "@ines@remote.example oui"),
        ("oui @INES@Remote.example", "oui @INES@Remote.example"),
        ("@ines oui", "@ines@remote.example @ines oui"),
        ("x@ines@remote.example", "@ines@remote.example x@ines@remote.example"),
    ],
)
def test_an_answer_names_its_addressee_once(text: str, stands: str) -> None:
    assert answer_text(text, target()) == stands
    assert answer_text(stands, target()) == stands


def test_the_name_is_the_one_the_instance_uses() -> None:
    own = target("ines@mastodon.rehearsal", acct="ines")
    assert answer_text("oui", own) == "@ines oui"
    assert answer_text("@ines@mastodon.rehearsal oui", own) == "@ines@mastodon.rehearsal oui"


def test_a_thread_of_our_own_mentions_nobody(rig: MastodonRig, connection: Connection) -> None:
    first = send(rig, connection, Draft("1/2"))
    above = Target(
        first.remote_id, connection.remote_id, connection.handle, first.remote_id, Surface.PUBLIC, first.context
    )
    send(rig, connection, Draft("2/2", reply_to=above))
    assert [e["text"] for e in rig.published()] == ["1/2", "2/2"]
    assert rig.published()[1]["in_reply_to"] == first.remote_id


def test_somebody_on_another_instance_is_reached_there(rig: MastodonRig, connection: Connection) -> None:
    asked = question(rig, connection, "ines@remote.example")
    assert asked.author_id == "https://remote.example/users/ines"
    send(rig, connection, Draft("oui", surface=asked.surface, reply_to=asked))
    assert rig.addressees(rig.published()[0]) == {"ines@remote.example"}


# -- who may read it


@pytest.mark.parametrize("visibility", ["public", "unlisted", "private", "direct"])
def test_an_answer_is_seen_by_those_who_saw_the_question(
    rig: MastodonRig, connection: Connection, visibility: str
) -> None:
    asked = question(rig, connection, visibility=visibility)
    send(rig, connection, Draft("réponse", surface=asked.surface, reply_to=asked))
    assert rig.published()[0]["extra"]["visibility"] == visibility


def test_an_answer_may_be_narrower_but_never_wider(rig: MastodonRig, connection: Connection) -> None:
    asked = question(rig, connection, visibility="private")
    for wanted, given in (("public", "private"), ("direct", "direct")):
        send(rig, connection, Draft("réponse", reply_to=asked, options={"visibility": wanted}))
        assert rig.published()[-1]["extra"]["visibility"] == given


def test_a_visibility_that_we_do_not_know_is_answered_directly(rig: MastodonRig, connection: Connection) -> None:
    asked = question(rig, connection)
    strange = replace(asked, context={**asked.context, "visibility": "mutuals"})
    send(rig, connection, Draft("réponse", reply_to=strange))
    assert rig.published()[0]["act"] == "direct"


def test_a_visibility_that_does_not_exist_is_refused(rig: MastodonRig, connection: Connection) -> None:
    with pytest.raises(Rejected) as refused:
        rig.begin(connection, Draft("x", options={"visibility": "everyone"}))
    assert refused.value.evidence == {"field": "visibility"}


def test_nobody_else_is_let_into_a_direct_message(rig: MastodonRig, connection: Connection) -> None:
    rig.network.say("paul", "bonjour")
    asked = question(rig, connection, direct=True)
    draft = Draft("voyez avec @paul et @ines", surface=asked.surface, reply_to=asked)
    with pytest.raises(Rejected) as refused:
        rig.begin(connection, draft)
    assert refused.value.code == "mentions_others"
    assert refused.value.evidence["mentions"] == ["paul"]
    for text in ("écrivez à paul@example.com", "@ines@mastodon.rehearsal, oui"):
        send(rig, connection, replace(draft, text=text))
        assert rig.addressees(rig.published()[-1]) == {"ines"}


# -- what goes with it


def test_language_warning_and_key_go_along(rig: MastodonRig, connection: Connection) -> None:
    attempt = rig.begin(connection, Draft("texte", language="fr", subject="sujet"))
    attempt.send()
    [entry] = rig.published()
    assert entry["extra"]["language"] == "fr"
    assert entry["key"] == attempt.key
    assert len({attempt.key, attempt.publisher.new_key(attempt.started_at)}) == 2
    assert rig.network.find_status(entry["remote_id"])["spoiler_text"] == "sujet"


def test_the_same_key_publishes_once_where_keys_are_honoured(rig: MastodonRig, connection: Connection) -> None:
    attempt = rig.begin(connection, Draft("une fois"))
    assert attempt.send().remote_id == attempt.send().remote_id
    assert len(rig.published()) == 1


def test_an_upload_is_waited_for(rig: MastodonRig) -> None:
    with MastodonRig(Ways(processing_seconds=0.25)) as slow:
        send(slow, slow.connect(), Draft("vidéo", media=(sample_image("alt"),)))
        assert slow.published()[0]["media"][0]["alt"] == "alt"


def test_an_upload_that_never_ends_publishes_nothing() -> None:
    with MastodonRig(Ways(processing_seconds=60)) as slow:
        publisher = MastodonPublisher(slow.connect(), slow.wire, processing_waits=(0.01, 0.01))
        draft = Draft("vidéo", media=(sample_image("alt"),))
        with pytest.raises(StillWorking) as caught:
            publisher.prepare(draft)
        with pytest.raises(StillWorking) as again:
            publisher.prepare_on(draft, caught.value.begun)
        assert again.value.begun == caught.value.begun
        assert len(slow.network.store.all("media")) == 1
        with pytest.raises(StillWorking) as anew:  # of what is gone there, another
            publisher.prepare_on(draft, {draft.media[0].sha256: "999"})
        assert anew.value.begun != caught.value.begun
        assert slow.published() == []


def test_the_focus_of_an_image_is_kept(rig: MastodonRig, connection: Connection) -> None:
    image = replace(sample_image("alt"), focus=(-0.5, 0.3))
    send(rig, connection, Draft("x", media=(image,)))
    assert rig.network.store.all("media")[0]["focus"] == {"x": -0.5, "y": 0.3}


@pytest.mark.parametrize(
    "draft",
    [
        Draft("x" * 501),
        Draft("   "),
        Draft("x", media=(sample_image("a" * 1501),)),
        Draft("x", media=(sample_image("a"),) * 5),
    ],
    ids=["too long", "empty", "long alt", "many files"],
)
def test_what_the_instance_refuses_is_refused_with_its_words(
    rig: MastodonRig, connection: Connection, draft: Draft
) -> None:
    with pytest.raises(Rejected) as refused:
        send(rig, connection, draft)
    assert "Validation failed" in refused.value.detail
    assert rig.published() == []


def test_an_answer_to_what_is_gone_is_not_published(rig: MastodonRig, connection: Connection) -> None:
    asked = question(rig, connection)
    rig.network.say("ines", "", delete=asked.remote_id)
    with pytest.raises(Gone):
        send(rig, connection, Draft("trop tard", reply_to=asked))
    assert rig.published() == []


def test_the_receipt_says_what_the_instance_still_allows(rig: MastodonRig, connection: Connection) -> None:
    receipt = send(rig, connection, Draft("x"))
    assert receipt.context["allowance"]["remaining"] == 299
    assert receipt.accepted_at is not None
    assert receipt.url == f"{rig.server.url}/@guichet/{receipt.remote_id}"


def test_too_many_uploads_say_until_when(rig: MastodonRig, connection: Connection) -> None:
    draft = Draft("x", media=(sample_image("a"),))
    for _ in range(30):
        rig.begin(connection, draft)
    with pytest.raises(RateLimited) as limited:
        rig.begin(connection, draft)
    assert limited.value.retry_at is not None
    assert 0 < (limited.value.retry_at - rig.begin(connection, Draft("x")).started_at).total_seconds() <= 1800


def test_a_refusal_is_not_taken_for_a_dead_token_nor_the_other_way(rig: MastodonRig, connection: Connection) -> None:
    rig.network.plant(Fault("status_before", match="POST /api/v1/statuses", status=403))
    with pytest.raises(Rejected):
        send(rig, connection, Draft("interdit"))


# -- changing it


def test_an_edit_replaces_text_and_attachments(rig: MastodonRig, connection: Connection) -> None:
    receipt = send(rig, connection, Draft("avant"))
    publisher = rig.publisher(connection)
    assert isinstance(publisher, Editor)
    draft = Draft("après", media=(sample_image("alt"),))
    publisher.edit(receipt.remote_id, draft, publisher.prepare(draft))
    entry = rig.network.ledger()[-1]
    assert (entry["act"], entry["remote_id"], entry["text"]) == ("edit", receipt.remote_id, "après")
    assert entry["media"][0]["alt"] == "alt"


def test_an_edit_of_what_is_gone_says_so(rig: MastodonRig, connection: Connection) -> None:
    with pytest.raises(Gone):
        MastodonPublisher(connection, rig.wire).edit("404", Draft("x"), {})


def test_limits_are_the_instances_own() -> None:
    with MastodonRig(Ways(max_characters=5000, max_media=12)) as rig:
        limits = SPEC.limits_for(rig.connect().settings)
        assert limits.text[Surface.DIRECT].max_length == 5000
        assert limits.media[Surface.PUBLIC].max_count == 12
