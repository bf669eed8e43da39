"""What a look at the instance shows about a send of unknown outcome."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from channels.contract import Connection, Draft, Looked
from channels.errors import ChannelError
from channels.mastodon.look import MastodonReconciler
from channels.rehearsal.base import Fault
from channels.rehearsal.mastodon import MastodonNetwork, Ways
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import Mailroom, sample_image, target_of


@pytest.fixture
def rig() -> Iterator[MastodonRig]:
    with MastodonRig() as rig:
        yield rig


@pytest.fixture
def connection(rig: MastodonRig) -> Connection:
    return rig.connect()


def network(rig: MastodonRig) -> MastodonNetwork:
    assert isinstance(rig.network, MastodonNetwork)
    return rig.network


def look(rig: MastodonRig, connection: Connection, draft: Draft, **how: object) -> Looked:
    assert rig.spec.reconciler is not None
    started_at = how.pop("started_at", datetime.now(UTC) - timedelta(seconds=1))
    known, others, prepared = how.pop("known", frozenset()), how.pop("others", ()), how.pop("prepared", {})
    reconciler = rig.spec.reconciler(connection, rig.wire)
    return reconciler.look(draft, prepared, "", started_at, known, others)


def test_every_kind_of_text_is_recognised_as_it_stands(rig: MastodonRig, connection: Connection) -> None:
    network(rig).say("ines@remote.example", "bonjour")
    for text in (
        "Deux\n\nparagraphes\net une ligne",
        "@ines@remote.example voir https://www.example.com/a/very/long/path/indeed?x=1&y=2 #été",
        "<b>pas du HTML</b> & « guillemets »",
        "  des   espaces  ",
    ):
        before = datetime.now(UTC)
        receipt = rig.begin(connection, Draft(text)).send()
        found = look(rig, connection, Draft(text), started_at=before).found
        assert found is not None, text
        assert found.remote_id == receipt.remote_id


def test_an_older_status_with_the_same_words_is_not_ours(rig: MastodonRig, connection: Connection) -> None:
    rig.begin(connection, Draft("bonjour à tous")).send()
    looked = look(rig, connection, Draft("bonjour à tous"), started_at=datetime.now(UTC) + timedelta(seconds=10))
    assert looked.found is None
    assert looked.absent


def test_what_another_application_wrote_is_not_ours(rig: MastodonRig, connection: Connection) -> None:
    network(rig).publish("guichet", "bonjour à tous", application="Tusky")
    assert look(rig, connection, Draft("bonjour à tous")).absent


def test_the_same_words_twice_are_for_a_person_to_judge(rig: MastodonRig, connection: Connection) -> None:
    ids = {rig.begin(connection, Draft("deux fois")).send().remote_id for _ in range(2)}
    looked = look(rig, connection, Draft("deux fois"))
    assert (looked.found, looked.absent) == (None, False)
    assert {c.remote_id for c in looked.candidates} == ids


@pytest.mark.parametrize("change", ["words", "place", "attachments"])
def test_what_is_nearly_the_same_is_for_a_person_to_judge(
    rig: MastodonRig, connection: Connection, change: str
) -> None:
    sent = Draft("Nous ouvrons lundi à neuf heures", media=(sample_image("a"),) if change == "attachments" else ())
    receipt = rig.begin(connection, sent).send()
    mailroom = Mailroom(rig.reader(connection))
    rig.say_publicly("bonjour")
    target = target_of(mailroom.understand(mailroom.poll())[0])
    wanted = {
        "words": Draft("Nous ouvrons lundi à dix heures"),
        "place": Draft(sent.text, reply_to=target),
        "attachments": Draft(sent.text),
    }[change]
    looked = look(rig, connection, wanted)
    assert (looked.found, looked.absent) == (None, False)
    assert [c.remote_id for c in looked.candidates] == [receipt.remote_id]
    assert looked.evidence["near"][0]["text"] == sent.text


def test_what_is_exactly_another_of_ours_is_no_candidate(rig: MastodonRig, connection: Connection) -> None:
    """Texts alike, of which several are in doubt at once: each is told by its own words."""
    drafts = [Draft(f"Le vol AF{n} part de la porte 12") for n in (1680, 1681, 1682)]
    lost, *out = drafts
    remote_ids = [rig.begin(connection, d).send().remote_id for d in out]
    assert look(rig, connection, lost, others=out).absent
    for draft, remote_id in zip(out, remote_ids, strict=True):
        found = look(rig, connection, draft, others=[d for d in drafts if d != draft]).found
        assert found is not None
        assert found.remote_id == remote_id
    of_nobody = look(rig, connection, lost, others=out[:1]).candidates
    assert [c.remote_id for c in of_nobody] == remote_ids[1:], "what nobody sent may be a text that was rewritten"


def test_what_may_be_this_one_or_another_that_differs_is_never_bound(rig: MastodonRig, connection: Connection) -> None:
    """A server shortens mentions: the same words may be for two people."""
    one, other = Draft("@ines@remote.example bonjour"), Draft("@ines@elsewhere.example bonjour")
    receipt = rig.begin(connection, other).send()
    for draft, rival in ((one, other), (other, one)):
        looked = look(rig, connection, draft, others=[rival])
        assert (looked.found, looked.absent) == (None, False)
        assert [c.remote_id for c in looked.candidates] == [receipt.remote_id]
    twin = look(rig, connection, other, others=[Draft("@ines@elsewhere.example bonjour")]).found
    assert twin is not None, "of two that are the same in everything, either may be it"


def test_the_files_that_were_uploaded_tell_the_same_words_apart(rig: MastodonRig, connection: Connection) -> None:
    drafts = [Draft("Nos avions", media=(sample_image(alt, width=9 + n),)) for n, alt in enumerate("ab")]
    attempts = [rig.begin(connection, d) for d in drafts]
    receipts = [attempt.send() for attempt in attempts]
    for mine, other in ((0, 1), (1, 0)):
        looked = look(rig, connection, drafts[mine], prepared=attempts[mine].prepared, others=[drafts[other]])
        assert looked.found is not None
        assert looked.found.remote_id == receipts[mine].remote_id


def test_something_quite_different_does_not_trouble_anybody(rig: MastodonRig, connection: Connection) -> None:
    rig.begin(connection, Draft("Recette de la tarte aux pommes")).send()
    assert look(rig, connection, Draft("Nous ouvrons lundi à neuf heures")).absent


def test_a_direct_answer_is_found_where_the_account_list_hides_it() -> None:
    with MastodonRig(Ways(lists_own_direct=False)) as rig:
        connection = rig.connect()
        mailroom = Mailroom(rig.reader(connection))
        rig.say_directly("entre nous")
        target = target_of(mailroom.understand(mailroom.poll())[0])
        draft = Draft("oui", surface=target.surface, reply_to=target)
        receipt = rig.begin(connection, draft).send()
        found = look(rig, connection, draft).found
        assert found is not None
        assert found.remote_id == receipt.remote_id


def test_what_cannot_be_read_yet_is_found_later(rig: MastodonRig, connection: Connection) -> None:
    network(rig).plant(Fault("lag", seconds=0.3, times=0))
    before = datetime.now(UTC)
    rig.begin(connection, Draft("bientôt")).send()
    assert look(rig, connection, Draft("bientôt"), started_at=before).found is None
    network(rig).forget_faults()
    for status in network(rig).store.all("status"):
        status["visible_at"] = 0
    assert look(rig, connection, Draft("bientôt"), started_at=before).found is not None


def test_a_reading_that_does_not_reach_back_proves_nothing(rig: MastodonRig, connection: Connection) -> None:
    for n in range(41):
        network(rig).publish("guichet", f"numéro {n} {'x' * n}")
    since = datetime.now(UTC) - timedelta(minutes=5)
    assert look(rig, connection, Draft("jamais dit"), started_at=since).absent
    hasty = MastodonReconciler(connection, rig.wire, most_pages=1)
    looked = hasty.look(Draft("jamais dit"), {}, "", since, frozenset())
    assert (looked.found, looked.absent, looked.evidence["complete"]) == (None, False, False)


def test_an_instance_whose_clock_is_wrong_is_judged_by_its_own_clock(rig: MastodonRig, connection: Connection) -> None:
    behind = timedelta(minutes=10)
    honest = rig.server._server.RequestHandlerClass

    class Lying(honest):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) - behind, usegmt=True)

    rig.server._server.RequestHandlerClass = Lying
    receipt = rig.begin(connection, Draft("à mon heure")).send()
    status = network(rig).status(receipt.remote_id)
    status["created_at"] = (datetime.now(UTC) - behind).isoformat()
    looked = look(rig, connection, Draft("à mon heure"))
    assert looked.found is not None
    assert looked.evidence["clock_ahead_seconds"] == pytest.approx(-600, abs=5)


def test_a_look_that_fails_says_nothing_about_the_send(rig: MastodonRig, connection: Connection) -> None:
    network(rig).plant(Fault("status_before", match="GET .*/statuses", status=503))
    with pytest.raises(ChannelError):
        look(rig, connection, Draft("x"))
