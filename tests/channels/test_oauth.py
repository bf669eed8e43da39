"""The OAuth steps, driven against X's rehearsal: what is refused, what a failure means,
and that no token is ever said aloud."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from channels import oauth
from channels.contract import AppKeys
from channels.errors import AuthExpired, ChannelError, OutcomeUnknown, RateLimited, Rejected, Unavailable
from channels.rehearsal.base import Fault
from channels.wire import AddressPolicy, Wire
from channels.x import SPEC
from tests.channels.rig import connection_from
from tests.channels.x_rig import KEYS, REDIRECT, XRig, press

BOTH = pytest.mark.parametrize("auth", ["oauth1", "oauth2"])


@pytest.fixture
def rig() -> Iterator[XRig]:
    with XRig() as rig:
        yield rig


def code_of(error: pytest.ExceptionInfo[ChannelError]) -> str:
    return error.value.code


@BOTH
def test_consent_leads_to_who_we_are(rig: XRig, auth: str) -> None:
    connected = rig.connected(auth)
    assert (connected.handle, connected.name) == ("acme", "Acme")
    assert connected.settings == {"auth": auth}
    assert (connected.expires_at is not None) == (auth == "oauth2")


@BOTH
def test_a_person_may_connect_as_another_user_of_the_company(rig: XRig, auth: str) -> None:
    consent = rig.begin_consent(auth)
    query = press(consent.authorize_url, user="acme_fr")
    assert SPEC.connector(KEYS, rig.wire).complete(consent.memory, query).handle == "acme_fr"


@BOTH
def test_the_consent_page_is_where_a_browser_finds_it(rig: XRig, auth: str) -> None:
    assert rig.begin_consent(auth).authorize_url.startswith(rig.server.url)


def test_without_a_rehearsal_the_person_is_sent_to_x() -> None:
    url = SPEC.connector(KEYS, Wire()).begin({}, REDIRECT, "s").authorize_url
    assert url.startswith("https://x.com/i/oauth2/authorize?")
    assert "code_challenge_method=S256" in url


@BOTH
def test_a_refused_consent_says_so(rig: XRig, auth: str) -> None:
    consent = rig.begin_consent(auth)
    query = press(consent.authorize_url, "cancel")
    with pytest.raises(Rejected) as caught:
        SPEC.connector(KEYS, rig.wire).complete(consent.memory, query)
    assert code_of(caught) == "consent_refused"


@BOTH
@pytest.mark.parametrize("state", ["", "of-another-session", "é"])
def test_an_answer_with_another_state_is_refused(rig: XRig, auth: str, state: str) -> None:
    consent = rig.begin_consent(auth)
    query = {**press(consent.authorize_url), "state": state}
    with pytest.raises(Rejected) as caught:
        SPEC.connector(KEYS, rig.wire).complete(consent.memory, query)
    assert code_of(caught) == "state_mismatch"


@BOTH
def test_an_answer_is_good_once(rig: XRig, auth: str) -> None:
    consent = rig.begin_consent(auth)
    query = press(consent.authorize_url)
    connector = SPEC.connector(KEYS, rig.wire)
    connector.complete(consent.memory, query)
    with pytest.raises(Rejected):
        connector.complete(consent.memory, query)


def test_a_wrong_pkce_verifier_is_refused(rig: XRig) -> None:
    consent = rig.begin_consent("oauth2")
    query = press(consent.authorize_url)
    with pytest.raises(Rejected) as caught:
        SPEC.connector(KEYS, rig.wire).complete({**consent.memory, "verifier": "a" * 64}, query)
    assert code_of(caught) == "grant_refused"


def test_a_wrong_oauth1_verifier_is_refused(rig: XRig) -> None:
    consent = rig.begin_consent("oauth1")
    query = {**press(consent.authorize_url), "oauth_verifier": "guessed"}
    with pytest.raises(Rejected) as caught:
        SPEC.connector(KEYS, rig.wire).complete(consent.memory, query)
    assert code_of(caught) == "grant_refused"


@BOTH
def test_wrong_application_keys_are_told_apart(rig: XRig, auth: str) -> None:
    wrong = SPEC.connector(replace(KEYS, client_secret="wrong", api_secret="wrong"), rig.wire)

    def connect() -> None:
        consent = wrong.begin({"auth": auth}, REDIRECT, "s")
        wrong.complete(consent.memory, press(consent.authorize_url))

    with pytest.raises(Rejected) as caught:
        connect()
    assert code_of(caught) == "app_keys_refused"


@BOTH
def test_missing_application_keys_are_named(auth: str) -> None:
    with pytest.raises(Rejected) as caught:
        SPEC.connector(AppKeys(), Wire()).begin({"auth": auth}, REDIRECT, "s")
    assert code_of(caught) == "app_keys_missing"


def test_an_unknown_way_to_sign_in_is_refused() -> None:
    with pytest.raises(Rejected) as caught:
        SPEC.connector(KEYS, Wire()).begin({"auth": "oauth3"}, REDIRECT, "s")
    assert caught.value.evidence == {"field": "auth"}


# ---------------------------------------------------------------- refresh


def test_a_refresh_gives_tokens_that_work_and_ends_the_old_one(rig: XRig) -> None:
    connection = rig.connect()
    connector = SPEC.connector(KEYS, rig.wire)
    fresh = connector.refresh(connection)
    assert fresh is not None
    assert fresh.secrets["refresh_token"] != connection.secrets["refresh_token"]
    assert (fresh.remote_id, fresh.handle) == (connection.remote_id, connection.handle)
    assert connector.check(connection_from(SPEC, fresh, KEYS)).handle == "acme"
    with pytest.raises(AuthExpired):
        connector.refresh(connection)


def test_an_oauth1_token_needs_no_refresh(rig: XRig) -> None:
    connection = connection_from(SPEC, rig.connected("oauth1"), KEYS)
    assert SPEC.connector(KEYS, rig.wire).refresh(connection) is None


def test_refreshing_at_once_from_many_threads_spends_the_token_once(rig: XRig) -> None:
    connection = rig.connect()
    connector = SPEC.connector(KEYS, rig.wire)
    rig.network.plant(Fault("slow", match="POST /2/oauth2/token", seconds=0.2))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: connector.refresh(connection), range(8)))
    assert len({r.secrets["access_token"] for r in results if r}) == 1
    assert len(rig.network.store.all("refresh")) == 1


def test_without_a_refresh_token_the_account_must_be_connected_again(rig: XRig) -> None:
    connection = rig.connect()
    bare = replace(connection, secrets={"access_token": connection.secrets["access_token"]})
    with pytest.raises(AuthExpired):
        SPEC.connector(KEYS, rig.wire).refresh(bare)


@pytest.mark.parametrize(
    ("effect", "how", "error"),
    [
        ("reset_after", {}, OutcomeUnknown),
        ("garbage_after", {}, OutcomeUnknown),
        ("status_after", {"status": 500}, OutcomeUnknown),
        ("slow", {"seconds": 0.7}, OutcomeUnknown),
        ("status_before", {"status": 429, "headers": {"Retry-After": "9"}}, RateLimited),
    ],
)
def test_a_broken_refresh_is_what_it_is(
    rig: XRig, effect: str, how: dict[str, object], error: type[ChannelError]
) -> None:
    connection = rig.connect()
    rig.network.plant(Fault(effect, match="POST /2/oauth2/token", **how))
    with pytest.raises(error) as caught:
        SPEC.connector(KEYS, rig.make_wire(read_timeout=0.5)).refresh(connection)
    assert type(caught.value) is error


@BOTH
@pytest.mark.parametrize("effect", ["reset_before", "garbage_after", "status_before"])
def test_a_network_that_stumbles_while_connecting_is_no_refusal(rig: XRig, auth: str, effect: str) -> None:
    match = "POST /oauth/request_token|POST /2/oauth2/token"
    rig.network.plant(Fault(effect, match=match, status=503))
    with pytest.raises(OutcomeUnknown):
        rig.connected(auth)


def test_nobody_there_is_unavailable() -> None:
    wire = Wire(policy=AddressPolicy(("127.0.0.1:*",)), divert=dict.fromkeys(SPEC.fixed_hosts, "http://127.0.0.1:1"))
    with pytest.raises(Unavailable):
        SPEC.connector(KEYS, wire).begin({"auth": "oauth1"}, REDIRECT, "s")


# ---------------------------------------------------------------- silence


@BOTH
def test_no_token_code_or_verifier_is_logged_at_any_level(
    rig: XRig, auth: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in oauth._TALKATIVE:
        caplog.set_level(logging.DEBUG, logger=name)
    said: list[str] = []
    consent = rig.begin_consent(auth)
    query = press(consent.authorize_url)
    connector = SPEC.connector(KEYS, rig.wire)
    caplog.clear()  # the redirect itself is the browser's, not ours
    connected = connector.complete(consent.memory, query)
    connector.refresh(connection_from(SPEC, connected, KEYS))
    said += [f"{r.getMessage()} {r.args}" for r in caplog.records]
    said += [repr(connected), repr(consent), repr(KEYS)]
    canaries = {
        *connected.secrets.values(),
        *(v for k, v in query.items() if k in ("code", "oauth_verifier")),
        *(v for k, v in consent.memory.items() if k in ("verifier", "request_secret")),
    }
    assert len(canaries) >= 3
    assert [line for line in said if any(c in line for c in canaries)] == []


def test_the_libraries_would_talk_if_they_were_let(rig: XRig, caplog: pytest.LogCaptureFixture) -> None:
    """The canary is alive: without our filter the same dance is heard."""
    caplog.set_level(logging.DEBUG)
    loggers = [logging.getLogger(name) for name in oauth._TALKATIVE]
    for logger in loggers:
        caplog.set_level(logging.DEBUG, logger=logger.name)  # whatever a program's start made of it
        logger.removeFilter(oauth._is_worth_saying)
    try:
        connected = rig.connected("oauth2")
    finally:
        oauth.silence_libraries()
    assert any(connected.secrets["refresh_token"] in r.getMessage() for r in caplog.records)
    assert all(oauth._is_worth_saying in logger.filters for logger in loggers)


def test_the_networks_own_words_are_not_repeated(rig: XRig) -> None:
    """A hostile network could echo the code or the token that it was given."""
    connection = rig.connect()
    with pytest.raises(AuthExpired) as caught:
        SPEC.connector(KEYS, rig.wire).refresh(
            replace(connection, secrets={"access_token": "a", "refresh_token": "a-canary"})
        )
    assert caught.value.evidence == {"status": 400, "error": "invalid_request"}
