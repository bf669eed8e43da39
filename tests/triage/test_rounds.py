"""Rules in time under several processes at once, one of which is killed in the middle of a lot: each
acts once on each conversation, on both databases."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.policy import SYSTEM
from guichet.triage import operations as triage
from guichet.triage.moments import When
from tests.architecture.source import ROOT
from tests.inbox.scene import make_scene

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]

WAITING = 30


def begin(engine: Engine, now: datetime, *killed_at: str) -> subprocess.Popen[str]:
    """A process that has connected, and waits for the word to begin."""
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.triage.rounds", url, now.isoformat(), *killed_at]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def let(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_each_rule_acts_once_whoever_looks_and_whoever_is_killed(engine: Engine, now: datetime) -> None:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        scene = make_scene(session, now)
        for n in range(WAITING):
            scene.customer_says(root=f"n{n}", who=f"w{n}")
        rules = [
            triage.create_rule(
                session, SYSTEM, name=f"Rule {n}", conditions=[], when=When("waiting", 60), now=now,
                actions=[{"kind": "note", "value": f"Rule {n} looked"}], is_on=True,
            ).id
            for n in range(2)
        ]  # fmt: skip
    later = now + timedelta(hours=1)
    killed = begin(engine, later, str(WAITING // 2))
    others = [begin(engine, later) for _ in range(2)]
    let(killed)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "acting\n"  # it has begun a lot, and will not end it
    for process in others:
        let(process)
    ended = [process.wait(100) for process in others]
    assert (ended, killed.wait(100)) == ([0, 0], -signal.SIGKILL)
    with Session(engine) as session:
        acted = Counter(
            (e.rule_id, e.conversation_id) for e in session.query(m.ConversationEvent) if e.kind == "rule_in_time"
        )
        noted = Counter(n.text for n in session.query(m.Message) if n.direction == "note")
        assert session.query(m.RuleFiring).count() == WAITING * len(rules)
    assert len(acted) == WAITING * len(rules)
    assert set(acted.values()) == {1}
    assert set(noted.values()) == {WAITING}
