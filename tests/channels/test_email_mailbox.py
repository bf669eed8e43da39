"""The mailbox itself: what a refusal means, what is never read twice or never at all,
who is answered and with what headers, and the ways to connect."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from channels.contract import AppKeys, Connection, Draft, InboundKind, RawItem, Recovery, Surface
from channels.email import SPEC, recovery_of
from channels.email.composing import compose, new_key
from channels.email.connecting import MailConnector
from channels.email.settings import mailbox_of
from channels.errors import AuthExpired, ChannelError, Malformed, OutcomeUnknown, RateLimited, Rejected, Unavailable
from channels.rehearsal.base import Fault
from channels.sentences import Sentence
from channels.wire import AddressPolicy, Wire
from tests.channels.email_rig import COMPANY, EmailRig
from tests.channels.rig import Mailroom, connection_from, target_of
from tests.waiting import until


@pytest.fixture
def rig() -> Iterator[EmailRig]:
    with EmailRig() as rig:
        yield rig


@pytest.fixture
def connection(rig: EmailRig) -> Connection:
    return rig.connect()


# ---------------------------------------------------------------- sending


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("status", "error"), [(550, Rejected), (552, Rejected), (451, Unavailable), (421, Unavailable), (530, AuthExpired)]
)
def test_a_refusal_at_any_step_proves_that_nothing_was_sent(
    rig: EmailRig, connection: Connection, step: str, status: int, error: type[ChannelError]
) -> None:
    rig.network.plant(Fault("status_before", match=f"^SMTP {step}", status=status))
    with pytest.raises(error) as caught:
        rig.begin(connection, rig.draft("non")).send()
    assert (type(caught.value), caught.value.status) == (error, status)
    assert rig.published() == []


def test_a_line_that_breaks_before_the_mail_was_handed_over_is_surely_not_sent(
    rig: EmailRig, connection: Connection
) -> None:
    for step in ("MAIL", "RCPT"):
        rig.network.plant(Fault("reset_before", match=f"^SMTP {step}"))
        with pytest.raises(Unavailable):
            rig.begin(connection, rig.draft("non")).send()
    assert rig.published() == []


def test_an_unknown_recipient_is_refused(rig: EmailRig, connection: Connection) -> None:
    draft = rig.draft("qui ?")
    assert draft.reply_to is not None
    context = {**draft.reply_to.context, "reply_to": "nobody@customer.example"}
    with pytest.raises(Rejected, match=r"550 5\.1\.1"):
        rig.begin(connection, replace(draft, reply_to=replace(draft.reply_to, context=context))).send()


def test_words_about_too_many_mails_mean_a_rate_limit(rig: EmailRig, connection: Connection) -> None:
    rig.plant("status_before", status=450, headers={"words": "4.7.28 too many messages"})
    with pytest.raises(RateLimited):
        rig.begin(connection, rig.draft("non")).send()


@pytest.mark.parametrize(
    ("context", "options", "code"),
    [
        ({"answerable": False}, {}, "not_answerable"),
        ({"automatic": True}, {"automatic": True}, "not_answerable"),
        ({"reply_to": "a@b.example\r\nBcc: all@b.example"}, {}, "bad_recipient"),
        ({"reply_to": "a@b.example, c@d.example"}, {}, "bad_recipient"),
    ],
)
def test_some_mails_are_never_answered(
    rig: EmailRig, connection: Connection, context: dict[str, object], options: dict[str, object], code: str
) -> None:
    draft = rig.draft("non")
    assert draft.reply_to is not None
    target = replace(draft.reply_to, context={**draft.reply_to.context, **context})
    with pytest.raises(Rejected) as caught:
        rig.begin(connection, replace(draft, reply_to=target, options=options))
    assert caught.value.code == code


def test_a_mail_that_answers_nobody_is_refused(rig: EmailRig, connection: Connection) -> None:
    with pytest.raises(Rejected) as caught:
        rig.begin(connection, Draft("à tous", Surface.MAIL))
    assert caught.value.code == "no_recipient"


def test_nothing_typed_or_received_can_add_a_header(rig: EmailRig) -> None:
    draft = rig.draft("corps\r\n.\r\nMAIL FROM:<x@y>")
    assert draft.reply_to is not None
    evil = "Sujet\r\nBcc: all@x.example"
    context = {
        **draft.reply_to.context,
        "subject": evil,
        "reply_to_name": 'Ines"\r\nBcc: b@x.example',
        "references": ["a@b>\r\nBcc: c@x.example"],
        "message_id": "q@x>\r\nBcc: d@x.example",
    }
    mailbox = replace(mailbox_of(rig.form()), name="Nous\r\nBcc: e@x.example")
    key = new_key(datetime.now(UTC), COMPANY)
    mail = compose(replace(draft, reply_to=replace(draft.reply_to, context=context)), key, mailbox)
    read = message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert read["Bcc"] is None
    assert len(read["To"].addresses) == 1
    assert read["Message-ID"] == f"<{key}>"


def test_the_same_key_makes_the_same_headers_and_people_send_no_automatic_mail(rig: EmailRig) -> None:
    mailbox, key = mailbox_of(rig.form()), new_key(datetime(2026, 3, 10, 9, 30, tzinfo=UTC), COMPANY)
    mails = [compose(rig.draft("x"), key, mailbox) for _ in range(2)]
    assert mails[0]["Date"] == mails[1]["Date"] == "Tue, 10 Mar 2026 09:30:00 +0000"
    assert mails[0]["Auto-Submitted"] is None
    assert compose(rig.draft("x", options={"automatic": True}), key, mailbox)["Auto-Submitted"] == "auto-replied"


def test_a_thread_grows_by_what_each_side_wrote(rig: EmailRig, connection: Connection) -> None:
    mailroom = Mailroom(rig.reader(connection))
    mailroom.poll()
    question = rig.say_publicly("Où est ma valise ?")
    [first] = mailroom.understand(mailroom.poll())
    answer = rig.begin(connection, Draft("Ici.", Surface.MAIL, reply_to=target_of(first))).send()
    rig.say_publicly("Merci", in_reply_to=answer.remote_id)
    thanks = next(i for i in mailroom.understand(mailroom.poll()) if i.kind is InboundKind.MAIL)
    assert (thanks.thread_root, thanks.in_reply_to) == (question, answer.remote_id)
    assert rig.published()[0]["extra"]["subject"] == "Re: Où est ma valise ?"


# ---------------------------------------------------------------- reading


def test_what_is_already_read_or_flagged_is_read_all_the_same(rig: EmailRig, connection: Connection) -> None:
    rig.say_publicly("lu ailleurs")
    rig.network.mailboxes.set_flags(COMPANY, "INBOX", 1, ["\\Seen", "\\Flagged"])
    items = Mailroom(rig.reader(connection)).poll()
    assert len(items) == 1
    assert rig.network.mailboxes.mails(COMPANY, "INBOX")[0].flags == ("\\Flagged", "\\Seen")


def test_the_same_mails_under_a_new_uidvalidity_are_not_new(rig: EmailRig, connection: Connection) -> None:
    mailroom = Mailroom(rig.reader(connection))
    for n in range(30):
        rig.say_publicly(f"question {n}")
    before = [i.delivery_key for i in mailroom.poll()]
    rig.network.change_uidvalidity(COMPANY)
    rig.say_publicly("pendant la migration")
    after = [i.delivery_key for i in mailroom.poll()]
    assert len(set(before)) == 30
    assert len(set(after) - set(before)) == 1
    assert mailroom.poll() == []


def test_old_mails_with_new_arrival_dates_do_not_flood_in_after_a_migration(
    rig: EmailRig, connection: Connection
) -> None:
    mailroom = Mailroom(rig.reader(connection))
    mailroom.poll()
    old = b"From: a@b.example\r\nDate: Mon, 01 Jan 2018 00:00:00 +0000\r\nMessage-ID: <old@b>\r\n\r\nold"
    undated = b"From: a@b.example\r\nMessage-ID: <undated@b>\r\n\r\nundated"
    for raw in (old, undated):
        rig.network.mailboxes.add(COMPANY, "INBOX", raw)
    rig.network.change_uidvalidity(COMPANY)
    assert [i.remote_id for i in mailroom.understand(mailroom.poll())] == ["undated@b"]


def why_not(mailroom: Mailroom, item: RawItem) -> Sentence:
    """What is said of a mail that cannot be had: words that each can read in their language."""
    with pytest.raises(Malformed) as caught:
        mailroom.reader.parse(item)
    assert isinstance(caught.value.detail, Sentence)
    return caught.value.detail


def test_one_mail_that_breaks_the_line_does_not_hold_up_the_next(rig: EmailRig, connection: Connection) -> None:
    mailroom = Mailroom(rig.reader(connection))
    mailroom.poll()
    rig.say_publicly("empoisonné")
    rig.network.plant(Fault("reset_before", match="^IMAP FETCH", times=3))
    for _ in range(2):
        assert mailroom.poll() == []
    rig.say_publicly("suivant")
    broken, following = mailroom.poll()
    why = why_not(mailroom, broken)
    assert str(why).startswith("the mail server broke the line 3 times over mail")
    assert why.template == "the mail server broke the line {times} times over mail {uid} ({fault})"
    assert [i.text for i in mailroom.reader.parse(following)] == ["suivant"]


def test_a_mail_that_the_server_refuses_to_hand_over_is_set_aside_at_once(
    rig: EmailRig, connection: Connection
) -> None:
    mailroom = Mailroom(rig.reader(connection))
    mailroom.poll()
    rig.network.plant(Fault("status_before", match="^IMAP FETCH"))
    rig.say_publicly("refusé")
    rig.say_publicly("suivant")
    refused, following = mailroom.poll()
    why = why_not(mailroom, refused)
    assert "could not hand over mail" in why
    assert why.template == "the mail server could not hand over mail {uid} ({fault})"
    assert [i.text for i in mailroom.reader.parse(following)] == ["suivant"]


def test_a_dripping_server_is_left_at_the_deadline(rig: EmailRig, connection: Connection) -> None:
    rig.network.plant(Fault("drip", match="^IMAP SEARCH", seconds=0.2))
    wire = rig.make_wire(deadline=0.3)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        SPEC.reader(connection, wire).poll("INBOX", None)
    assert time.monotonic() - began < 5


def test_news_is_told_while_waiting_and_between_two_waits(rig: EmailRig, connection: Connection) -> None:
    waiter = SPEC.waiter(connection, rig.wire)
    assert waiter.wait(5) is True  # nobody knows what came before
    threading.Timer(0.2, rig.say_publicly, ("bonjour",)).start()
    assert waiter.wait(5) is True
    assert waiter.wait(0.1) is False
    rig.say_publicly("entre deux")
    assert waiter.wait(5) is True


def test_what_comes_between_opening_the_folder_and_waiting_is_told_of(rig: EmailRig, connection: Connection) -> None:
    waiter = SPEC.waiter(connection, rig.wire)
    assert waiter.wait(5) is True
    slow = Fault("slow", match="^IMAP IDLE$", seconds=0.5)  # the folder is open, the wait has not begun
    rig.network.plant(slow)
    with ThreadPoolExecutor(1) as beside:
        told = beside.submit(waiter.wait, 3)
        until(lambda: slow.struck > 0)
        rig.say_publicly("juste avant")
        assert told.result(10) is True


# ---------------------------------------------------------------- connecting


@pytest.mark.parametrize(
    ("field", "value"),
    [("address", "nobody"), ("imap_host", "http://x"), ("smtp_port", "0"), ("imap_tls", "maybe"), ("password", "")],
)
def test_a_form_that_cannot_work_names_the_field(rig: EmailRig, field: str, value: str) -> None:
    with pytest.raises(Rejected) as caught:
        SPEC.connector(AppKeys(), rig.wire).sign_in(rig.form(**{field: value}))
    assert caught.value.evidence["field"] == field


def test_internal_hosts_are_refused_unless_allowed(rig: EmailRig) -> None:
    with pytest.raises(Rejected) as caught:
        SPEC.connector(AppKeys(), Wire(policy=AddressPolicy())).sign_in(rig.form())
    assert caught.value.code == "address_refused"


@pytest.mark.parametrize("files", [True, False])
def test_the_probe_decides_whether_sent_can_be_read(files: bool) -> None:
    with EmailRig() as rig:
        rig.network.files_sent = files
        connected = MailConnector(AppKeys(), rig.wire, 0.3).sign_in(rig.form(probe_sent="yes"))
        connection = connection_from(SPEC, connected, AppKeys())
        assert SPEC.recovery_for(connection.settings) is (Recovery.READABLE if files else Recovery.BLIND)
        mailroom = Mailroom(rig.reader(connection))
        assert mailroom.understand(mailroom.poll()) == []


def test_a_blind_account_has_nothing_to_look_in(rig: EmailRig, connection: Connection) -> None:
    blind = replace(connection, settings={**connection.settings, "files_sent": False})
    assert recovery_of(blind.settings) is Recovery.BLIND
    with pytest.raises(Rejected) as caught:
        SPEC.reconciler(blind, rig.wire)
    assert caught.value.code == "blind"


def test_oauth_through_the_consent_page_and_a_refresh(rig: EmailRig) -> None:
    keys = AppKeys("rehearsal", "rehearsal-secret")
    hosts = dict.fromkeys(SPEC.fixed_hosts, rig.server.url)
    connector = SPEC.connector(keys, rig.make_wire(divert=hosts))
    back = "https://guichet.example/back"
    consent = connector.begin(rig.form(provider="google", password=""), back, "state-1")
    page = requests.get(consent.authorize_url, timeout=5)
    assert COMPANY in page.text
    answer = {"address": COMPANY, "answer": "yes"}
    sent_back = requests.post(consent.authorize_url, data=answer, allow_redirects=False, timeout=5).headers["Location"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(sent_back).query).items()}
    connected = connector.complete(consent.memory, query)
    assert connected.expires_at is not None
    connection = connection_from(SPEC, connected, keys)
    renewed = connector.refresh(connection)
    assert renewed is not None
    assert renewed.secrets["access_token"] != connection.secrets["access_token"]
    fresh = replace(connection, secrets=renewed.secrets)
    rig.begin(fresh, rig.draft("par jeton")).send()
    assert [e["text"] for e in rig.published()] == ["par jeton"]
    with pytest.raises(AuthExpired):
        connector.check(replace(fresh, secrets={**fresh.secrets, "access_token": "stale"}))


def test_a_password_needs_no_refresh(rig: EmailRig, connection: Connection) -> None:
    assert SPEC.connector(AppKeys(), rig.wire).refresh(connection) is None


# ---------------------------------------------------------------- the deadline behind TLS


def test_a_deadline_holds_for_a_socket_that_was_detached(rig: EmailRig) -> None:
    """TLS takes the descriptor over from the socket that the deadline was set on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        wire = rig.make_wire()
        opened = wire.open_socket("127.0.0.1", listening.getsockname()[1])
        with wire.shut_after(opened, 0.2):
            taken_over = socket.socket(fileno=opened.detach())
            taken_over.settimeout(5)
            began = time.monotonic()
            assert taken_over.recv(1) == b""
            assert time.monotonic() - began < 3
            taken_over.close()


def test_an_unknown_outcome_never_says_that_it_was_refused(rig: EmailRig, connection: Connection) -> None:
    rig.plant("late", seconds=0.2)
    with pytest.raises(OutcomeUnknown):
        rig.begin(connection, rig.draft("tard")).send()
    end = time.monotonic() + 3
    while not rig.published() and time.monotonic() < end:
        time.sleep(0.02)
    assert len(rig.published()) == 1
