"""A real mail server on this machine: the company connects, its customer writes, is heard
once in the right thread, is answered, and sees the answer in that thread."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from imapclient import IMAPClient

from channels.contract import AppKeys, Connection, Draft, InboundKind, Recovery, Surface
from channels.email import SPEC, recovery_of
from channels.email.connecting import MailConnector
from channels.errors import AuthExpired, Unavailable
from channels.wire import AddressPolicy, Wire
from tests.channels.rig import Mailroom, connection_from, sample_image, target_of
from tests.real.dovecot_servers import DOMAIN, PASSWORD, MailHost, mail_host

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
COMPANY, CUSTOMER = f"help@{DOMAIN}", f"ines@{DOMAIN}"


@pytest.fixture
def host() -> Iterator[MailHost]:
    with mail_host(COMPANY, CUSTOMER) as host:
        yield host


def wire_to(host: MailHost) -> Wire:
    return Wire(policy=AddressPolicy(("127.0.0.1:*", "[::1]:*")), ca_bundle=host.ca_bundle)


def form(host: MailHost, **more: str) -> dict[str, str]:
    return {
        "address": COMPANY,
        "name": "Aurore Air",
        "password": PASSWORD,
        "imap_host": "localhost",
        "imap_port": str(host.imaps),
        "imap_tls": "tls",
        "smtp_host": "localhost",
        "smtp_port": str(host.smtp),
        "smtp_tls": "starttls",
        "probe_sent": "no",
        **more,
    }


def connect(host: MailHost, **more: str) -> Connection:
    connected = SPEC.connector(AppKeys(), wire_to(host)).sign_in(form(host, **more))
    return connection_from(SPEC, connected, AppKeys())


def customer_writes(host: MailHost, text: str, in_reply_to: str = "", references: str = "") -> str:
    """Straight into Dovecot, as another provider would; gives the Message-ID."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Inès <{CUSTOMER}>", COMPANY, "Où est mon bagage ?"
    mail["Message-ID"] = f"<{time.time_ns()}@customer.example>"
    if in_reply_to:
        mail["In-Reply-To"] = f"<{in_reply_to}>"
        mail["References"] = references
    mail.set_content(text)
    with smtplib.LMTP("127.0.0.1", host.lmtp, local_hostname="localhost") as lmtp:
        lmtp.sendmail(CUSTOMER, [COMPANY], mail.as_bytes())
    return str(mail["Message-ID"]).strip("<>")


def inbox_of_customer(host: MailHost) -> list[EmailMessage]:
    with IMAPClient("127.0.0.1", host.imap, ssl=False) as client:
        client.starttls(_trusting(host))
        client.plain_login(CUSTOMER, PASSWORD)
        client.select_folder("INBOX", readonly=True)
        fetched = client.fetch(client.search(), ["BODY.PEEK[]"])
    return [message_from_bytes(m[b"BODY[]"], policy=policy.default) for _, m in sorted(fetched.items())]


def _trusting(host: MailHost):
    import ssl

    return ssl.create_default_context(cafile=host.ca_bundle)


def publish(connection: Connection, host: MailHost, draft: Draft):
    from datetime import UTC, datetime

    publisher = SPEC.publisher(connection, wire_to(host))
    return publisher.send(draft, publisher.prepare(draft), publisher.new_key(datetime.now(UTC)))


def test_the_whole_round_on_real_mail(host: MailHost) -> None:
    connection = connect(host)
    mailroom = Mailroom(SPEC.reader(connection, wire_to(host)))
    assert mailroom.poll() == []

    question = customer_writes(host, "Mon vol AF12 est arrivé, pas ma valise.")
    [heard] = mailroom.understand(mailroom.poll())
    assert (heard.remote_id, heard.kind, heard.author.remote_id) == (question, InboundKind.MAIL, CUSTOMER)
    assert heard.text == "Mon vol AF12 est arrivé, pas ma valise."
    assert mailroom.poll() == []

    image = sample_image("Un tapis à bagages")
    answer = Draft("Voici où la chercher :\n.. au tapis 4", Surface.MAIL, (image,), reply_to=target_of(heard))
    receipt = publish(connection, host, answer)
    [seen] = inbox_of_customer(host)
    assert seen["Message-ID"] == f"<{receipt.remote_id}>"
    assert seen["In-Reply-To"] == seen["References"] == f"<{question}>"
    assert seen["Subject"] == "Re: Où est mon bagage ?"
    assert seen["To"].addresses[0].addr_spec == CUSTOMER
    body = seen.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").strip() == "Voici où la chercher :\n.. au tapis 4"
    [picture] = list(seen.iter_attachments())
    assert picture.get_content() == image.open()
    assert picture["Content-Description"] == "Un tapis à bagages"

    customer_writes(host, "Merci !", receipt.remote_id, f"{seen['References']} {seen['Message-ID']}")
    [thanks] = mailroom.understand(mailroom.poll())
    assert (thanks.thread_root, thanks.in_reply_to) == (question, receipt.remote_id)

    again = publish(connection, host, Draft("Avec plaisir.", Surface.MAIL, reply_to=target_of(thanks)))
    last = inbox_of_customer(host)[-1]
    assert last["Message-ID"] == f"<{again.remote_id}>"
    assert str(last["References"]).split() == [f"<{question}>", f"<{receipt.remote_id}>", f"<{thanks.remote_id}>"]


