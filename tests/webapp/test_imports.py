"""Tables of posts over the API: read, checked, brought in once, undone, taken out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select

from guichet import models as m
from guichet.bulk import archives
from guichet.bulk.tables import read_csv
from tests import factories as make
from tests.bulk.zips import packed
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


# ---------------------------------------------------------------- files in an archive


TABLE = """Text;Accounts;Date;Media;Alt text
Sea;{handle};2099-03-11 09:00;sea.png;The sea
Again;{handle};2099-03-12 09:00;x/sea.png;The sea
Bad;{handle};2099-03-13 09:00;bad.png;
"""


def unpack(browser: Browser, files: dict[str, bytes], wanted: str = "") -> Any:
    data = {"wanted": wanted, "file": (io.BytesIO(packed(files)), "march.zip")}
    return browser.ask("POST", "/imports/unpack", data=data)


def stored(site: Site) -> list[str]:
    return [p.name for p in site.runtime.store.root.rglob("*") if p.is_file()]


def media_of(site: Site) -> int:
    with site.rows() as session:
        return session.scalar(select(func.count()).select_from(m.Media)) or 0


def test_a_table_comes_with_its_files_in_one_archive(desk: tuple[Browser, m.Account], site: Site) -> None:
    browser, account = desk
    table = TABLE.format(handle=account.handle).encode()
    answer = unpack(
        browser, {"march.csv": table, "x/sea.png": picture(), "bad.png": picture()[:40], "no.png": picture()}
    )
    assert answer.status_code == 201, answer.text
    came = answer.json
    assert (came["name"], came["unused"], list(came["lost"])) == ("march.csv", 1, ["bad.png"])
    assert len(set(came["media"].values())) == 1  # one file, by whichever of its names
    assert media_of(site) == 1
    body = {"rows": came["table"]["rows"], "media": came["media"], "lost": came["lost"]}
    checked = browser.ask("POST", "/imports/check", json=body).json
    assert [(f["row"], f["column"], f["name"]) for f in checked["findings"]] == [(4, "media", "file_refused")]
    assert came["lost"]["bad.png"] in checked["findings"][0]["message"]
    refused = browser.ask("POST", "/imports", json={**body, "how": "schedule"})
    assert (refused.status_code, refused.json["code"]) == (422, "rows_wrong")
    body["rows"] = body["rows"][:2]
    made = browser.ask("POST", "/imports", json={**body, "how": "schedule"})
    assert made.status_code == 201, made.text
    shown = browser.get("/posts", query_string={"import_id": made.json["id"]}).json["items"]
    assert len(shown) == 2
    assert browser.get(f"/media/{came['media']['sea.png']}").json["alt"] == "The sea"


def test_files_beside_a_table_that_was_read_are_those_that_its_cells_name(
    desk: tuple[Browser, m.Account], site: Site
) -> None:
    came = unpack(desk[0], {"sea.png": picture(), "sun.png": picture()}, "sea.png\nmoon.png").json
    assert (came["table"], list(came["media"]), came["lost"], came["unused"]) == (None, ["sea.png"], {}, 1)
    assert media_of(site) == 1


def test_where_a_brand_wants_descriptions_a_picture_without_is_a_cell_to_mend(
    desk: tuple[Browser, m.Account], site: Site
) -> None:
    browser, account = desk
    with site.rows() as session:
        session.get_one(m.Brand, account.brand_id).needs_alt_text = True
    came = unpack(browser, {"sea.png": picture()}, "sea.png").json
    cells = {"text": "Sea", "accounts": account.handle, "date": "2099-03-11 09:00", "media": "sea.png"}
    body = {"rows": [{"row": 2, "cells": cells}], "media": came["media"]}
    checked = browser.ask("POST", "/imports/check", json=body).json
    assert [(f["column"], f["name"], f["error"]) for f in checked["findings"]] == [("alt_text", "alt_missing", True)]
    cells["alt_text"] = "The sea"
    assert browser.ask("POST", "/imports/check", json=body).json["findings"] == []


def test_of_an_archive_that_is_refused_nothing_stays(desk: tuple[Browser, m.Account], site: Site) -> None:
    before = stored(site)
    handle = desk[1].handle
    table = f"Text;Accounts;Media\na;{handle};sea.png\nb;{handle};bomb.png\n".encode()
    for files in ({"../x.png": picture()}, {"a.csv": table, "b.csv": table}, {"sea.png": picture()}):
        assert unpack(desk[0], files).status_code == 422
    assert unpack(desk[0], {"a.csv": table, "sea.png": picture()}).status_code == 201
    assert (media_of(site), stored(site) == before) == (1, False)


def test_what_was_taken_is_given_back_when_the_whole_turns_out_too_large(
    desk: tuple[Browser, m.Account], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(site)
    monkeypatch.setattr(archives, "MOST_UNPACKED", len(picture()) + 10)
    answer = unpack(desk[0], {"sea.png": picture(), "sun.png": b"GIF89a" + bytes(50)}, "sea.png, sun.png")
    assert answer.status_code == 422
    assert "unpacks to more" in answer.text
    assert (media_of(site), stored(site)) == (0, before)


def test_files_of_a_table_that_is_not_brought_in_are_thrown_away(desk: tuple[Browser, m.Account], site: Site) -> None:
    browser, account = desk
    before = stored(site)
    came = unpack(browser, {"sea.png": picture(), "sun.gif": b"GIF89a"}, "sea.png, sun.gif").json
    ids = list(came["media"].values())
    assert len(ids) == 2
    cells = {"text": "Sea", "accounts": account.handle, "media": "sea.png"}
    body = {"rows": [{"row": 2, "cells": cells}], "media": came["media"], "how": "draft"}
    assert browser.ask("POST", "/imports", json=body).status_code == 201
    with site.rows() as session:
        other = make.make_staff(session)
        make.make_grant(session, other, session.get_one(m.Account, account.id), "author")
    assert site.browser(other).ask("POST", "/imports/discard", json={"media_ids": ids}).status_code == 200
    assert media_of(site) == 2  # somebody else's
    assert browser.ask("POST", "/imports/discard", json={"media_ids": [*ids, 999_999]}).status_code == 200
    assert media_of(site) == 1  # the other one is in a post
    assert browser.get(f"/media/{came['media']['sea.png']}").status_code == 200
    assert len(stored(site)) > len(before)


def test_an_archive_is_refused_to_whoever_writes_no_posts(site: Site) -> None:
    with site.rows() as session:
        person = make.make_staff(session)
        make.make_grant(session, person, make.make_account(session), "viewer")
    browser = site.browser(person)
    assert unpack(browser, {"a.png": picture()}, "a.png").status_code == 403
    assert browser.ask("POST", "/imports/discard", json={"media_ids": [1]}).status_code == 403
