"""Pages behind links: what they say of themselves, and that a hostile one costs nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from channels.errors import ChannelError
from channels.pages import _decoded, read_page, read_picture, read_small_picture, said_in
from channels.wire import AddressPolicy, Wire

AT = "https://klm.example/news/a"
OPEN_GRAPH = """<html><head><title>Site &amp; more</title><!-- <meta property="og:title" content="old"> -->
<meta content='Vols d&#39;été > hiver' property=og:title ><META NAME="description" CONTENT="plain">
<meta property="og:description" content="Dès\n juin"><meta property="og:image" content="/a.jpg?w=1&amp;h=2"></head>"""


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        port = self.server.server_address[1]
        there = {
            "/page": (200, "text/html; charset=iso-8859-1", "<title>Été</title>".encode("latin-1")),
            "/file": (200, "application/pdf", b"%PDF"),
            "/large": (200, "text/html", b"x" * 5_000_100),
            "/inside": (302, f"http://127.0.0.2:{port}/page", b""),
            "/password": (302, f"http://me:secret@127.0.0.1:{port}/page", b""),
            "/short": (301, "/page", b""),
            "/round": (302, "/round", b""),
            "/picture": (200, "image/png", b"\x89PNG"),
        }
        status, more, body = there.get(self.path, (404, "text/html", b""))
        self.send_response(status)
        self.send_header("Location" if status in (301, 302) else "Content-Type", more)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def wire(port: int) -> Wire:
    return Wire(policy=AddressPolicy((f"127.0.0.1:{port}",)))


def test_a_page_is_shown_as_its_author_wants_it_to_be() -> None:
    page = said_in(OPEN_GRAPH, AT)
    assert (page.title, page.description) == ("Vols d'été > hiver", "Dès juin")
    assert (page.url, page.picture) == (AT, "https://klm.example/a.jpg?w=1&h=2")


@pytest.mark.parametrize(
    ("markup", "title", "picture"),
    [
        ("<title>\n One \x00 line\u202e </title>", "One line", ""),
        ('<base href="https://cdn.example/x/"><meta name="twitter:image" content="b.png">', "", "https://cdn.example/x/b.png"),
        ('<meta property="og:title" content=""><title>kept</title>', "kept", ""),
        ('<meta property="og:image" content="javascript:alert(1)"><title>a<b>c</title>', "a", ""),
        ('<meta property="og:image" content="https://me:pw@cdn.example/a.png">', "", ""),
        ('<meta property="og:image" content="http://[">', "", ""),
        (f"<title>{'long words ' * 40}</title>", f"{'long words ' * 27}…".replace(" …", "…"), ""),
    ],
)  # fmt: skip
def test_nothing_of_a_page_is_kept_but_plain_lines_and_an_address(markup: str, title: str, picture: str) -> None:
    page = said_in(markup, AT)
    assert (page.title, page.picture) == (title, picture)


@pytest.mark.parametrize("piece", ["<meta ", "<!--", "<title>", "<title ", '<meta a="', "<meta x='a", "<meta charset"])
def test_a_page_that_never_ends_what_it_began_is_read_at_once(piece: str) -> None:
    began = time.process_time()
    said_in(piece * (1_500_000 // len(piece)), AT)
    _decoded((piece * 1000).encode(), "")
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("é".encode("cp1252"), "windows-1252", "é"),
        ("é".encode(), "", "é"),
        (b"\xef\xbb\xbf\xc3\xa9", "iso-8859-1", "é"),
        (b'<meta charset="shift_jis">\x83A', "", '<meta charset="shift_jis">ア'),
        (b"\xe9", "unicode_escape", "é"),
        (b"\xe9", "no-such", "é"),
    ],
)
def test_a_page_is_read_in_the_characters_that_it_names(data: bytes, charset: str, text: str) -> None:
    assert _decoded(data, charset) == text


def test_a_link_is_followed_to_its_page(port: int) -> None:
    page = read_page(wire(port), f"http://127.0.0.1:{port}/short")
    assert (page.title, page.url) == ("Été", f"http://127.0.0.1:{port}/page")
    assert read_picture(wire(port), f"http://127.0.0.1:{port}/picture") == b"\x89PNG"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("inside", "address_refused"),
        ("password", "bad_address"),
        ("round", "too_many_redirects"),
        ("large", "too_large"),
        ("file", "not_a_page"),
        ("none", "no_page"),
    ],
)
def test_what_cannot_be_shown_is_refused_and_says_why(port: int, path: str, code: str) -> None:
    with pytest.raises(ChannelError) as refused:
        read_page(wire(port), f"http://127.0.0.1:{port}/{path}")
    assert refused.value.code == code
    assert "127.0.0" not in refused.value.detail


def test_an_internal_address_is_never_asked(port: int) -> None:
    with pytest.raises(ChannelError) as refused:
        read_page(replace(wire(port), policy=AddressPolicy()), f"http://127.0.0.1:{port}/page")
    assert refused.value.code == "address_refused"


class Dawdling(BaseHTTPRequestHandler):
    """Leads on and on, each time a little later; in the end it says nothing for long."""

    def do_GET(self) -> None:
        step = int(self.path.strip("/"))
        self.server.over.wait(30 if step >= 3 else 0.15)
        self.send_response(302)
        self.send_header("Location", f"/{step + 1}")
        self.send_header("Content-Length", "0")
        with contextlib.suppress(OSError):
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quietly."""


def test_a_picture_that_somebody_waits_for_takes_so_long_in_all_wherever_it_leads() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Dawdling) as server:
        server.over, server.daemon_threads = Event(), True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(ChannelError) as refused:
            read_small_picture(wire(server.server_address[1]), f"http://127.0.0.1:{server.server_address[1]}/0", 1.0)
        assert refused.value.code == "too_slow"
        assert time.monotonic() - began < 8.0, "the server says nothing for half a minute"
        server.over.set()
        server.shutdown()