def test_the_same_mails_under_a_new_uidvalidity_are_not_new(host: MailHost) -> None:
    connection = connect(host)
    mailroom = Mailroom(SPEC.reader(connection, wire_to(host)))
    for n in range(3):
        customer_writes(host, f"Question {n}")
    before = {item.delivery_key for item in mailroom.poll()}
    validity = mailroom.cursors["INBOX"]["uidvalidity"]
    assert len(before) == 3

    time.sleep(1.1)  # Dovecot takes the second as the new value
    host.new_uidvalidity(COMPANY)
    customer_writes(host, "Pendant la panne")
    after = mailroom.poll()
    assert mailroom.cursors["INBOX"]["uidvalidity"] != validity
    new = [item for item in after if item.delivery_key not in before]
    assert [i.text for i in mailroom.understand(new)] == ["Pendant la panne"]
    assert {item.delivery_key for item in after} >= before


def test_the_server_tells_of_news_while_we_wait(host: MailHost) -> None:
    connection = connect(host)
    waiter = SPEC.waiter(connection, wire_to(host))
    assert waiter.wait(5) is True  # nobody knows what came before
    writer = threading.Timer(1.0, customer_writes, (host, "Vous êtes là ?"))
    writer.start()
    began = time.monotonic()
    assert waiter.wait(20) is True
    assert time.monotonic() - began < 10
    writer.join()
    assert waiter.wait(0.3) is False


def test_what_staff_write_in_their_own_mail_program_is_an_echo(host: MailHost) -> None:
    connection = connect(host)
    mailroom = Mailroom(SPEC.reader(connection, wire_to(host)))
    mailroom.poll()
    mail = f"From: {COMPANY}\r\nTo: {CUSTOMER}\r\nMessage-ID: <own@{DOMAIN}>\r\n\r\nTrouvée !\r\n"
    with IMAPClient("127.0.0.1", host.imap, ssl=False) as client:
        client.starttls(_trusting(host))
        client.plain_login(COMPANY, PASSWORD)
        client.append("Sent", mail.encode())
    [echo] = mailroom.understand(mailroom.poll())
    assert (echo.kind, echo.recipient_id, echo.remote_id) == (InboundKind.ECHO, CUSTOMER, f"own@{DOMAIN}")


def test_a_provider_that_files_nothing_is_found_to_be_blind(host: MailHost) -> None:
    connected = MailConnector(AppKeys(), wire_to(host), 1.0).sign_in(form(host, probe_sent="yes"))
    connection = connection_from(SPEC, connected, AppKeys())
    assert recovery_of(connection.settings) is Recovery.BLIND
    mailroom = Mailroom(SPEC.reader(connection, wire_to(host)))
    assert mailroom.understand(mailroom.poll()) == []  # the probe itself is nobody's message


def test_wrong_words_and_wrong_certificates_are_told_apart(host: MailHost) -> None:
    with pytest.raises(AuthExpired):
        connect(host, password="not it")
    untrusting = Wire(policy=AddressPolicy(("127.0.0.1:*", "[::1]:*")))
    with pytest.raises(Unavailable) as caught:
        SPEC.connector(AppKeys(), untrusting).sign_in(form(host))
    assert caught.value.code == "bad_tls"


def test_a_token_opens_the_mailbox_that_it_was_given_for(host: MailHost) -> None:
    host.tokens["good"] = COMPANY
    connection = connect(host)
    question = customer_writes(host, "Par jeton ?")
    with_token = replace(connection, secrets={"access_token": "good"})
    [item] = Mailroom(SPEC.reader(with_token, wire_to(host))).poll()
    assert question.encode() in item.body
    with pytest.raises(AuthExpired):
        SPEC.reader(replace(connection, secrets={"access_token": "bad"}), wire_to(host)).poll("INBOX", None)
