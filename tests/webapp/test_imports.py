"""Tables of posts over the API: read, checked, brought in once, undone, taken out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from PIL import Image

from guichet import models as m
from guichet.bulk.tables import read_csv
from tests import factories as make
from tests.webapp.site import Browser, Site

FILE = """Text;Comptes;Date;Fuseau horaire
Bonjour à tous;{handle};2099-03-11 09:00;Europe/Paris
Trop tôt;{handle};11/12/2099 09:00;
Nulle part;nobody.example;2099-03-12 09:00;
"""


@pytest.fixture
def desk(site: Site) -> tuple[Browser, m.Account]:
    with site.rows() as session:
        account = make.make_account(session, handle="aurore@social.example")
        person = make.make_staff(session)
        make.make_grant(session, person, account, "publisher")
    return site.browser(person), account


def read(browser: Browser, text: str, encoding: str = "cp1252") -> dict[str, Any]:
    data = {"file": (io.BytesIO(text.encode(encoding)), "posts.csv")}
    answer = browser.ask("POST", "/imports/read", data=data)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def test_a_file_is_read_mended_brought_in_once_and_undone(desk: tuple[Browser, m.Account]) -> None:
    browser, account = desk
    table = read(browser, FILE.format(handle=account.handle))
    assert (table["format"], table["encoding"], [r["row"] for r in table["rows"]]) == ("guichet", "cp1252", [2, 3, 4])
    rows = table["rows"]
    checked = browser.ask("POST", "/imports/check", json={"rows": rows}).json
    assert [(f["row"], f["column"], f["name"]) for f in checked["findings"]] == [
        (3, "date", "ambiguous_date"), (4, "accounts", "unknown_account")
    ]  # fmt: skip
    refused = browser.ask("POST", "/imports", json={"rows": rows, "how": "schedule"})
    assert (refused.status_code, refused.json["code"]) == (422, "rows_wrong")
    for finding in checked["findings"][:1]:
        rows[finding["row"] - 2]["cells"][finding["choices"][0]["column"]] = finding["choices"][0]["value"]
    rows[2]["cells"]["accounts"] = str(account.id)
    checked = browser.ask("POST", "/imports/check", json={"rows": rows}).json
    assert (checked["findings"], checked["posts"], checked["earlier"]) == ([], 3, None)
    made = browser.ask("POST", "/imports", json={"rows": rows, "how": "schedule", "filename": "posts.csv"}).json
    assert (made["posts"], made["filename"]) == (3, "posts.csv")
    again = browser.ask("POST", "/imports", json={"rows": rows, "how": "schedule"})
    assert (again.status_code, again.json["current"]) == (409, {"import": made["id"]})
    assert browser.ask("POST", "/imports/check", json={"rows": rows}).json["earlier"]["id"] == made["id"]
    assert len(browser.get("/posts", query_string={"import_id": made["id"]}).json["items"]) == 3
    undone = browser.ask("POST", f"/imports/{made['id']}/undo", json={}).json
    assert undone == {"deleted": 0, "cancelled": 3, "left": 0}
    assert browser.get("/imports").json["items"][0]["undone_at"]


def test_what_is_wrong_is_said_in_the_readers_language(desk: tuple[Browser, m.Account]) -> None:
    browser, account = desk
    browser.ask("PATCH", "/me", json={"language": "fr"})
    row = {"row": 2, "cells": {"text": "x", "accounts": account.handle, "date": "2099-02-30 09:00"}}
    answer = browser.ask("POST", "/imports/check", json={"rows": [row]})
    assert [f["message"] for f in answer.json["findings"]] == ["Ce jour n’existe pas."]


@pytest.mark.parametrize(
    "body",
    [
        {"rows": []},
        {"rows": [{"row": 2, "cells": {"mood": "good"}}]},
        {"rows": [{"row": 2, "cells": {"text": "x" * 20_001}}]},
        {"rows": [{"row": 2, "cells": {"text": "a\0b"}}]},
        {"rows": [{"row": 2, "cells": {}}, {"row": 2, "cells": {}}]},
        {"rows": [{"row": n, "cells": {"text": "x"}} for n in range(2, 1003)]},
        {"rows": [{"row": 2, "cells": {"text": "x"}}], "time_zone": "Mars/Olympus"},
    ],
)
def test_rows_that_no_file_could_hold_are_refused(desk: tuple[Browser, m.Account], body: dict[str, Any]) -> None:
    answer = desk[0].ask("POST", "/imports/check", json=body)
    assert answer.status_code == 422
    assert answer.json["errors"]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_posts_are_taken_out_as_a_file(desk: tuple[Browser, m.Account], form: str) -> None:
    browser, account = desk
    rows = [{"row": 2, "cells": {"text": "=1+1", "accounts": account.handle, "date": "2099-03-11 09:00"}}]
    browser.ask("POST", "/imports", json={"rows": rows, "how": "schedule"})
    answer = browser.get("/posts/export", query_string={"form": form, "state": "scheduled"})
    assert answer.headers["Content-Disposition"].endswith(f'.{form}"')
    assert answer.data[:2] == (b"PK" if form == "xlsx" else b"\xef\xbb")
    if form == "csv":
        assert b"\n=1+1" not in answer.data
        assert [row.cells["text"] for row in read_csv(answer.data).rows] == ["'=1+1"]


# ---------------------------------------------------------------- files by their address


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), "teal").save(out, "PNG")
    return out.getvalue()


class Pictures(BaseHTTPRequestHandler):
    """A server that has one picture, and sends people elsewhere for another."""

    def do_GET(self) -> None:
        there = {"/sea.png": (200, picture()), "/elsewhere.png": (302, b"")}
        found = there.get(self.path.split("?")[0], (404, b"no"))
        self.send_response(found[0])
        if found[0] == 302:
            self.send_header("Location", f"http://127.0.0.2:{self.server.server_address[1]}/sea.png")
        self.send_header("Content-Length", str(len(found[1])))
        self.end_headers()
        self.wfile.write(found[1])

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture
def pictures() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pictures) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_file_at_an_internal_address_is_not_fetched(desk: tuple[Browser, m.Account], pictures: int) -> None:
    answer = desk[0].ask("POST", "/imports/fetch", json={"url": f"http://127.0.0.1:{pictures}/sea.png"})
    assert (answer.status_code, answer.json["code"]) == (422, "address_refused")


@pytest.mark.parametrize("url", ["ftp://a.example/x", "http://", "http://user:pw@a.example/x", "file:///etc/passwd"])
def test_what_is_no_address_of_a_file_is_refused(desk: tuple[Browser, m.Account], url: str) -> None:
    assert desk[0].ask("POST", "/imports/fetch", json={"url": url}).status_code == 422
