"""Mails as they look, through the API: pictures come from us alone, drawn anew, to who may read the
conversation, at addresses that were given to them; and a server elsewhere leads us nowhere."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image
from sqlalchemy import func, select

from channels.networks import open_networks
from guichet import models as m
from guichet.policy import SYSTEM
from guichet.receiving import layouts
from tests import databases
from tests import factories as make
from tests.receiving.test_redrawing import bomb, picture
from tests.webapp.site import Browser, Site, open_site
from webapp import mail_pictures

PLACES = {
    "fine": picture(),
    "bomb": bomb(60_000, 60_000),
    "page": b"<html><script>alert(1)</script></html>",
    "drawing": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "pixel": picture((1, 1), "GIF", "P"),
    "large": picture() + b"\0" * 5_000_001,
}


class Elsewhere(BaseHTTPRequestHandler):
    """A server that mails name: pictures, what is none, and what leads on."""

    def do_GET(self) -> None:
        name = self.path.strip("/")
        self.server.asked.append(name)
        self.server.heard += [f"{k}: {v}" for k, v in self.headers.items()]
        if name in self.server.leads:
            self.send_response(302)
            self.send_header("Location", self.server.leads[name])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = PLACES.get(name, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "image/png")  # whatever it is
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture
def elsewhere() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        server.asked, server.heard = [], []
        server.leads = {
            "on": "/fine",
            "round": "/round",
            "inside": "http://127.0.0.1:9/x",
            "file": "file:///etc/passwd",
        }
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def site(tmp_path: Path, elsewhere: ThreadingHTTPServer) -> Iterator[Site]:
    networks = open_networks(allow=(f"127.0.0.1:{elsewhere.server_address[1]}",))
    with databases.sqlite_engine() as engine:
        opened = open_site(engine, tmp_path, networks)
        yield opened
        opened.close()


@dataclass
class Desk:
    """A mail in a conversation, and who may read it."""

    site: Site
    base: str
    account: m.Account
    agent: Browser

    def mail(self, html: str, **more: object) -> str:
        """The mail's address in the API."""
        with self.site.rows() as session:
            account = session.get_one(m.Account, self.account.id)
            conversation = make.make_conversation(session, account, state="open", surface="mail")
            message = m.Message(
                **{
                    "conversation_id": conversation.id, "account_id": account.id, "direction": "in", "kind": "mail",
                    "remote_id": f"r{conversation.id}", "identity_id": conversation.identity_id, "text": "Hi",
                    "html": "<p>Hi</p>", "subject": 'A <b>"hat"</b>', "remote_at": make.NOW, "received_at": make.NOW,
                    "sort_at": make.NOW, **more,
                }
            )  # fmt: skip
            session.add(message)
            session.flush()
            layouts.keep_layout(session, SYSTEM, message, html)
            return f"/conversations/{conversation.id}/messages/{message.id}"

    def enclose(self, mail: str, inline_id: str, data: bytes, mime: str = "image/png") -> str:
        with self.site.rows() as session:
            key = self.site.runtime.store.put(data)
            row = m.Attachment(
                message_id=int(mail.rsplit("/", 1)[1]),
                filename="a.png",
                mime=mime,
                storage_key=key,
                inline_id=inline_id,
            )
            session.add(row)
            session.flush()
            return f"/attachments/{row.id}"

    def addresses(self, mail: str, reader: Browser | None = None) -> list[str]:
        items = (reader or self.agent).get(f"{mail}/pictures").get_json()["items"]
        return [one["url"].removeprefix("/api/v1") for one in items]

    def named(self, name: str) -> str:
        """The address of a picture that stands elsewhere under this name."""
        (address,) = self.addresses(self.mail(f'<p>Hi</p><img src="{self.base}/{name}" alt="A hat">'))
        return address


@pytest.fixture
def desk(site: Site, elsewhere: ThreadingHTTPServer) -> Desk:
    with site.rows() as session:
        account = make.make_account(session, network="email")
        agent = make.make_staff(session)
        make.make_grant(session, agent, account, "agent")
    return Desk(site, f"http://127.0.0.1:{elsewhere.server_address[1]}", account, site.browser(agent))


