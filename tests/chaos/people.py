"""The people of the campaign. They work through the web alone, as scripts with a bearer token
do, and repeat what was not answered under the same Idempotency-Key: so what the web server
promises is on trial too."""

from __future__ import annotations

import contextlib
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import requests
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from channels.errors import ChannelError
from guichet.policy import SYSTEM
from guichet.staff.entry import create_token_for
from tests import factories
from tests.channels.rig import sample_image
from tests.chaos.behaviours import Behaviour
from tests.chaos.harness import Harness
from tests.chaos.judge import Wanted
from tests.chaos.program import LATEST_ARRIVAL, READ_LAG

_PATIENCE = 180.0  # seconds that one request is repeated for
_GONE = LATEST_ARRIVAL + 4 * READ_LAG  # when a person believes that it is not there


class GaveUp(AssertionError):
    """The web server never answered."""


@dataclass
class Desk:
    """Where somebody sits: a token, and the web server."""

    url: str
    bearer: str
    repeats: int = 0

    def ask(self, method: str, path: str, **how: Any) -> requests.Response:
        """The answer, however often one has to ask. A POST is repeated under its key."""
        headers = {"Authorization": f"Bearer {self.bearer}"}
        if method == "POST":
            headers["Idempotency-Key"] = uuid.uuid4().hex
        until = time.monotonic() + _PATIENCE
        said = ""
        while time.monotonic() < until:
            with contextlib.suppress(requests.RequestException):
                answer = requests.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=5, **how)
                if answer.status_code < 500 and answer.status_code not in (429, 409):
                    return answer
                said = f"{answer.status_code} {answer.text[:200]}"
                if answer.status_code == 409 and "progress" not in answer.text:
                    return answer
            self.repeats += 1
            time.sleep(0.2)
        raise GaveUp(f"{method} {path}: {said}")

    def do(self, method: str, path: str, **how: Any) -> Any:
        """What comes of it. Raises AssertionError where it is refused."""
        answer = self.ask(method, path, **how)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()


def seat(harness: Harness) -> Desk:
    """Somebody who may do everything, with a token."""
    now = datetime.now(UTC)
    with Session(harness.store.engine) as session, session.begin():
        person = factories.make_staff(session, "owner")
        scopes = ["read", "publish", "answer"]
        _, secret = create_token_for(session, SYSTEM, person, name="campaign", scopes=scopes, expires_at=None, now=now)
    return Desk(harness.url, secret)


# ---------------------------------------------------------------- who writes


@dataclass
class Author:
    """Writes posts of all kinds for all networks, due a little later in some zone."""

    harness: Harness
    behaviours: Sequence[Behaviour]
    desk: Desk
    wanted: Wanted
    dice: random.Random
    zones: Sequence[str]
    media: list[int] = field(default_factory=list)

    def upload(self, count: int) -> None:
        for n in range(count):
            picture = sample_image("a gate", 8 + n, 8).open()
            files = {"file": (f"gate-{n}.png", picture, "image/png")}
            self.media.append(int(self.desk.do("POST", "/media", files=files, data={"alt": f"gate {n}"})["id"]))

    def write(self, most: int) -> int:
        """One post; returns how many publications come of it, `most` at most."""
        open_ = [b for b in self.behaviours if b.says_first]
        accounts = self.dice.sample(open_, self.dice.choices((1, 2, 3), (5, 3, 2))[0])
        items = self.dice.choices((0, 1, 2, 3), (70, 12, 10, 8))[0]
        comment = self.dice.random() < 0.2
        while len(accounts) > 1 and len(accounts) * (1 + items + comment) > most:
            accounts.pop()
        if 1 + items + comment > most:
            items, comment = 0, False
        tokens = [self.wanted.new_token() for _ in range(1 + items + comment)]
        pictures = [self.dice.choice(self.media)] if self.media and self.dice.random() < 0.25 else []
        body = {
            "brand_id": self.harness.brand_id,
            "text": f"flight {tokens[0]} leaves from gate {self.dice.randrange(90)}",
            "items": [{"text": f"and {t} follows"} for t in tokens[1 : 1 + items]],
            "first_comment": f"boarding {tokens[-1]} begins" if comment else "",
            "media_ids": pictures,
            "variants": [{"account_id": self.harness.accounts[b.name]} for b in accounts],
        }
        post = self.desk.do("POST", "/posts", json=body)
        self._schedule(post["id"], [b.name for b in accounts], tokens, len(pictures), comment)
        return len(accounts) * len(tokens)

    def _schedule(
        self, post_id: int, names: Sequence[str], tokens: Sequence[str], pictures: int, comment: bool
    ) -> None:
        zone = ZoneInfo(self.dice.choice(self.zones))
        while True:
            soon = datetime.now(UTC) + timedelta(seconds=self.dice.choice((2, 4, 8, 20)))
            due_at = soon.replace(microsecond=0)
            wall = due_at.astimezone(zone)
            for name in names:
                self.wanted.expect_post(name, tokens, due_at, pictures, has_comment=comment)
            how = {
                "wall_time": wall.replace(tzinfo=None, fold=0).isoformat(),
                "time_zone": str(zone),
                "fold": "second" if wall.fold else "first",
            }
            answer = self.desk.ask("POST", f"/posts/{post_id}/schedule", json=how)
            if answer.status_code < 300:
                return
            assert "wall_time" in answer.text, f"{answer.status_code} {answer.text[:300]}"  # its time has passed


