"""E-mail on the bench: how its rehearsal provider is entered and how its customers write."""

from __future__ import annotations

from typing import Any, ClassVar

from channels import email
from channels.contract import Connection, Draft, Receipt, Surface, Target
from channels.rehearsal.email import PASSWORD, EmailNetwork, MailServer
from channels.wire import AddressPolicy, Wire
from tests.channels.rig import Entry, Rig, connection_from

COMPANY = "help@company.example"
OPENING = "first-words@customer.example"  # the mail that rows' first words answer


class EmailRig(Rig):
    """The company's mailbox at the rehearsal provider. A mail always answers somebody, so
    what rows say first answers a mail of the customer's."""

    spec = email.SPEC
    publishes = r"^SMTP DATA$"
    files_sent: ClassVar[bool] = True
    not_for: ClassVar[dict[str, str]] = {
        "a_fault_becomes_the_error_that_is_true[500_after]": "a reply to the final dot is the truth (RFC 5321 §4.2.5)",
        "a_fault_becomes_the_error_that_is_true[503]": "a reply to the final dot is the truth (RFC 5321 §4.2.5)",
        "a_fault_becomes_the_error_that_is_true[429]": "SMTP knows no 429 and no Retry-After",
        "a_direct_message_is_heard_as_direct": "every mail is mail",
        "an_answer_reaches_its_author_where_the_question_was[directly]": "every mail is mail",
        "what_stands_there_is_listed_since_a_moment": "mail has no timeline; what lies in Sent is somebody's copy",
        "what_is_deleted_is_gone_and_deleting_again_is_harmless": "a mail cannot be taken back",
    }

    network: EmailNetwork
    server: MailServer

    def make_network(self) -> EmailNetwork:
        network = EmailNetwork(files_sent=self.files_sent)
        network.add_person(COMPANY, "Company")
        network.add_person(f"{self.customer}@customer.example", kind="customer")
        return network

    def make_server(self) -> MailServer:
        return MailServer(self.network)

    def make_wire(self, **how: Any) -> Wire:
        every_port = AddressPolicy(allow=("127.0.0.1:*",))  # IMAP and SMTP have their own
        return super().make_wire(policy=every_port, **how)

    def form(self, **more: str) -> dict[str, str]:
        """What a person types to connect the mailbox."""
        return {
            "address": COMPANY,
            "name": "The Company",
            "password": PASSWORD,
            "imap_host": "127.0.0.1",
            "imap_port": str(self.server.imap_port),
            "imap_tls": "none",
            "smtp_host": "127.0.0.1",
            "smtp_port": str(self.server.smtp_port),
            "smtp_tls": "none",
            "probe_sent": "no",
            **more,
        }

    def connect(self) -> Connection:
        connected = self.spec.connector(self.app, self.wire).sign_in(self.form())
        connection = connection_from(self.spec, connected, self.app)
        return Connection(**{**connection.__dict__, "settings": {**connection.settings, "files_sent": self.files_sent}})

    def draft(self, text: str, **how: Any) -> Draft:
        customer = f"{self.customer}@customer.example"
        context = {"message_id": OPENING, "references": [], "subject": "Hello", "reply_to": customer}
        first = Target(OPENING, customer, customer, OPENING, Surface.MAIL, context)
        return Draft(text, **{"surface": Surface.MAIL, "reply_to": first, **how})

    def say_publicly(self, text: str, in_reply_to: str = "") -> str:
        return str(self.network.say(self.customer, text, to=COMPANY, in_reply_to=in_reply_to)["remote_id"])

    def thread_root_of(self, receipt: Receipt) -> str:
        return OPENING

    def addressees(self, entry: Entry) -> set[str]:
        return {address.partition("@")[0] for address in entry["extra"]["to"]}

    def surface_of(self, entry: Entry) -> Surface:
        return Surface.MAIL
