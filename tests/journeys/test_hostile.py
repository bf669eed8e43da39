"""What attackers write, in every place where the application shows what people outside wrote, in
Chromium: nothing of it runs, and nothing is loaded from anywhere else.

Each attack is a mail's HTML, text and subject, its sender's name, and the name and description of a
file. Mails are looked at as words, as they look, and with the pictures that they name: these our
server loads, through a proxy that plays the world outside and keeps count. One in twelve of the
collected attacks here, with some of ours; all of them are a proof (make chaos-inbox)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from sqlalchemy import select

from channels.contract import Inbound, InboundKind, Person, RawItem, RemoteMedia, Surface
from guichet import models as m
from guichet.clock import utc_now
from guichet.db.engine import open_engine
from guichet.policy import SYSTEM
from guichet.receiving import ingest
from guichet.receiving.digest import digest
from guichet.storage import FileStore
from guichet.unit import open_unit
from tests.journeys.stack import Stack, running
from tests.journeys.windows import CHIEF, enter
from tests.receiving.test_redrawing import picture
from tests.receiving.test_sanitise import vectors

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

AT_ONCE = 12  # attacks in one conversation
SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
PROBE = """(sandbox) => [document.documentElement.outerHTML.length, document.querySelectorAll(
    'main script, main object, main embed, main form[action], main img[src^="http"]').length + [...document
    .querySelectorAll('main iframe')].filter((frame) => frame.getAttribute('sandbox') !== sandbox).length]"""
# Of what stands in the frames of mails: how many there are, and what in them could do something.
FRAMES = """() => {
    const pages = [...document.querySelectorAll('main iframe')].map((frame) => frame.contentDocument);
    const wrong = pages.flatMap((page) => [...page.body.querySelectorAll('*')]).filter((one) =>
        one.matches('script, style, link, meta, base, iframe, object, embed, form, input, video, audio, svg, math')
        || [...one.attributes].some(({ name, value }) => name.startsWith('on') || ['srcset', 'background', 'id',
            'class', 'action', 'poster', 'data'].includes(name) || (name === 'src' && !value.startsWith('blob:'))
            || (name === 'href' && !/^(https?|mailto):/.test(value))
            || (name === 'style' && /url|position|\\\\/.test(value))));
    return [pages.length, wrong.map((one) => one.outerHTML.slice(0, 200))];
}"""
LOADED = """() => [...document.querySelectorAll('main iframe')].every((frame) =>
    frame.contentDocument?.body && frame.contentDocument.URL !== 'about:blank' && frame.offsetHeight > 0)"""
WORLD = "http://elsewhere.example"
SHOWN = frozenset({"/hat.png", "/second.png", "/twice.png", "/missing.png", "/page.html"})
# What mails do to be noticed, or to be more than they seem. Of these only SHOWN may ever be asked for.
LOADING = (
    f'<p>a</p><img src="{WORLD}/hat.png" alt="A hat" onload="alert(1)" onerror="alert(1)" srcset="{WORLD}/set.png 2x">',
    f'<p>a</p><img src="{WORLD}/missing.png" alt="Nothing" onerror=alert(1)><img src="{WORLD}/page.html" alt="A page">',
    f'<p>a</p><img src="{WORLD}/open.gif" width=1 height=1><img src="{WORLD}/hidden.gif" style="display:none">',
    f'<p style="background:url({WORLD}/back.png)">a</p><table background="{WORLD}/table.png"><tr><td>b</table>',
    f'<style>@import "{WORLD}/a.css"; body {{ background: url({WORLD}/b.png) }}</style><p>a</p>'
    f'<link rel=stylesheet href="{WORLD}/c.css"><link rel=prefetch href="{WORLD}/d"><link rel=preload href="{WORLD}">',
    f'<p>a</p><picture><source srcset="{WORLD}/source.png"><img src="{WORLD}/second.png" alt="2"></picture>'
    f'<video poster="{WORLD}/poster.png" src="{WORLD}/film.mp4" autoplay></video><audio src="{WORLD}/a.mp3" autoplay>',
    f'<p>a</p><iframe src="{WORLD}/frame" srcdoc="<script>parent.alert(1)</script>"></iframe>'
    f'<object data="{WORLD}/object"></object><embed src="{WORLD}/embed"><svg><image href="{WORLD}/svg.png" /></svg>',
    f'<meta http-equiv=refresh content="0;url={WORLD}/refresh"><base href="{WORLD}/b/"><p>a</p><img src="none.png">',
    f'<form action="{WORLD}/form"><input type=image src="{WORLD}/input.png"><button>a</button></form>'
    f'<a href="{WORLD}/link" ping="{WORLD}/ping">b</a><a href="javascript:alert(1)">c</a>',
    f'<p>a</p><img src="{WORLD}/twice.png"><img src="{WORLD}/twice.png" alt="2"><img src="http://10.0.0.7/x" alt="3">',
    '<div style="position:fixed;inset:0;z-index:9999;background:red"><a href="https://evil.example">Sign in</a></div>',
)


class World(BaseHTTPRequestHandler):
    """Everything outside, as our server's proxy sees it."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append((parts.hostname or "", parts.path))
        body = picture() if parts.path.endswith("png") and "missing" not in parts.path else b"<script>alert(1)</script>"
        self.send_response(404 if "missing" in parts.path else 200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        self.server.asked.append(("tls", self.path))
        self.send_error(502)

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture(scope="module")
def world() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), World) as server:
        server.asked = []
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, world: ThreadingHTTPServer) -> Iterator[Stack]:
    proxy = f"http://127.0.0.1:{world.server_address[1]}"
    with running(tmp_path_factory.mktemp("stack"), "--demo", "--no-customers", GUICHET_PROXY=proxy) as stack:
        yield stack


