"""Every fault point × every network's behaviour: a worker process dies at the point, another
takes over, and the network's own ledger is the judge. What each class must end as is said
here in full, so that "somebody was asked" is never taken for "it cannot be known".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from channels.contract import Stager
from channels.rehearsal.mastodon import Ways
from guichet import models as m
from guichet.clock import utc_now
from guichet.delivery import operations, takeover
from guichet.delivery.payload import MediaRef, freeze
from guichet.policy import SYSTEM
from guichet.sealing import Sealer
from guichet.storage import FileStore
from tests import factories
from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.drill_rig import DrillRig
from tests.channels.email_rig import EmailRig
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import Rig, sample_image
from tests.channels.x_rig import XRig
from tests.chaos.points import DIED, POINTS, Orders, run
from tests.workers.stage import SECRET, connect_account

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]

TEXT = "boarding is at gate F7"


class BlindMail(EmailRig):
    files_sent = False


@dataclass(frozen=True)
class Behaviour:
    """One network's behaviour. `knows`: how the truth about a doubt is found: "key" (sent again
    under it), "reading", or "nobody" can tell. `lies`: what it says of requests that arrive."""

    open: Callable[[], Rig]
    knows: str
    uploads: str = ""
    read_lag: float = 0.2
    calls_duplicate: bool = False


NETWORKS: dict[str, Behaviour] = {
    "x": Behaviour(XRig, "reading", r"POST /2/media/upload/\d+/append$"),
    "mastodon": Behaviour(MastodonRig, "reading", r"POST /api/v2/media$"),
    "mastodon without keys": Behaviour(
        lambda: MastodonRig(Ways(honours_keys=False)), "reading", r"POST /api/v2/media$"
    ),
    "bluesky": Behaviour(BlueskyRig, "key", r"POST /xrpc/com\.atproto\.repo\.uploadBlob$"),
    "e-mail that is filed": Behaviour(EmailRig, "reading"),
    "e-mail that is not": Behaviour(BlindMail, "nobody"),
    "containers": Behaviour(lambda: DrillRig("drill-containers", processing_seconds=0.15), "key", r"POST /media$"),
    "drafts": Behaviour(lambda: DrillRig("drill-drafts"), "key", r"POST /media$"),
    "laggard": Behaviour(lambda: DrillRig("drill-laggard", lag=0.5), "reading", r"POST /media$", read_lag=1.0),
    "liar, error": Behaviour(lambda: DrillRig("drill-liar", lies=("error",)), "reading", r"POST /media$"),
    "liar, duplicate": Behaviour(
        lambda: DrillRig("drill-liar", lies=("duplicate", "")), "reading", r"POST /media$", calls_duplicate=True
    ),
    "blind": Behaviour(lambda: DrillRig("drill-blind"), "nobody", r"POST /media$"),
}

BEFORE_THE_START = POINTS[:4]
NOT_OUT = ("before send", "request half written")
OUT = ("sent, no reply", "reply, not committed", "during reconcile")


@dataclass(frozen=True)
class End:
    """How it must end: the delivery's state, its attempts' and how often it was published;
    after what a person, asked because nobody can know, truthfully decided."""

    state: str
    attempts: tuple[str, ...]
    published: int = 1
    asked: int = 0
    taken_down: int = 0


def end_of(behaviour: Behaviour, point: str) -> End:
    if behaviour.calls_duplicate:  # its first refusal proves nothing: looked for, then sent once more
        before = ("absent",) if point in NOT_OUT else ()
        if point == "during a person's decision":
            return End("cancelled", ("absent",), published=0)
        return End("published", (*before, "absent", "accepted"))
    if point in BEFORE_THE_START or point == "committed, job not acknowledged":
        return End("published", ("accepted",))
    if behaviour.knows == "nobody":
        attempts = ("accepted",) if point in OUT else ("absent", "accepted")
        return End("published", attempts, asked=1)
    if point in OUT:
        return End("published", ("accepted",))
    if point == "during a person's decision":
        return End("cancelled", ("absent",), published=0)
    return End("published", ("moot" if behaviour.knows == "key" else "absent", "accepted"))


def excuse(name: str, point: str) -> str:
    """Why a point does not exist on a network; "" where it does."""
    behaviour = NETWORKS[name]
    if point == "during media upload" and not behaviour.uploads:
        return "a mail carries its files"
    if point == "container made, not recorded" and name not in ("containers", "drafts"):
        return "it publishes in one step"
    return ""


CASES = [(name, point) for name in NETWORKS for point in POINTS if not excuse(name, point)]


def in_every_build() -> set[tuple[str, str]]:
    """Each point once, on one network after the other; all the rest is left to `make chaos`."""
    names, chosen = list(NETWORKS), set()
    for point in POINTS:
        name = next(n for n in names if not excuse(n, point))
        names.remove(name)
        chosen.add((name, point))
    return chosen


def marked(cases: list[tuple[str, str]], everywhere: set[tuple[str, str]]) -> list[Any]:
    return [pytest.param(*case, marks=() if case in everywhere else pytest.mark.proof) for case in cases]


@dataclass
class Case:
    """One delivery on one network, and the processes that see to it."""

    engine: Engine
    rig: Rig
    orders: Orders
    delivery_id: int = 0
    died: list[str] = field(default_factory=list)

    def die_at(self, point: str, **how: Any) -> None:
        status = run(replace(self.orders, point=point, **how))
        assert status == DIED, f"no process came to “{point}”: it ended with {status}"
        self.died.append(point)

    def go_on(self, **how: Any) -> None:
        """Another process takes over, and settles all that can be settled."""
        assert run(replace(self.orders, **how)) == 0, f"stuck: {self.delivery().state}"

    def delivery(self) -> m.Delivery:
        with Session(self.engine, expire_on_commit=False) as session:
            delivery = session.get_one(m.Delivery, self.delivery_id)
            _ = list(delivery.attempts)
            return delivery

    def act(self, act: str) -> list[Any]:
        ours = ("post", "reply", "direct") if act == "publish" else (act,)
        return [e for e in self.rig.network.ledger() if e["act"] in ours]

    def decisions(self) -> int:
        with Session(self.engine) as session:
            return session.query(m.Decision).count()

    def decide_truthfully(self, how: dict[str, Any]) -> None:
        """A person looks at the network itself, and says what is so."""
        out = self.act("publish")
        choice = {"choice": "link", "remote_id": out[0]["remote_id"]} if out else {"choice": "resend"}
        self.go_on(**how, **choice)
        self.go_on()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("name", "point"), marked(CASES, in_every_build()))
def test_whoever_dies_there_nothing_is_twice_lost_or_stuck(
    engine: Engine, tmp_path: Path, name: str, point: str
) -> None:
    check(engine, tmp_path, name, point)


# Where the database itself decides who is dead and what was committed; one network of each class.
ON_POSTGRES = [(n, p) for n, p in CASES if n in ("mastodon", "containers", "blind") and p != "during media upload"]


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize(("name", "point"), marked(ON_POSTGRES, {("mastodon", "reply, not committed")}))
def test_the_same_over_a_database_server(engine: Engine, tmp_path: Path, name: str, point: str) -> None:
    check(engine, tmp_path, name, point)


def check(engine: Engine, folder: Path, name: str, point: str) -> None:
    behaviour = NETWORKS[name]
    with behaviour.open() as rig:
        case = set_up(engine, folder, rig, behaviour, with_picture=point == "during media upload")
        play(case, behaviour, point)
        expected, delivery = end_of(behaviour, point), case.delivery()
        found = End(
            delivery.state, tuple(a.state for a in delivery.attempts), len(case.act("publish")), case.decisions(),
            len(case.act("delete")),
        )  # fmt: skip
        assert found == expected, (delivery.reason_code, case.died)
        check_what_was_staged(case, point)


def play(case: Case, behaviour: Behaviour, point: str) -> None:
    """Come to the point, die there, and let others go on."""
    person = {"delivery_id": case.delivery_id, "staff_id": case.orders.staff_id}
    if point == "during reconcile":
        case.die_at("sent, no reply")
        case.die_at(point)
    elif point == "during a person's decision":
        case.die_at("before send")
        if behaviour.knows == "nobody":
            case.go_on()  # nobody can tell: a person is asked
            choice = "resend"
        else:
            put_in_doubt(case)
            choice = "cancel"
        case.die_at(point, **person, choice=choice)
        case.go_on(**person, choice=choice)
    else:
        case.die_at(point)
    case.go_on()
    if case.delivery().state == "needs_human":
        case.decide_truthfully(person)


def put_in_doubt(case: Case) -> None:
    """Somebody takes over what the dead worker had started, and does not look yet."""
    with Session(case.engine) as session, session.begin():
        takeover.take_over(session.connection(), session.query(m.Worker).one().id, utc_now())


def check_what_was_staged(case: Case, point: str) -> None:
    """A draft that nobody wrote down is found by its key; a container is left and forgotten."""
    publisher = case.rig.publisher(case.rig.connect())
    if not isinstance(publisher, Stager):
        return
    containers = 2 if point == "container made, not recorded" and "containers" in case.rig.spec.name else 1
    assert len(case.rig.network.made()) == containers


def set_up(engine: Engine, folder: Path, rig: Rig, behaviour: Behaviour, with_picture: bool) -> Case:
    media: tuple[MediaRef, ...] = ()
    if with_picture:
        image = sample_image("the gate at dawn")
        key = FileStore(folder / "media").put(image.open())
        media = (MediaRef(1, image.sha256, image.mime, image.size, image.filename, image.alt, key),)
    draft = rig.draft(TEXT)
    payload = freeze(
        text=draft.text, surface=draft.surface, media=media, reply_to=draft.reply_to, subject=draft.subject
    )  # fmt: skip
    now = utc_now()
    with Session(engine) as session, session.begin():
        account = connect_account(session, Sealer([("k1", SECRET)]), rig, rig.connect())
        session.flush()
        delivery = operations.create(
            session, SYSTEM, account=account, kind="reply" if draft.reply_to else "post", payload=payload, due_at=now,
            now=now,
        )  # fmt: skip
        staff_id = factories.make_staff(session, role="administrator").id
        delivery_id = delivery.id
    orders = Orders(
        database=engine.url.render_as_string(hide_password=False), folder=folder, network=rig.spec.name,
        base_url=rig.server.url, publishes=rig.publishes, uploads=behaviour.uploads, read_lag=behaviour.read_lag,
        staff_id=staff_id,
    )  # fmt: skip
    return Case(engine, rig, orders, delivery_id)
