"""A rig: one network on the bench, as the shared contract rows drive it.

A network's tests subclass `Rig`, say how its rehearsal network is entered and how
its customers write, and hand it to `ContractRows`:

    class MastodonRig(Rig): ...

    class TestMastodonKeepsTheContract(ContractRows):
        @pytest.fixture
        def rig(self):
            with MastodonRig() as rig:
                yield rig

Whatever a network cannot do is named in `not_for` with the reason, and shows up as
a skipped row; a row that is neither passed nor named fails.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from channels.contract import (
    AppKeys,
    ChannelSpec,
    Connected,
    Connection,
    Draft,
    Inbound,
    MediaItem,
    Publisher,
    RawItem,
    Reader,
    Receipt,
    Stager,
    Surface,
    Target,
)
from channels.rehearsal.base import Fault, Network, Server
from channels.wire import AddressPolicy, Wire

Entry = Mapping[str, Any]  # one entry of the ledger


class Rig:
    """One network on the bench. Override what differs; everything has the usual default."""

    spec: ClassVar[ChannelSpec]
    # "METHOD /path" of the one request that publishes, as a regular expression: where faults strike.
    publishes: ClassVar[str]
    # row, or row[case] → why it does not apply to this network
    not_for: ClassVar[Mapping[str, str]] = {}
    # a customer's handle, as `say` takes it
    customer: str = "ines"

    def __init__(self) -> None:
        self.network = self.make_network()
        self.server = self.make_server()
        self.app = AppKeys()
        self.wire = self.make_wire()

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.__exit__(*exc)

    # -- what a network says of itself

    def make_network(self) -> Network:
        """The rehearsal network, fresh, with the company's account in it."""
        raise NotImplementedError

    def make_server(self) -> Server:
        """What serves the network; mail needs more than HTTP."""
        return Server(self.network)

    def connect(self) -> Connection:
        """Connect the company's account the way a person does (consent page and all)."""
        raise NotImplementedError

    def make_wire(self, **how: Any) -> Wire:
        """Allowed to this server, and patient: on a busy machine only a planted fault may
        run into a time limit. Networks with a fixed host add `divert`."""
        policy = AddressPolicy(allow=(f"127.0.0.1:{self.server.port}",))
        return Wire(**{"policy": policy, "connect_timeout": 5.0, "read_timeout": 10.0, "deadline": 20.0, **how})

    def draft(self, text: str, **how: Any) -> Draft:
        """Something that the company may say first. Mail adds a subject and an addressee."""
        return Draft(text, **how)

    def say_publicly(self, text: str, in_reply_to: str = "") -> str:
        """The customer mentions the company, or answers a post of it; gives the remote id."""
        raise NotImplementedError

    def say_directly(self, text: str) -> str:
        """The customer writes to the company alone; gives the remote id."""
        raise NotImplementedError

    def other_secrets(self) -> tuple[str, ...]:
        """What must stay unseen besides the connection's secrets (consent codes, app secrets)."""
        return ()

    def dead(self, connection: Connection) -> Connection:
        """The same connection with credentials that no longer hold."""
        return replace(connection, secrets=dict.fromkeys(connection.secrets, "revoked"))

    def thread_root_of(self, receipt: Receipt) -> str:
        """The thread root that answers to our post must have."""
        return receipt.remote_id

    # -- how its ledger reads

    def addressees(self, entry: Entry) -> set[str]:
        """Handles of those whom a ledger entry was put before, as `say` takes them."""
        return set(entry["extra"].get("to", ()))

    def surface_of(self, entry: Entry) -> Surface:
        return Surface.DIRECT if entry["act"] == "direct" else Surface.PUBLIC

    def said(self, text: str) -> str:
        """How a text of ours stands in the ledger."""
        return text

    # -- what rows use

    def plant(self, effect: str, **how: Any) -> None:
        """Plant a fault on the request that publishes."""
        self.network.plant(Fault(effect, match=self.publishes, **how))

    def published(self) -> list[Entry]:
        """What was really published: the ledger without deletions and edits."""
        return [e for e in self.network.ledger() if e["act"] not in ("delete", "edit")]

    def publisher(self, connection: Connection, wire: Wire | None = None) -> Publisher:
        assert self.spec.publisher is not None
        return self.spec.publisher(connection, wire or self.wire)

    def reader(self, connection: Connection) -> Reader:
        assert self.spec.reader is not None
        return self.spec.reader(connection, self.wire)

    def begin(self, connection: Connection, draft: Draft, wire: Wire | None = None) -> Attempt:
        """All that goes before the send, with `prepared` as it comes back from a database."""
        publisher = self.publisher(connection, wire)
        prepared = json.loads(json.dumps(publisher.prepare(draft)))
        now = datetime.now(UTC)
        key = publisher.new_key(now)
        if isinstance(publisher, Stager):
            prepared = json.loads(json.dumps(publisher.stage(draft, prepared, key, is_again=False)))
            publisher.ready(prepared)
        return Attempt(publisher, draft, prepared, key, now)


@dataclass(frozen=True)
class Attempt:
    """One send about to be made."""

    publisher: Publisher
    draft: Draft
    prepared: Mapping[str, Any]
    key: str
    started_at: datetime

    def send(self) -> Receipt:
        return self.publisher.send(self.draft, self.prepared, self.key)


@dataclass
class Mailroom:
    """Polls every stream of a reader the way a worker does, keeping the cursors."""

    reader: Reader
    cursors: dict[str, Any] = field(default_factory=dict)

    def poll(self) -> list[RawItem]:
        """All that is new since the last poll."""
        return [item for stream in self.reader.streams for item in self._drain(stream)]

    def _drain(self, stream: str) -> Iterator[RawItem]:
        for _ in range(20):
            page = self.reader.poll(stream, self.cursors.get(stream))
            self.cursors[stream] = json.loads(json.dumps(page.cursor))
            yield from page.items
            if not page.more:
                return
        raise AssertionError(f"{stream} never ends")

    def understand(self, items: list[RawItem]) -> list[Inbound]:
        return [inbound for item in items for inbound in self.reader.parse(item)]


def connection_from(spec: ChannelSpec, connected: Connected, app: AppKeys) -> Connection:
    """The connection that Guichet would keep after connecting."""
    return Connection(
        network=spec.name,
        remote_id=connected.remote_id,
        handle=connected.handle,
        base_url=connected.base_url,
        secrets=connected.secrets,
        settings=json.loads(json.dumps(dict(connected.settings))),
        app=app,
    )


def target_of(inbound: Inbound) -> Target:
    """The target that an agent's answer to this message has."""
    return Target(
        remote_id=inbound.remote_id,
        author_id=inbound.author.remote_id,
        author_handle=inbound.author.handle,
        thread_root=inbound.thread_root,
        surface=inbound.surface,
        context=json.loads(json.dumps(dict(inbound.context))),
    )


def sample_image(alt: str, width: int = 8, height: int = 8) -> MediaItem:
    """A small PNG in one colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\x00" + b"\x2a\x6f\x97" * width) * height
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    digest = hashlib.sha256(body).hexdigest()
    return MediaItem(digest, "image/png", len(body), "sample.png", alt, lambda: body, width, height)