def received(stack: Stack, attacks: Sequence[str]) -> list[int]:
    """Each attack as a mail of somebody; the conversations that they make."""
    settings = stack.settings()
    engine, store = open_engine(settings.database_url), FileStore(settings.data_dir / "media")
    found: set[int] = set()
    for n in range(0, len(attacks), AT_ONCE):
        with open_unit(engine) as unit:
            account = unit.session.scalars(select(m.Account).where(m.Account.network == "email")).first()
            assert account is not None
            for offset, attack in enumerate(attacks[n : n + AT_ONCE]):
                key = f"attack-{n + offset}"
                kept = ingest.Incoming(account.id, RawItem("test", key, b"{}"), utc_now())
                ingest.store_items(unit.session, SYSTEM, [kept])
                raw = unit.session.scalars(select(m.RawItem).where(m.RawItem.delivery_key == key)).one()
                new = digest(unit.session, SYSTEM, raw, [mail(attack, key, f"root-{n}")], utc_now(), store=store)
                ingest.note_digested(raw, utc_now())
                found |= {message.conversation_id for message in new}
    engine.dispose()
    return sorted(found)


def mail(attack: str, key: str, root: str) -> Inbound:
    file = RemoteMedia("text/html", filename=attack, alt=attack, data=attack.encode("utf-8", "replace"))
    who = Person(f"{root}@customer.example", attack, attack, avatar_url=attack, url=attack)
    return Inbound(
        f"{key}@customer.example", InboundKind.MAIL, Surface.MAIL, who, attack, utc_now(), root, html=attack,
        subject=attack, url=attack, media=(file,),
    )  # fmt: skip


@pytest.fixture
def watched(chromium: Browser, stack: Stack) -> Iterator[tuple[Page, list[str]]]:
    """A window, and what happens in it that must not."""
    context = chromium.new_context(viewport={"width": 1440, "height": 2400}, locale="en-GB")
    page = context.new_page()
    wrong: list[str] = []

    def look(request: Request) -> None:
        if not request.url.startswith((stack.url, "data:", "blob:")):
            wrong.append(f"loaded {request.url[:200]}")
        is_of_a_mail = request.frame.parent_frame is not None
        if is_of_a_mail and not (request.url.startswith("blob:") or request.url.endswith("/formatted")):
            wrong.append(f"a mail loaded {request.url[:200]}")

    page.on("request", look)
    page.on("dialog", lambda dialog: (wrong.append(f"ran {dialog.message}"), dialog.dismiss()))
    page.on("pageerror", lambda error: wrong.append(f"error {error}"))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    yield page, wrong
    context.close()


