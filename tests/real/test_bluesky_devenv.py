"""Bluesky's own servers, on this machine: a company and its customers on the real thing."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.bluesky import SPEC
from channels.bluesky.syntax import datetime_text
from channels.contract import AppKeys, Connection, Draft, Inbound, InboundKind, RawItem, Receipt, Surface, Target
from channels.errors import AuthExpired, Gone, OutcomeUnknown, RateLimited, Rejected
from channels.wire import AddressPolicy, Wire
from tests.channels.real_data import real_data
from tests.channels.rig import Mailroom, connection_from, sample_image, target_of
from tests.real.bluesky_servers import Member, Servers, bluesky_servers

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]
LAG_SECONDS = 30.0


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with bluesky_servers() as servers:
        yield servers


def wire_to(servers: Servers) -> Wire:
    return Wire(policy=AddressPolicy(servers.allowed()))


def connect(servers: Servers, member: Member) -> Connection:
    form = {"address": servers.pds, "identifier": member.handle, "password": member.app_password()}
    return connection_from(SPEC, SPEC.connector(AppKeys(), wire_to(servers)).sign_in(form), AppKeys())


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` gives once it gives something: the view of the network lags."""
    end = time.monotonic() + LAG_SECONDS
    while not (found := look()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)
    return found


class Desk:
    """The company's side: one account, its reader and its publisher."""

    def __init__(self, servers: Servers, name: str) -> None:
        self.member = Member.join(servers, name)
        self.member.profile(name.title())
        self.connection = connect(servers, self.member)
        self.wire = wire_to(servers)
        assert SPEC.publisher is not None
        assert SPEC.reader is not None
        self.publisher = SPEC.publisher(self.connection, self.wire)
        self.mailroom = Mailroom(SPEC.reader(self.connection, self.wire))
        self.mailroom.poll()

    def send(self, draft: Draft) -> Receipt:
        prepared = json.loads(json.dumps(self.publisher.prepare(draft)))
        return self.publisher.send(draft, prepared, self.publisher.new_key(datetime.now(UTC)))

    def hear(self) -> list[Inbound]:
        """What customers said since; waits for the first of it."""

        def look() -> list[RawItem]:
            return [i for i in self.mailroom.poll() if i.stream == "notifications"]

        return self.mailroom.understand(eventually(look))


def now_text() -> str:
    return datetime_text(datetime.now(UTC))


def mention(member: Member, text: str) -> dict[str, Any]:
    start = len(text[: text.index(f"@{member.handle}")].encode())
    feature = {"$type": "app.bsky.richtext.facet#mention", "did": member.did}
    return {
        "facets": [
            {"index": {"byteStart": start, "byteEnd": start + len(member.handle) + 1}, "features": [feature]},
        ]
    }


def reply_to(receipt: Receipt) -> dict[str, Any]:
    parent = {"uri": receipt.remote_id, "cid": receipt.context["cid"]}
    return {"reply": {"root": receipt.context["root"], "parent": parent}}


