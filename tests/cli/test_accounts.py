"""`guichet account`: connected by password or by consent, on rehearsal networks at the wire;
secrets come from anywhere but the command line and are printed nowhere."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from cli.demo.consent import authorize
from cli.output import Status
from guichet.models import Account, Credential
from tests import factories as make
from tests.channels.bluesky_rig import APP_PASSWORD, HANDLE, BlueskyRig
from tests.channels.email_rig import COMPANY, EmailRig
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import Rig
from tests.cli.conftest import Guichet, assert_one_clear_line


def open_to(monkeypatch: pytest.MonkeyPatch, guichet: Guichet, url: str) -> None:
    """A brand, and the address of a server on loopback that may be called."""
    monkeypatch.setenv("GUICHET_ALLOW_ADDRESSES", urlsplit(url).netloc)
    with guichet.rows() as session:
        make.make_brand(session, name="Aurore")


@pytest.fixture
def bluesky(monkeypatch: pytest.MonkeyPatch, both: Guichet) -> Iterator[Rig]:
    with BlueskyRig() as rig:
        open_to(monkeypatch, both, rig.server.url)
        yield rig


@pytest.fixture
def mastodon(monkeypatch: pytest.MonkeyPatch, guichet: Guichet) -> Iterator[Rig]:
    with MastodonRig() as rig:
        open_to(monkeypatch, guichet, rig.server.url)
        yield rig


def bluesky_words(rig: Rig) -> tuple[str, ...]:
    fields = (f"address={rig.server.url}", f"identifier={HANDLE}")
    return ("account", "add", "bluesky", "--brand", "Aurore", *(w for f in fields for w in ("--field", f)))


def test_an_app_password_from_standard_input_connects(both: Guichet, bluesky: Rig) -> None:
    said = both(*bluesky_words(bluesky), "--secret-stdin", "password", stdin=APP_PASSWORD + "\n")
    assert (said.status, said.out) == (0, f"{HANDLE} on Bluesky is connected; its number is 1.\n")
    assert APP_PASSWORD not in said.out + said.err
    with both.rows() as session:
        assert APP_PASSWORD.encode() not in session.scalars(select(Credential)).one().sealed
    listed = both.json("account", "list")
    assert [(a["id"], a["network"], a["brand"], a["state"]) for a in listed] == [(1, "bluesky", "Aurore", "connected")]
    for wanted in ("1", HANDLE, f"bluesky:{HANDLE}"):
        assert both.json("account", "check", wanted) == {"handle": HANDLE, "id": 1}


def test_an_app_password_from_the_environment_connects_and_renews(
    both: Guichet, bluesky: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_APP_PASSWORD", APP_PASSWORD)
    both.json(*bluesky_words(bluesky), "--secret-env", "password", "OUR_APP_PASSWORD")
    words = [w for w in bluesky_words(bluesky) if w not in ("--brand", "Aurore")]
    again = both.json(*words, "--reconnect", "1", "--secret-env", "password", "OUR_APP_PASSWORD")
    assert again["id"] == 1
    with both.rows() as session:
        assert len(session.scalars(select(Account)).all()) == 1
        assert session.scalars(select(Credential)).one().version == 2


def test_a_wrong_password_is_refused_and_leaves_nothing(both: Guichet, bluesky: Rig) -> None:
    said = both(*bluesky_words(bluesky), "--secret-stdin", "password", stdin="wrong-wrong\n")
    assert said.status == Status.REFUSED
    assert "wrong-wrong" not in said.err
    assert_one_clear_line(said)
    assert both.json("account", "list") == []


def test_a_network_that_does_not_answer_has_a_status_of_its_own(
    both: Guichet, bluesky: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.json(*bluesky_words(bluesky), "--secret-stdin", "password", stdin=APP_PASSWORD)
    with both.rows() as session:
        session.get_one(Account, 1).base_url = "http://127.0.0.1:9"  # nobody listens there
    monkeypatch.setenv("GUICHET_ALLOW_ADDRESSES", "127.0.0.1:9")
    said = both("account", "check", "1")
    assert said.status == Status.NO_ANSWER
    assert_one_clear_line(said)
    with both.rows() as session:
        assert session.get_one(Account, 1).last_error


def test_mail_connects_with_its_password(guichet: Guichet, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmailRig() as rig:
        form = rig.form()
        ports = f"127.0.0.1:{form['imap_port']},127.0.0.1:{form['smtp_port']}"
        open_to(monkeypatch, guichet, rig.server.url)
        monkeypatch.setenv("GUICHET_ALLOW_ADDRESSES", ports)
        secret = form.pop("password")
        words = [w for k, v in form.items() for w in ("--field", f"{k}={v}")]
        made = guichet.json(
            "account", "add", "email", "--brand", "1", *words, "--secret-stdin", "password", stdin=secret
        )
    assert (made["network"], made["handle"]) == ("email", COMPANY)


class _Browser(io.TextIOBase):
    """Standard input of somebody who opens the printed address, consents, and pastes back."""

    def __init__(self, printed: io.StringIO, spoil: str = "") -> None:
        self._printed, self._spoil = printed, spoil

    def readline(self, *_: object) -> str:
        address = next(w for w in self._printed.getvalue().split() if w.startswith("http"))
        return authorize(address, "guichet").replace("state=", f"state={self._spoil}") + "\n"


def consent(guichet: Guichet, rig: Rig, monkeypatch: pytest.MonkeyPatch, spoil: str = "") -> tuple[int, str, str]:
    from cli.main import main

    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(sys, "stdin", _Browser(err, spoil))
    words = ("account", "add", "mastodon", "--brand", "Aurore", "--field", f"instance={rig.server.url}")
    status = main(words)
    monkeypatch.undo()
    return int(status), out.getvalue(), err.getvalue()


def test_consent_is_asked_on_the_networks_own_page(
    guichet: Guichet, mastodon: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = consent(guichet, mastodon, monkeypatch)
    assert (status, out.split()[1:4]) == (0, ["on", "Mastodon", "is"]), err
    with guichet.rows() as session:
        assert session.scalars(select(Account)).one().state == "connected"


def test_an_address_of_another_consent_connects_nothing(
    guichet: Guichet, mastodon: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, err = consent(guichet, mastodon, monkeypatch, spoil="x")
    assert status == Status.REFUSED
    assert "belongs to another consent" in err
    with guichet.rows() as session:
        assert session.scalars(select(Account)).all() == []


def test_nobody_who_pastes_anything_is_no_failure_of_ours(guichet: Guichet, mastodon: Rig) -> None:
    said = guichet(
        "account", "add", "mastodon", "--brand", "Aurore", "--field", f"instance={mastodon.server.url}", "--json"
    )
    lines = said.err.splitlines()
    assert said.status == Status.REFUSED
    assert '"authorize_url"' in lines[0]
    assert "no address came back" in lines[1]


ADD = ("add", "bluesky", "--brand", "Aurore")
WHO = ("--field", "identifier=a")
SECRET = ("--secret-stdin", "password")


@pytest.mark.parametrize(
    ("words", "stdin", "status", "says"),
    [
        (("add", "myspace", "--brand", "Aurore"), "", 2, "no network is called 'myspace': there are x, mastodon"),
        ((*ADD, *WHO, "--field", "password=pw"), "", 2, "password is a secret"),
        ((*ADD, "--field", "colour=red"), "", 2, "takes address, identifier"),
        ((*ADD, "--field", "identifier"), "", 2, "NAME=VALUE"),
        (ADD, "", 2, "--field identifier: is needed"),
        ((*ADD, *WHO), "", 2, "password is needed"),
        ((*ADD, *WHO, *SECRET), "", 2, "the secret 'password' is empty"),
        ((*ADD, *WHO, "--secret-stdin", "pin"), "", 2, "no secret called 'pin'"),
        ((*ADD, *WHO, "--secret-env", "password", "NOT_SET"), "", 2, "the secret 'password' is empty"),
        (("add", "bluesky", *WHO, *SECRET), "x", 2, "--brand or --reconnect"),
        (("add", "bluesky", "--brand", "No", *WHO, *SECRET), "x", 1, "there is no brand 'No'"),
        ((*ADD, "--rehearsal", *WHO), "", 1, "no rehearsal server"),
        (("check", "12"), "", 1, "no such account"),
        (("check", "9" * 30), "", 1, "no such account"),
        (("check", "nobody"), "", 1, "there is no account 'nobody'"),
        (("check",), "", 2, "Missing argument 'ACCOUNT'"),
    ],
)
def test_what_is_wrongly_asked_is_said_in_one_line(
    guichet: Guichet, words: tuple[str, ...], stdin: str, status: int, says: str
) -> None:
    with guichet.rows() as session:
        make.make_brand(session, name="Aurore")
    said = guichet("account", *words, stdin=stdin)
    assert says in said.err
    assert said.status == status
    assert_one_clear_line(said)


def test_a_name_of_several_accounts_needs_a_number(guichet: Guichet, tmp_path: Path) -> None:
    with guichet.rows() as session:
        for network in ("mastodon", "bluesky"):
            make.make_account(session, network=network, handle="aurore")
    said = guichet("account", "check", "aurore")
    assert said.status == Status.REFUSED
    assert "1 (mastodon:aurore), 2 (bluesky:aurore)" in said.err


def test_times_of_an_account_without_a_history_are_said_to_be_unknown(guichet: Guichet) -> None:
    with guichet.rows() as session:
        make.make_account(session, handle="aurore")
    said = guichet("account", "times", "aurore")
    assert said.status == 0
    assert "The history is too thin: 0 posts with known figures, and it takes 30 in 90 days." in said.out
    known = guichet.json("account", "times", "aurore")
    assert (known["verdict"], known["times"]) == ("thin", [])