@dataclass
class Agent:
    """Answers those who wrote."""

    desk: Desk
    wanted: Wanted

    def answer(self, name: str, conversation_id: int) -> None:
        token = self.wanted.new_token()
        self.wanted.expect_answer(name, token)
        self.desk.do("POST", f"/conversations/{conversation_id}/reply", json={"text": f"your parcel {token} is here"})


# ---------------------------------------------------------------- who is asked


@dataclass
class Decider:
    """Is asked what nobody else can know, looks at the network, and says. A sign-in that was
    lost is given back before what hung on it is sent again."""

    harness: Harness
    desk: Desk
    behaviours: Mapping[str, Behaviour]
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    _known: set[tuple[int, int]] = field(default_factory=set)

    def look_through(self) -> None:
        """Everything that needs a person, once."""
        for state in ("needs_human", "failed"):
            for doubt in self.desk.do("GET", f"/deliveries?state={state}&limit=100")["items"]:
                self._decide(doubt, state)

    def _decide(self, doubt: dict[str, Any], state: str) -> None:
        name = next(n for n, id_ in self.harness.accounts.items() if id_ == doubt["account"]["id"])
        if (doubt["id"], doubt["generation"]) not in self._known:
            self._known.add((doubt["id"], doubt["generation"]))
            self.asked[name, doubt["reason_code"] or ""] += 1
        if state == "failed":
            if find(self.harness, name, doubt["text"]):
                return  # the judge will say so
            answer = self.desk.ask("POST", f"/deliveries/{doubt['id']}/retry", json={})
        else:
            choice = self._choice(name, doubt)
            if choice is None:
                return
            answer = self.desk.ask("POST", f"/deliveries/{doubt['id']}/resolve", json=choice)
        if answer.status_code >= 300 and answer.status_code != 409:
            self.refused.append(f"{name} {doubt['reason_code']}: {answer.status_code} {answer.text[:200]}")

    def _choice(self, name: str, doubt: dict[str, Any]) -> dict[str, str] | None:
        detail = self.desk.do("GET", f"/deliveries/{doubt['id']}")
        begun = [datetime.fromisoformat(a["ended_at"] or a["started_at"]) for a in detail["attempts"]]
        there = find(self.harness, name, doubt["text"])
        if there:
            return {"choice": "link", "remote_id": there}
        if begun and datetime.now(UTC) < max(begun) + _GONE:
            return None  # it may still come
        return {"choice": "resend"}


def find(harness: Harness, name: str, text: str) -> str:
    """The remote id under which these words stand on a network; "" where they do not."""
    token = next(word for word in text.split() if Wanted.is_token(word))
    for entry in harness.rigs[name].network.ledger():
        if entry["act"] not in ("delete", "edit") and token in entry["text"]:
            return str(entry["remote_id"])
    return ""


def reconnect(harness: Harness, name: str) -> None:
    """Sign in again, as the person does who is told that the sign-in has ended; and again, as
    long as the network or our database is away."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            harness.connect(name, harness.rigs[name])
        except (SQLAlchemyError, ChannelError, requests.RequestException, AssertionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
        else:
            return


def keep_at_it(work: Callable[[], None], stop: threading.Event, pause: float, faults: list[BaseException]) -> None:
    """Do `work` again and again until `stop`."""
    while not stop.wait(pause):
        try:
            work()
        except (GaveUp, requests.RequestException, SQLAlchemyError):
            continue
        except BaseException as e:
            faults.append(e)
            return