def test_the_whole_round(servers: Servers) -> None:
    desk, ines = Desk(servers, "klm"), Member.join(servers, "ines")

    # The company posts, with an image, a link, a hashtag and a mention.
    text = "Été 2026 ☀️: détails sur https://example.com/été, #vélo, avec @ines.test"
    receipt = desk.send(Draft(text, media=(sample_image("Un carré « uni »"),), language="fr"))
    [seen] = eventually(lambda: ines.see("app.bsky.feed.getPosts", uris=[receipt.remote_id])["posts"])
    assert seen["record"]["text"] == text
    assert seen["record"]["langs"] == ["fr"]
    assert [i["alt"] for i in seen["embed"]["images"]] == ["Un carré « uni »"]
    assert seen["embed"]["images"][0]["aspectRatio"] == {"width": 8, "height": 8}
    marked = [text.encode()[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode() for f in seen["record"]["facets"]]
    assert marked == ["https://example.com/été", "#vélo", "@ines.test"]
    assert receipt.accepted_at is not None
    assert abs(receipt.accepted_at - datetime.now(UTC)) < timedelta(seconds=30)

    # A customer answers below it, and mentions the company elsewhere.
    below = ines.write("Et le tarif ?", now_text(), **reply_to(receipt))
    [heard] = desk.hear()
    assert (heard.remote_id, heard.kind, heard.text) == (below["uri"], InboundKind.REPLY, "Et le tarif ?")
    assert heard.thread_root == receipt.remote_id
    assert heard.above is not None
    assert heard.above.remote_id == receipt.remote_id
    assert [m.alt for m in heard.above.media] == ["Un carré « uni »"]
    elsewhere = ines.write(
        "Bonjour @klm.test, où est ma valise ?", now_text(), **mention(desk.member, "Bonjour @klm.test")
    )
    [mentioned] = desk.hear()
    assert (mentioned.remote_id, mentioned.kind) == (elsewhere["uri"], InboundKind.MENTION)
    assert mentioned.thread_root == elsewhere["uri"]
    assert (mentioned.author.remote_id, mentioned.author.followers) == (ines.did, 0)

    # The agent answers, and the customer sees it in the thread.
    answer = desk.send(Draft("89 € l’aller simple.", reply_to=target_of(heard)))
    thread = eventually(lambda: _answers_below(ines, below["uri"]))
    assert [(t["post"]["uri"], t["post"]["record"]["text"]) for t in thread] == [
        (answer.remote_id, "89 € l’aller simple.")
    ]
    assert thread[0]["post"]["record"]["reply"]["root"]["uri"] == receipt.remote_id
    told = ines.see("app.bsky.notification.listNotifications")["notifications"]
    assert (answer.remote_id, "reply") in [(n["uri"], n["reason"]) for n in told]

    # Our own posts are echoes, the answer to the person it was for.
    assert SPEC.reader is not None
    echoes = Mailroom(SPEC.reader(desk.connection, desk.wire))
    ours = {i.remote_id: i for i in echoes.understand(echoes.poll()) if i.kind is InboundKind.ECHO}
    assert set(ours) == {receipt.remote_id, answer.remote_id}
    assert ours[answer.remote_id].recipient_id == ines.did

    # The customer takes her question back; the company its post.
    ines.take_down(elsewhere["uri"])
    [gone] = desk.hear()
    assert (gone.kind, gone.remote_id) == (InboundKind.DELETION, elsewhere["uri"])
    desk.publisher.delete(receipt.remote_id, receipt.context)
    desk.publisher.delete(receipt.remote_id, receipt.context)
    eventually(lambda: not ines.see("app.bsky.feed.getPosts", uris=[receipt.remote_id])["posts"])


def _answers_below(member: Member, uri: str) -> list[Any]:
    thread = member.see("app.bsky.feed.getPostThread", uri=uri)["thread"]
    replies: list[Any] = thread.get("replies", [])
    return replies


def test_a_quote_and_a_like_are_told_apart(servers: Servers) -> None:
    desk, tom = Desk(servers, "quoted"), Member.join(servers, "tom")
    receipt = desk.send(Draft("À citer"))
    reference = {"uri": receipt.remote_id, "cid": receipt.context["cid"]}
    quote = tom.write("Regardez", now_text(), embed={"$type": "app.bsky.embed.record", "record": reference})
    [heard] = desk.hear()
    assert (heard.remote_id, heard.kind) == (quote["uri"], InboundKind.QUOTE)
    assert heard.above is not None
    assert heard.above.text == "À citer"
    like = {"$type": "app.bsky.feed.like", "subject": reference, "createdAt": now_text()}
    liked = tom.create("app.bsky.feed.like", like)
    [reaction] = desk.hear()
    assert (reaction.remote_id, reaction.kind) == (liked["uri"], InboundKind.REACTION)
    assert reaction.in_reply_to == receipt.remote_id


def test_a_key_publishes_once_however_often_it_is_sent(servers: Servers) -> None:
    desk = Desk(servers, "once")
    draft = Draft("Une fois")
    prepared, key = desk.publisher.prepare(draft), desk.publisher.new_key(datetime.now(UTC))
    assert SPEC.reconciler is not None
    reconciler = SPEC.reconciler(desk.connection, desk.wire)

    def look() -> Any:
        return reconciler.look(draft, prepared, key, datetime.now(UTC), frozenset())

    assert look().absent
    first, second = desk.publisher.send(draft, prepared, key), desk.publisher.send(draft, prepared, key)
    assert (first.remote_id, first.context) == (second.remote_id, second.context)
    assert look().found.context == first.context
    listed = desk.member.see("com.atproto.repo.listRecords", repo=desk.member.did, collection="app.bsky.feed.post")
    assert len(listed["records"]) == 1

    # Another text under the same key is refused, and what stands there is shown.
    other = Draft("Autre chose")
    with pytest.raises(OutcomeUnknown) as caught:
        desk.publisher.send(other, desk.publisher.prepare(other), key)
    assert caught.value.code == "key_taken"
    looked = reconciler.look(other, desk.publisher.prepare(other), key, datetime.now(UTC), frozenset())
    assert (looked.found, looked.absent) == (None, False)
    assert [c.remote_id for c in looked.candidates] == [first.remote_id]


def test_refusals_are_what_they_are(servers: Servers) -> None:
    desk = Desk(servers, "refused")
    with pytest.raises(Rejected) as caught:
        desk.send(Draft("é" * 301))
    assert type(caught.value) is Rejected
    with pytest.raises(AuthExpired):
        SPEC.connector(AppKeys(), desk.wire).sign_in(
            {"address": servers.pds, "identifier": "refused.test", "password": "wrong-word"}
        )
    nowhere = f"at://{desk.member.did}/app.bsky.feed.post/3kaaaaaaaaa2a"
    lost = Target(nowhere, desk.member.did, desk.member.handle, nowhere, Surface.PUBLIC)
    with pytest.raises(Gone):
        desk.send(Draft("À personne", reply_to=lost))


def test_a_refresh_whose_answer_was_lost_costs_nothing(servers: Servers) -> None:
    desk = Desk(servers, "fresh")
    connector = SPEC.connector(AppKeys(), desk.wire)
    first, second = connector.refresh(desk.connection), connector.refresh(desk.connection)
    assert first is not None
    assert second is not None
    assert connector.check(connection_from(SPEC, first, AppKeys())).remote_id == desk.member.did
    assert connector.refresh(connection_from(SPEC, second, AppKeys())) is not None


def real_questions() -> list[str]:
    """200 questions that people really wrote: to a bank and to an airline."""
    with gzip.open(real_data("banking77/train.csv.gz"), "rt", encoding="utf-8") as file:
        bank = [row["text"] for row in csv.DictReader(file)][::90][:100]
    turns = gzip.decompress(real_data("multidogo/airline.dev.tsv.gz").read_bytes()).decode()
    rows = csv.DictReader(io.StringIO(turns), delimiter="\t", quoting=csv.QUOTE_NONE)
    airline = [row["utterance"] for row in rows][::19][:100]
    questions = [q.strip() for pair in zip(bank, airline, strict=True) for q in pair]
    assert len(questions) == 200
    return questions


def test_two_hundred_real_questions_arrive_once_and_in_order(servers: Servers) -> None:
    questions = real_questions()
    desk = Desk(servers, "desk")
    customers = [Member.join(servers, f"customer{n}") for n in range(10)]
    begun = datetime.now(UTC) - timedelta(minutes=5)
    written: dict[str, str] = {}
    heard: list[Inbound] = []
    for number, question in enumerate(questions):
        text = f"@{desk.member.handle} {question}"[:300]
        # Groups of seven bear the same millisecond, so that pages end within a group.
        moment = datetime_text(begun + timedelta(milliseconds=20 * (number // 7)))
        made = customers[number % 10].write(text, moment, **mention(desk.member, text))
        written[made["uri"]] = text
        if number in (139, 149, 199):  # first a backlog longer than a page, then small readings
            eventually(lambda uri=made["uri"]: desk.member.see("app.bsky.feed.getPosts", uris=[uri])["posts"])
            heard += desk.mailroom.understand(desk.mailroom.poll())
    for _ in range(3):
        heard += desk.mailroom.understand(desk.mailroom.poll())
    assert [(i.remote_id, i.text) for i in heard] == list(written.items())
    assert {i.kind for i in heard} == {InboundKind.MENTION}
    assert {i.author.remote_id for i in heard} == {c.did for c in customers}


def test_the_rate_limit_says_when_to_come_back() -> None:
    with bluesky_servers(accounts_only=True) as servers:
        form = {"address": servers.pds, "identifier": "nobody.test", "password": "wrong-word"}
        connector = SPEC.connector(AppKeys(), wire_to(servers))
        for _ in range(30):
            with pytest.raises(AuthExpired):
                connector.sign_in(form)
        with pytest.raises(RateLimited) as caught:
            connector.sign_in(form)
        assert caught.value.retry_at is not None
        assert timedelta(0) < caught.value.retry_at - datetime.now(UTC) <= timedelta(minutes=5)