def assert_harmless(
    watched: tuple[Page, list[str]], stack: Stack, world: ThreadingHTTPServer, attacks: Sequence[str]
) -> int:
    """How many mails were looked at as they look."""
    page, wrong = watched
    numbers = received(stack, attacks)
    assert len(numbers) == -(-len(attacks) // AT_ONCE)
    enter(page, stack, CHIEF)
    session = page.request
    customers = set()
    looked = 0
    for number in numbers:
        page.goto(f"{stack.url}/inbox/{number}?state=all")  # beside the list, with names and first words
        page.get_by_role("article").first.wait_for(timeout=30_000)
        time.sleep(0.1)  # an event handler would run now
        assert_nothing_there(page)
        shown = session.get(f"{stack.url}/api/v1/conversations/{number}").json()
        customers.add(shown["customer"]["id"])
        assert wrong == [], number
        looked += look_at_mails(page, world)
        assert wrong == [], number
    page.goto(f"{stack.url}/inbox?q=alert&state=all")
    page.get_by_role("listitem").first.wait_for(timeout=30_000)
    for path in ("/needs-you", "/numbers", "/accounts"):
        page.goto(f"{stack.url}{path}")
        page.get_by_role("main").wait_for(timeout=30_000)
    assert customers
    assert wrong == []
    return looked


def assert_nothing_there(page: Page) -> None:
    length, dangers = page.evaluate(PROBE, SANDBOX)
    assert length > 1000
    assert dangers == 0


def look_at_mails(page: Page, world: ThreadingHTTPServer) -> int:
    """The conversation's mails as they look, then with what they show; how many there are."""
    switch = page.get_by_role("button", name="Show formatting")
    if not switch.count():
        return 0
    mails = switch.count()
    asked = len(world.asked)
    switch.first.click()
    frames = page.locator("main iframe")
    expect(frames).to_have_count(mails, timeout=30_000)
    for frame in frames.all():
        frame.scroll_into_view_if_needed()  # they are loaded when they are near
    page.wait_for_function(LOADED, timeout=60_000)
    time.sleep(0.2)
    assert page.evaluate(FRAMES) == [mails, []]
    assert_nothing_there(page)
    assert world.asked[asked:] == [], "nobody has asked for a picture"
    pictures = page.get_by_role("button", name=re.compile(r"^Show \d+ images?$"))
    while pictures.count():
        pictures.first.click()
    expect(page.get_by_text("Loading images")).to_have_count(0, timeout=60_000)
    time.sleep(0.2)
    assert page.evaluate(FRAMES) == [mails, []]
    assert_nothing_there(page)
    page.get_by_role("button", name="Show plain text").first.click()
    expect(frames).to_have_count(0)
    return mails


def test_nothing_that_attackers_write_runs_or_loads(
    watched: tuple[Page, list[str]], stack: Stack, world: ThreadingHTTPServer
) -> None:
    world.asked.clear()
    looked = assert_harmless(watched, stack, world, [*vectors()[::12], *LOADING])
    assert looked > len(LOADING)
    ours = [path for host, path in world.asked if host == urlsplit(WORLD).hostname]
    assert sorted(ours) == sorted(SHOWN), "each once, and nothing but the pictures that mails show"


@pytest.mark.proof
def test_nothing_of_all_that_attackers_write_runs_or_loads(
    watched: tuple[Page, list[str]], stack: Stack, world: ThreadingHTTPServer
) -> None:
    world.asked.clear()
    print(
        f"{assert_harmless(watched, stack, world, vectors())} mails as they look, {len(world.asked)} pictures asked for"
    )
