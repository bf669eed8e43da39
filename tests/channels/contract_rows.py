"""The rows that every network passes, whatever it is called: connect, say, fail, find
out, hear, answer, take down, and keep secrets. `rig.py` says how a network plugs in."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.contract import Connection, Deleter, Editor, Inbound, InboundKind, Lister, Surface
from channels.errors import AuthExpired, ChannelError, Gone, OutcomeUnknown, RateLimited, Unavailable
from tests.channels.rig import Mailroom, Rig, sample_image, target_of

# case → (effect, how, the error it must become, how many entries the ledger then has)
FAULTS: dict[str, tuple[str, dict[str, object], type[ChannelError], int]] = {
    "reset_before": ("reset_before", {}, OutcomeUnknown, 0),
    "reset_after": ("reset_after", {}, OutcomeUnknown, 1),
    "500_after": ("status_after", {"status": 500}, OutcomeUnknown, 1),
    "503": ("status_before", {"status": 503}, OutcomeUnknown, 0),
    "429": ("status_before", {"status": 429, "headers": {"Retry-After": "30"}}, RateLimited, 0),
    "garbage_after": ("garbage_after", {}, OutcomeUnknown, 1),
    # These two run into the limits of IMPATIENT.
    "slow": ("slow", {"seconds": 0.7}, OutcomeUnknown, 1),
    "drip": ("drip", {"seconds": 0.2}, OutcomeUnknown, 1),
}

IMPATIENT = {"read_timeout": 0.5, "deadline": 1.0}


def eventually(holds: Callable[[], bool], seconds: float = 3.0) -> bool:
    """Whether it comes to hold in time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def one(items: list[Inbound]) -> Inbound:
    """The one message from outside among what was heard, told apart by remote id."""
    heard = {i.remote_id: i for i in items if i.kind is not InboundKind.ECHO}
    assert len(heard) == 1, f"heard {[(i.kind, i.remote_id, i.text) for i in items]}"
    return next(iter(heard.values()))