def test_the_page_runs_and_loads_nothing_and_stands_in_our_frames_alone(desk: Desk) -> None:
    mail = desk.mail('<p style="color:red">Hi</p><img src="https://a.example/x" alt="A hat"><script>alert(1)</script>')
    page = desk.agent.get(f"{mail}/formatted")
    assert page.mimetype == "text/html"
    assert '<p style="color:red">Hi</p><img data-picture="0" alt="A hat"></body>' in page.text
    assert "<title>A &lt;b&gt;&#34;hat&#34;&lt;/b&gt;</title>" in page.text
    assert not any(word in page.text for word in ("a.example", "alert", " src="))
    rules = dict(one.strip().partition(" ")[::2] for one in page.headers["Content-Security-Policy"].split(";"))
    assert rules["default-src"] == rules["form-action"] == rules["base-uri"] == "'none'"
    assert (rules["img-src"], rules["frame-ancestors"]) == ("blob:", "'self'")
    assert "script-src" not in rules, "default-src says it"
    assert "allow-scripts" not in rules["sandbox"]
    assert page.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert desk.agent.get("/me").headers["X-Frame-Options"] == "DENY"


def test_a_picture_is_loaded_once_for_everybody_and_drawn_anew(
    desk: Desk, elsewhere: ThreadingHTTPServer, site: Site
) -> None:
    mail = desk.mail(f'<img src="{desk.base}/on" alt="A hat"><img src="{desk.base}/on">')
    (address,) = desk.addresses(mail)
    assert elsewhere.asked == [], "nobody has asked for it yet"
    answer = desk.agent.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cache-Control"].startswith("private")
    with Image.open(io.BytesIO(answer.data)) as image:
        assert (image.format, image.size) == ("WEBP", (300, 200))
    with site.rows() as session:
        colleague = make.make_staff(session)
        make.make_grant(session, colleague, desk.account, "viewer")
    other = site.browser(colleague)
    assert other.get(*desk.addresses(mail, other)).data == answer.data
    assert elsewhere.asked == ["on", "fine"], "the second reader is none that its server hears of"
    assert not any(word in line for line in elsewhere.heard for word in ("Cookie", "Referer", "guichet="))
    with site.rows() as session:
        (key,) = session.scalars(select(m.MailPicture.storage_key))
        site.clock.turn(days=8)
        assert layouts.forget_pictures(session, SYSTEM, site.clock.now) == [key]
    site.clock.turn(days=-8)
    assert desk.agent.get(address).status_code == 200
    assert elsewhere.asked[2:] == ["on", "fine"]


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("bomb", 422, "invalid"), ("page", 422, "invalid"), ("drawing", 422, "invalid"),
        ("pixel", 422, "shows_nothing"),
        ("large", 422, "too_large"), ("missing", 422, "no_page"), ("inside", 422, "address_refused"),
        ("file", 422, "bad_address"), ("round", 422, "too_many_redirects"),
    ],
)  # fmt: skip
def test_what_is_not_shown(desk: Desk, site: Site, name: str, status: int, code: str) -> None:
    answer = desk.agent.get(desk.named(name))
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    with site.rows() as session:
        assert session.scalar(select(func.count()).select_from(m.MailPicture)) == 0


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:1/x", "http://10.0.0.1/x", "http://169.254.169.254/latest/meta-data", "http://[::1]/x",
     "http://0x7f.1/x", "http://2130706433/", "http://localhost:5432/", "https://user:secret@a.example/x"],
)  # fmt: skip
def test_a_mail_leads_us_to_no_address_inside(desk: Desk, address: str) -> None:
    (given,) = desk.addresses(desk.mail(f'<img src="{address}" alt="A hat">'))
    answer = desk.agent.get(given)
    assert answer.get_json()["code"] in ("address_refused", "bad_address"), answer.text


