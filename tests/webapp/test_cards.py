"""Looking at links through the API: what a page says is shown from here, its picture made anew,
and nobody's browser or server is led inside."""

from __future__ import annotations

import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image

from channels.networks import open_networks
from guichet import models as m
from tests import databases
from tests import factories as make
from tests.webapp.site import Browser, Site, open_site


class Web(BaseHTTPRequestHandler):
    """A page with a picture, and one whose picture is none."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        image = "/a.png" if self.path == "/page" else "/none.png"
        body = f'<meta property="og:title" content="Summer"><meta property="og:image" content="{image}">'.encode()
        if self.path == "/a.png":
            out = io.BytesIO()
            Image.new("RGBA", (1600, 1200), (0, 90, 90, 128)).save(out, "PNG")
            body = out.getvalue()
        self.send_response(404 if self.path == "/none.png" else 200)
        self.send_header("Content-Type", "image/png" if self.path.endswith("png") else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture
def web() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        server.asked = []
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def site(tmp_path: Path, web: ThreadingHTTPServer) -> Iterator[Site]:
    networks = open_networks(allow=(f"127.0.0.1:{web.server_address[1]}",))
    with databases.sqlite_engine() as engine:
        yield open_site(engine, tmp_path, networks)


@pytest.fixture
def publisher(site: Site) -> Browser:
    with site.rows() as session:
        account = make.make_account(session, network="bluesky")
        person = make.make_staff(session, "member")
        make.make_grant(session, person, account, "publisher")
    return site.browser(person)


def test_a_page_is_looked_at_once_a_day_and_its_picture_is_made_anew(
    site: Site, publisher: Browser, web: ThreadingHTTPServer
) -> None:
    url = f"http://127.0.0.1:{web.server_address[1]}/page"
    seen = publisher.post("/link-previews", {"url": url}).get_json()
    assert (seen["title"], seen["picture"]["mime"], seen["no_picture"]) == ("Summer", "image/jpeg", None)
    file = publisher.get(seen["picture"]["url"].removeprefix("/api/v1"))
    with Image.open(io.BytesIO(file.data)) as image:
        assert image.width * image.height <= 1_500_000
    assert publisher.post("/link-previews", {"url": url}).get_json()["picture"] == seen["picture"]
    assert web.asked == ["/page", "/a.png"]
    assert publisher.get("/media").get_json()["items"] == []
    publisher.post("/link-previews", {"url": url, "anew": True})
    assert web.asked[2:] == ["/page", "/a.png"]
    with site.rows() as session:
        account = session.query(m.Account).one()
        brand, on = account.brand_id, [{"account_id": account.id}]
    card = {
        "item": 0,
        "shown": True,
        "url": url,
        "title": "Summer",
        "description": "",
        "media_id": seen["picture"]["id"],
    }
    told = publisher.post("/posts/preflight", {"text": url, "variants": on}).get_json()
    assert told["accounts"][0]["warnings"] == ["card_undecided"]
    told = publisher.post("/posts/preflight", {"text": url, "variants": on, "cards": [card]}).get_json()
    assert told["accounts"][0]["warnings"] == []
    made = publisher.post("/posts", {"brand_id": brand, "text": url, "variants": on, "cards": [card]}).get_json()
    assert made["cards"] == [card]
    assert [file["id"] for file in made["media"]] == [seen["picture"]["id"]]
    assert made["media_ids"] == []


def test_a_picture_that_cannot_be_had_is_told_and_one_is_made_of_a_file(
    site: Site, publisher: Browser, web: ThreadingHTTPServer
) -> None:
    base = f"http://127.0.0.1:{web.server_address[1]}"
    seen = publisher.post("/link-previews", {"url": f"{base}/bare"}).get_json()
    assert seen["picture"] is None
    assert "404" in seen["no_picture"]
    out = io.BytesIO()
    Image.new("RGB", (64, 48)).save(out, "PNG")
    form = {"data": {"file": (io.BytesIO(out.getvalue()), "own.png")}}
    own = publisher.ask("POST", "/media", **form).get_json()
    made = publisher.post("/link-previews/pictures", {"media_id": own["id"]})
    assert (made.status_code, made.get_json()["mime"], made.get_json()["name"]) == (201, "image/jpeg", "own.jpg")
    with site.rows() as session:
        site.runtime.store.delete(session.get_one(m.Media, own["id"]).storage_key)
    lost = [
        publisher.post("/link-previews/pictures", {"media_id": own["id"]}),
        publisher.post(f"/media/{own['id']}/cut", {"turn": 90}),
        publisher.get(f"/media/{own['id']}/file"),
    ]
    assert [(one.status_code, one.get_json()["detail"]) for one in lost] == [(404, "The file is no longer there")] * 3


def test_who_writes_nowhere_makes_us_look_at_nothing(site: Site, web: ThreadingHTTPServer) -> None:
    with site.rows() as session:
        person = make.make_staff(session, "member")
    url = f"http://127.0.0.1:{web.server_address[1]}/page"
    assert site.browser(person).post("/link-previews", {"url": url}).status_code == 403
    assert web.asked == []


def test_a_link_that_leads_inside_is_refused_in_words(publisher: Browser) -> None:
    answer = publisher.post("/link-previews", {"url": "http://127.0.0.1:9/admin"})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "address_refused")
