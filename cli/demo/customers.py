"""Customers who keep writing while the demonstration runs, and who react when they are answered.

They know only what a network's public knows: what was published, and what they said themselves.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Any

import requests

from cli.demo import voices
from cli.demo.filling import speak
from cli.output import Failed
from guichet.config import Settings

LOOK_SECONDS = 4.0
# Seconds from one new customer to the next: often while somebody tries it out, seldom afterwards.
_AT_FIRST, _LATER, _LONG = (20.0, 45.0), (90.0, 240.0), 900.0
# A demonstration that nobody stops must not fill its disk.
_MOST = 1000
_NETWORKS = sorted({voice.network for voice in voices.TALES})


def serve(settings: Settings) -> None:
    """Until the process is ended."""
    crowd = Crowd(settings, SystemRandom())
    crowd.look_away()
    while True:
        time.sleep(LOOK_SECONDS)
        # A network that does not answer is asked again.
        with contextlib.suppress(requests.RequestException, Failed):
            crowd.move(time.monotonic())


@dataclass
class Crowd:
    """`move` does what is due at a moment (seconds of a clock that only goes forward)."""

    settings: Settings
    luck: Random
    began: float | None = None
    next_at: float = 0.0
    written: int = 0
    _after: dict[str, str] = field(default_factory=lambda: {voice.text: voice.after for voice in voices.FIRST})
    _read: dict[str, int] = field(default_factory=dict)

    def look_away(self) -> None:
        """What is published already is not reacted to."""
        for network in _NETWORKS:
            with contextlib.suppress(requests.RequestException):
                self._fresh(network)

    def move(self, now: float) -> None:
        """Raises requests' exceptions, and Failed where a network refuses what is said."""
        for network in _NETWORKS:
            self._react(network)
        if self.began is None:
            self.began = now
            self.next_at = now + self.luck.uniform(*_AT_FIRST)
        if now < self.next_at or self.written >= _MOST:
            return
        self.next_at = now + self.luck.uniform(*(_AT_FIRST if now - self.began < _LONG else _LATER))
        self.written += 1
        voice = voices.tell(self.luck.choice(voices.TALES), self.luck)
        self._after[voice.text] = voice.after
        speak(self.settings, voice)

    def _react(self, network: str) -> None:
        answers = [entry for entry in self._fresh(network) if entry["in_reply_to"]]
        said: dict[str, dict[str, Any]] = self._ask(network, "said") if answers else {}
        for entry in answers:
            asked = said.get(entry["in_reply_to"])
            # Once: what they said second is no question.
            after = self._after.pop(asked["text"], "") if asked else ""
            if asked and after:
                voice = voices.Voice(network, asked["who"], asked["to"], after, direct=asked["direct"])
                speak(self.settings, voice, "" if asked["direct"] else entry["remote_id"])

    def _fresh(self, network: str) -> list[dict[str, Any]]:
        """What became public since the last look, oldest first."""
        ledger: list[dict[str, Any]] = self._ask(network, "ledger")
        seen = self._read.get(network, 0)
        self._read[network] = max([seen, *(entry["number"] for entry in ledger)])
        return [entry for entry in ledger if entry["number"] > seen]

    def _ask(self, network: str, what: str) -> Any:
        answer = requests.get(f"{self.settings.rehearsal_url(network)}/_rehearsal/{what}", timeout=10)
        answer.raise_for_status()
        return answer.json()