def test_it_is_no_proxy_for_anything_else(desk: Desk, site: Site, elsewhere: ThreadingHTTPServer) -> None:
    address = desk.named("fine")
    other = desk.named("drawing")
    path, _, signature = address.partition("?signature=")
    forged = (
        path, f"{path}?signature=", f"{path}?signature={signature[:-1]}x", f"{path}?signature=é",
        path.replace("pictures/0", "pictures/1") + f"?signature={signature}",
        other.partition("?")[0] + f"?signature={signature}",
        address.replace("/conversations/1/", "/conversations/2/"),
    )  # fmt: skip
    for one in forged:
        assert desk.agent.get(one).status_code == 404, one
    assert desk.agent.get(f"{address}&url={desk.base}/page").status_code == 422
    with site.rows() as session:
        stranger, colleague = make.make_staff(session), make.make_staff(session)
        make.make_grant(session, colleague, desk.account, "agent")
        make.make_grant(session, stranger, make.make_account(session), "manager")
    assert site.browser(colleague).get(address).status_code == 404, "it was given to somebody else"
    for part in (path, path.removesuffix("/0"), path.replace("pictures/0", "formatted")):
        assert site.browser(stranger).get(part).status_code == 404
        assert site.stranger().get(part).status_code == 401
    assert elsewhere.asked == []


def test_files_of_the_mail_itself_are_drawn_anew_too(desk: Desk, elsewhere: ThreadingHTTPServer) -> None:
    mail = desk.mail('<img src="cid:logo" alt="Logo"><img src="cid:evil" alt="Evil"><img src="cid:nowhere" alt="?">')
    file = desk.enclose(mail, "logo", picture(kind="JPEG"))
    desk.enclose(mail, "evil", PLACES["drawing"], "image/svg+xml")
    other = desk.mail("<p>Hi</p>")
    desk.enclose(other, "nowhere", picture())
    items = desk.agent.get(f"{mail}/pictures").get_json()["items"]
    assert [(one["place"], one["remote"]) for one in items] == [(0, False), (1, False)]
    assert items[0]["attachment_id"] == int(file.rsplit("/", 1)[1])
    logo, evil = desk.addresses(mail)
    assert desk.agent.get(logo).mimetype == "image/webp"
    assert desk.agent.get(evil).status_code == 422
    assert elsewhere.asked == []


def test_no_server_holds_up_more_than_a_few_of_our_threads(desk: Desk, elsewhere: ThreadingHTTPServer) -> None:
    address = desk.named("fine")
    with ExitStack() as taken:
        for _ in range(mail_pictures.AT_ONCE):
            taken.enter_context(mail_pictures.one_of_few())
        answer = desk.agent.get(address)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "busy")
    assert elsewhere.asked == []
    assert desk.agent.get(address).status_code == 200
    assert desk.agent.get(desk.named("bomb")).status_code == 422
    with ExitStack() as free:
        for _ in range(mail_pictures.AT_ONCE):
            free.enter_context(mail_pictures.one_of_few())


def test_a_mail_that_was_taken_back_is_gone_with_its_files_and_pictures(desk: Desk, site: Site) -> None:
    mail = desk.mail(f'<img src="{desk.base}/fine"><img src="cid:logo">')
    file = desk.enclose(mail, "logo", picture())
    theirs, ours = desk.addresses(mail)
    for one in (theirs, ours, file, f"{mail}/formatted"):
        assert desk.agent.get(one).status_code == 200
    with site.rows() as session:
        session.get_one(m.Message, int(mail.rsplit("/", 1)[1])).deleted_at = make.NOW + timedelta(minutes=1)
    for one in (theirs, ours, file, f"{mail}/formatted", f"{mail}/pictures"):
        assert desk.agent.get(one).status_code == 404, one


def test_a_file_is_asked_for_each_time_and_sent_once(desk: Desk, site: Site) -> None:
    file = desk.enclose(desk.mail("<p>Hi</p>"), "", picture())
    first = desk.agent.get(file)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = desk.agent.get(file, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    with site.rows() as session:
        stranger = make.make_staff(session)
        make.make_grant(session, stranger, make.make_account(session), "manager")
        taken_back = m.Message.direction == "in"
        session.query(m.Message).filter(taken_back).update({"direction": "taken_back"})
    refused = site.browser(stranger).get(file, headers={"If-None-Match": first.headers["ETag"]})
    assert refused.status_code == 404
    assert desk.agent.get(file, headers={"If-None-Match": first.headers["ETag"]}).status_code == 404