class ContractRows:
    """Subclass it as `Test…` with a fixture `rig`."""

    @pytest.fixture(autouse=True)
    def _row_applies(self, request: pytest.FixtureRequest, rig: Rig) -> None:
        row = request.function.__name__.removeprefix("test_")
        case = getattr(request.node, "callspec", None)
        reason = rig.not_for.get(row) or (rig.not_for.get(f"{row}[{case.id}]") if case else None)
        if reason:
            pytest.skip(f"{rig.spec.name}: {reason}")

    @pytest.fixture
    def connection(self, rig: Rig, _row_applies: None) -> Connection:
        return rig.connect()

    def test_rig_excuses_only_rows_that_exist(self, rig: Rig) -> None:
        rows = {name.removeprefix("test_") for name in dir(ContractRows) if name.startswith("test_")}
        assert {re.sub(r"\[.*", "", row) for row in rig.not_for} <= rows

    # -- connecting

    def test_check_says_who_we_are(self, rig: Rig, connection: Connection) -> None:
        connected = rig.spec.connector(rig.app, rig.wire).check(connection)
        assert (connected.remote_id, connected.handle) == (connection.remote_id, connection.handle)
        assert connection.remote_id
        assert connection.handle

    def test_dead_credentials_are_told_apart_from_a_bad_day(self, rig: Rig, connection: Connection) -> None:
        dead = rig.dead(connection)
        with pytest.raises(AuthExpired):
            rig.spec.connector(rig.app, rig.wire).check(dead)
        with pytest.raises(AuthExpired):
            rig.begin(dead, rig.draft("nobody may say this")).send()
        assert rig.published() == []

    # -- sending

    def test_a_text_is_published_once_and_the_receipt_names_it(self, rig: Rig, connection: Connection) -> None:
        text = "Nous ouvrons à 9 h ☕\n\nDeuxième ligne & <signes>"
        receipt = rig.begin(connection, rig.draft(text)).send()
        [entry] = rig.published()
        assert entry["text"] == rig.said(text)
        assert entry["remote_id"] == receipt.remote_id

    def test_an_image_goes_out_with_its_alt_text(self, rig: Rig, connection: Connection) -> None:
        image = sample_image("Un carré bleu, « uni »")
        rig.begin(connection, rig.draft("avec une image", media=(image,))).send()
        [entry] = rig.published()
        assert [m["alt"] for m in entry["media"]] == ["Un carré bleu, « uni »"]

    def test_preparing_publishes_nothing_and_may_be_repeated(self, rig: Rig, connection: Connection) -> None:
        draft = rig.draft("pas encore", media=(sample_image("rien"),))
        rig.begin(connection, draft)
        attempt = rig.begin(connection, draft)
        assert rig.published() == []
        attempt.send()
        assert len(rig.published()) == 1

    # -- faults

    @pytest.mark.parametrize("case", FAULTS)
    def test_a_fault_becomes_the_error_that_is_true(self, rig: Rig, connection: Connection, case: str) -> None:
        effect, how, error, entries = FAULTS[case]
        attempt = rig.begin(connection, rig.draft("une fois, pas deux"))
        if effect in ("slow", "drip"):
            attempt = replace(attempt, publisher=rig.publisher(connection, rig.make_wire(**IMPATIENT)))
        rig.plant(effect, **how)
        with pytest.raises(error) as caught:
            attempt.send()
        assert type(caught.value) is error
        assert eventually(lambda: len(rig.published()) >= entries)
        assert len(rig.published()) == entries
        told = f"{caught.value} {json.dumps(caught.value.evidence)}"
        assert not [s for s in connection.secrets.values() if s and s in told]
        if isinstance(caught.value, RateLimited):
            assert caught.value.retry_at is not None
            assert timedelta(0) < caught.value.retry_at - attempt.started_at < timedelta(minutes=10)

    def test_a_refused_connection_is_surely_not_sent(self, rig: Rig, connection: Connection) -> None:
        attempt = rig.begin(connection, rig.draft("personne n'écoute"))
        rig.server.__exit__()
        # A wire of its own: a pooled connection outlives the listening socket.
        anew = replace(attempt, publisher=rig.publisher(connection, rig.make_wire()))
        with pytest.raises(Unavailable):
            anew.send()
        assert rig.published() == []

    # -- finding out

    def test_what_was_published_without_an_answer_is_found(self, rig: Rig, connection: Connection) -> None:
        looked = self._look_after(rig, connection, "reset_after")
        [entry] = rig.published()
        assert looked.found is not None
        assert looked.found.remote_id == entry["remote_id"]
        json.dumps(dict(looked.evidence))

    def test_what_was_not_published_is_absent(self, rig: Rig, connection: Connection) -> None:
        looked = self._look_after(rig, connection, "reset_before")
        assert (looked.found, looked.absent) == (None, True)
        json.dumps(dict(looked.evidence))

    def test_neither_a_known_nor_a_foreign_message_is_ever_bound(self, rig: Rig, connection: Connection) -> None:
        text = "même texte, autre envoi"
        known = rig.begin(connection, rig.draft(text)).send()
        rig.say_publicly(text)
        looked = self._look_after(rig, connection, "reset_before", text, frozenset({known.remote_id}))
        assert looked.found is None
        assert looked.candidates == ()

    def test_two_texts_of_ours_in_doubt_are_told_apart(self, rig: Rig, connection: Connection) -> None:
        lost, out = (rig.begin(connection, rig.draft(f"le vol {n} part de la porte 12")) for n in ("AF1680", "AF1681"))
        for attempt, effect in ((lost, "reset_before"), (out, "reset_after")):
            rig.plant(effect)
            with pytest.raises(OutcomeUnknown):
                attempt.send()
        assert rig.spec.reconciler is not None
        reconciler = rig.spec.reconciler(connection, rig.wire)
        nobody: frozenset[str] = frozenset()
        looked = reconciler.look(lost.draft, lost.prepared, lost.key, lost.started_at, nobody, (out.draft,))
        assert (looked.found, looked.candidates, looked.absent) == (None, (), True)
        looked = reconciler.look(out.draft, out.prepared, out.key, out.started_at, nobody, (lost.draft,))
        [entry] = rig.published()
        assert looked.found is not None
        assert looked.found.remote_id == entry["remote_id"]

    def test_what_stands_there_is_listed_since_a_moment(self, rig: Rig, connection: Connection) -> None:
        assert rig.spec.reconciler is not None
        lister = rig.spec.reconciler(connection, rig.wire)
        assert isinstance(lister, Lister)
        began = datetime.now(UTC) - timedelta(seconds=2)
        texts = ["Bonjour à tous", "<b>à</b> demain & merci"]
        receipts = [rig.begin(connection, rig.draft(text)).send() for text in texts]
        rig.say_publicly("rien de nous")
        listed = lister.list_since(began, 500)
        assert listed.is_complete
        assert {s.remote_id: s.text for s in listed.standing} == dict(
            zip((r.remote_id for r in receipts), map(rig.said, texts), strict=True)
        )
        assert all(abs(s.at - datetime.now(UTC)) < timedelta(minutes=1) for s in listed.standing)
        assert lister.list_since(datetime.now(UTC) + timedelta(minutes=1), 500).standing == ()

    @staticmethod
    def _look_after(rig, connection, effect, text="où est-il ?", known=frozenset()):
        attempt = rig.begin(connection, rig.draft(text))
        rig.plant(effect)
        with pytest.raises(OutcomeUnknown):
            attempt.send()
        assert rig.spec.reconciler is not None
        reconciler = rig.spec.reconciler(connection, rig.wire)
        return reconciler.look(attempt.draft, attempt.prepared, attempt.key, attempt.started_at, known)

    # -- hearing

    def test_a_customer_is_heard_exactly_once(self, rig: Rig, connection: Connection) -> None:
        mailroom = Mailroom(rig.reader(connection))
        mailroom.poll()
        before = dict(mailroom.cursors)
        remote_id = rig.say_publicly("Où en est ma commande ?")
        items = mailroom.poll()
        assert len(items) == 1
        assert mailroom.poll() == []
        again = Mailroom(rig.reader(connection), before).poll()
        assert [(i.stream, i.delivery_key) for i in again] == [(i.stream, i.delivery_key) for i in items]
        assert {i.remote_id for i in mailroom.understand(items)} == {remote_id}

    def test_a_message_is_understood(self, rig: Rig, connection: Connection) -> None:
        heard = self._hear(rig, connection, lambda: rig.say_publicly("Où en est ma commande ? <b>n° 7</b> & merci"))
        assert "Où en est ma commande ? <b>n° 7</b> & merci" in heard.text
        assert heard.author.handle.lstrip("@").startswith(rig.customer)
        assert heard.author.remote_id
        assert heard.thread_root
        assert heard.can_reply
        assert heard.remote_at.tzinfo is not None
        json.dumps([dict(heard.context), dict(heard.raw)])

    def test_an_answer_to_our_post_lands_under_it(self, rig: Rig, connection: Connection) -> None:
        receipt = rig.begin(connection, rig.draft("Question du jour ?")).send()
        heard = self._hear(rig, connection, lambda: rig.say_publicly("Ma réponse", in_reply_to=receipt.remote_id))
        assert heard.thread_root == rig.thread_root_of(receipt)
        assert heard.kind in (InboundKind.REPLY, InboundKind.MAIL)

    def test_a_direct_message_is_heard_as_direct(self, rig: Rig, connection: Connection) -> None:
        heard = self._hear(rig, connection, lambda: rig.say_directly("entre nous"))
        assert "entre nous" in heard.text
        assert heard.surface is Surface.DIRECT

    @staticmethod
    def _hear(rig: Rig, connection: Connection, speak: Callable[[], str]) -> Inbound:
        mailroom = Mailroom(rig.reader(connection))
        mailroom.poll()
        speak()
        return one(mailroom.understand(mailroom.poll()))

    # -- answering

    @pytest.mark.parametrize("way", ["publicly", "directly"])
    def test_an_answer_reaches_its_author_where_the_question_was(
        self, rig: Rig, connection: Connection, way: str
    ) -> None:
        speak = rig.say_publicly if way == "publicly" else rig.say_directly
        heard = self._hear(rig, connection, lambda: speak("Une question"))
        target = target_of(heard)
        text = rig.spec.answer_text("La réponse", target) if rig.spec.answer_text else "La réponse"
        receipt = rig.begin(connection, rig.draft(text, surface=target.surface, reply_to=target)).send()
        [entry] = rig.published()
        assert entry["remote_id"] == receipt.remote_id
        assert "La réponse" in entry["text"]
        assert entry["in_reply_to"] == heard.remote_id
        assert rig.addressees(entry) == {rig.customer}
        assert rig.surface_of(entry) is heard.surface

    def test_our_own_answer_is_not_heard_as_a_customer(self, rig: Rig, connection: Connection) -> None:
        mailroom = Mailroom(rig.reader(connection))
        mailroom.poll()
        rig.say_publicly("Une question")
        target = target_of(one(mailroom.understand(mailroom.poll())))
        rig.begin(connection, rig.draft("La réponse", surface=target.surface, reply_to=target)).send()
        assert {i.kind for i in mailroom.understand(mailroom.poll())} <= {InboundKind.ECHO}

    # -- changing and taking down

    def test_what_it_says_it_can_take_down_and_change_its_publisher_can(self, rig: Rig, connection: Connection) -> None:
        publisher = rig.publisher(connection)
        assert rig.spec.can_delete == isinstance(publisher, Deleter)
        assert rig.spec.can_edit == isinstance(publisher, Editor)

    def test_what_is_deleted_is_gone_and_deleting_again_is_harmless(self, rig: Rig, connection: Connection) -> None:
        receipt = rig.begin(connection, rig.draft("à retirer")).send()
        publisher = rig.publisher(connection)
        assert isinstance(publisher, Deleter)
        publisher.delete(receipt.remote_id, receipt.context)
        with contextlib.suppress(Gone):
            publisher.delete(receipt.remote_id, receipt.context)
        deleted = [e for e in rig.network.ledger() if e["act"] == "delete"]
        assert [e["remote_id"] for e in deleted] == [receipt.remote_id]

    # -- secrets

    def test_secrets_show_in_no_repr_and_no_debug_log(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        connection = rig.connect()
        connected = rig.spec.connector(rig.app, rig.wire).check(connection)
        mailroom = Mailroom(rig.reader(connection))
        mailroom.poll()
        attempt = rig.begin(connection, rig.draft("rien à cacher"))
        attempt.send()
        rig.say_publicly("bonjour")
        items = mailroom.poll()
        shown = [repr(x) for x in (connection, connected, attempt.publisher, mailroom.reader, rig.app)]
        shown += [str(i.headers) for i in items]
        shown += [logging.Formatter("%(message)s %(args)s").format(r) for r in caplog.records]
        secrets = {s for s in (*connection.secrets.values(), *connected.secrets.values(), *rig.other_secrets()) if s}
        assert secrets
        leaks = [line for line in shown if any(s in line for s in secrets)]
        assert leaks == []
