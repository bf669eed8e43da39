"""The demonstration's customers, on the networks that they write on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest
import requests

from channels.rehearsal.bluesky import BlueskyNetwork
from channels.rehearsal.email import EmailNetwork
from channels.rehearsal.mastodon import MastodonNetwork
from channels.rehearsal.x import XNetwork
from cli.demo import cast, customers, voices
from cli.demo.filling import speak
from cli.rehearsal import open_server, settle_companies
from guichet.config import REHEARSAL_PORTS, Settings, read_settings
from tests.cli.conftest import KEYS
from tests.journeys.stack import free_ports


class Networks:
    """The four that the company is on, and the settings by which they are found."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.mastodon = MastodonNetwork()
        self.all = (self.mastodon, XNetwork(), BlueskyNetwork(), EmailNetwork())

    def said(self) -> dict[str, dict[str, str]]:
        """What customers wrote, by remote id, on all of them."""
        asked = (requests.get(f"{self.settings.rehearsal_url(n.name)}/_rehearsal/said", timeout=5) for n in self.all)
        return {id_: said for answer in asked for id_, said in answer.json().items()}


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Networks]:
    port = str(free_ports(len(REHEARSAL_PORTS)))
    folder: Path = tmp_path_factory.mktemp("customers")
    settings = read_settings(
        {"GUICHET_DATA_DIR": str(folder), "GUICHET_SECRET_KEYS": KEYS, "GUICHET_REHEARSAL_PORT": port}
    )
    found = Networks(settings)
    with ExitStack() as stack:
        for network in found.all:
            settle_companies(network)
            stack.enter_context(open_server(network, settings))
        yield found


def test_somebody_new_writes_now_and_then(networks: Networks) -> None:
    crowd = customers.Crowd(networks.settings, Random(7))
    crowd.move(0)
    assert networks.said() == {}
    for n in (1, 2, 3):
        now = crowd.next_at
        crowd.move(now)
        crowd.move(now + 1)
        assert len(networks.said()) == n


def test_every_tale_can_be_told_where_it_belongs(networks: Networks) -> None:
    for tale in voices.TALES:
        told = voices.tell(tale, Random(7))
        assert "{" not in told.text + told.subject
        speak(networks.settings, told)


def test_who_is_answered_reacts_once_under_the_answer(networks: Networks) -> None:
    crowd = customers.Crowd(networks.settings, Random(7))
    crowd.look_away()
    hana = next(voice for voice in voices.FIRST if voice.who == "hana")
    speak(networks.settings, hana)
    (asked,) = [id_ for id_, said in networks.said().items() if said["text"] == hana.text]
    answer = networks.mastodon.publish("auroreair", "@hana We board in ten minutes.", in_reply_to=asked)
    for _ in range(2):
        crowd.move(0)
    (reaction,) = [id_ for id_, said in networks.said().items() if said["text"] == hana.after]
    assert networks.mastodon.status(reaction)["in_reply_to"] == answer["id"]
    assert networks.mastodon.status(reaction)["author"] == "hana"


def test_what_was_answered_before_it_looked_is_left_alone(networks: Networks) -> None:
    before = networks.said()
    crowd = customers.Crowd(networks.settings, Random(7))
    crowd.look_away()
    crowd.move(0)
    assert networks.said() == before


def test_everybody_who_writes_first_writes_to_an_account_of_the_company() -> None:
    handles = {handle for _, handle, *_ in cast.ACCOUNTS}
    assert {voice.to for voice in (*voices.FIRST, *voices.TALES)} <= handles
