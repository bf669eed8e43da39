"""Connecting an account on whatever instance a person types."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import pytest
import requests
from flask import redirect

from channels.contract import AppKeys, CountUnit, Surface
from channels.errors import AuthExpired, ChannelError, Rejected
from channels.mastodon import SPEC
from channels.mastodon.instance import instance_of, limits_of, normal_address
from channels.rehearsal.mastodon import Ways
from channels.wire import Wire
from tests.channels.mastodon_rig import REDIRECT, MastodonRig
from tests.channels.real_data import real_data


@pytest.fixture
def rig() -> Iterator[MastodonRig]:
    with MastodonRig() as rig:
        yield rig


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("mastodon.social", "https://mastodon.social"),
        ("  Mastodon.Social/ ", "https://mastodon.social"),
        ("https://mastodon.social/@us/1234?x#y", "https://mastodon.social"),
        ("mastodon.social/@us", "https://mastodon.social"),
        ("@us@mastodon.social", "https://mastodon.social"),
        ("us@mastodon.social", "https://mastodon.social"),
        ("http://mastodon.social", "https://mastodon.social"),
        ("http://127.0.0.1:8701", "https://127.0.0.1:8701"),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("social.example:8443", "https://social.example:8443"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_address_is_taken_as_people_type_it(typed: str, address: str) -> None:
    assert normal_address(typed) == address


def test_http_is_kept_only_for_loopback_and_only_where_allowed() -> None:
    assert normal_address("http://127.0.0.1:8701", allow_http=True) == "http://127.0.0.1:8701"
    assert normal_address("http://[::1]:8701", allow_http=True) == "http://[::1]:8701"
    assert normal_address("http://10.0.0.1", allow_http=True) == "https://10.0.0.1"
    assert normal_address("http://localhost.evil.example", allow_http=True) == "https://localhost.evil.example"


@pytest.mark.parametrize(
    "typed",
    [
        *("", "   ", "ftp://x.example", "https://", "https://user:pw@x.example", "a b.example", "x.example:port"),
        *("javascript:alert(1)", "-x.example", "x..example", "https://x.example\\@y.example", "é" * 300),
    ],
)
def test_what_is_no_address_is_refused_naming_the_field(typed: str) -> None:
    with pytest.raises(Rejected) as refused:
        normal_address(typed)
    assert refused.value.evidence == {"field": "instance"}


def test_connecting_gives_who_we_are_and_what_the_instance_allows(rig: MastodonRig) -> None:
    connected = rig.sign_in()
    assert connected.remote_id == "https://mastodon.rehearsal/users/guichet"
    assert connected.handle == "guichet@mastodon.rehearsal"
    assert connected.name == "Maison Guichet"
    assert SPEC.limits_for(connected.settings).text[Surface.PUBLIC].max_length == 500


def test_an_account_changes_its_name_nowhere_when_the_port_changes(rig: MastodonRig) -> None:
    first = rig.sign_in().remote_id
    with MastodonRig() as other:
        assert other.sign_in().remote_id == first


def test_only_narrow_scopes_are_asked_for(rig: MastodonRig) -> None:
    rig.sign_in()
    [token] = rig.network.store.all("token")
    assert {s.partition(":")[0] for s in token["scope"].split()} == {"read", "write"}
    assert not {"read", "write", "follow", "push"} & set(token["scope"].split())


def test_a_server_that_knows_only_broad_scopes_gets_those() -> None:
    with MastodonRig(Ways(knows_narrow_scopes=False)) as rig:
        rig.sign_in()
        assert rig.network.store.all("token")[0]["scope"] == "read write"


def test_consent_refused_is_said_so(rig: MastodonRig) -> None:
    memory, query = rig.consent("cancel")
    with pytest.raises(Rejected) as refused:
        SPEC.connector(rig.app, rig.wire).complete(memory, query)
    assert refused.value.code == "consent_refused"


def test_an_answer_to_another_consent_is_refused(rig: MastodonRig) -> None:
    memory, query = rig.consent()
    with pytest.raises(Rejected) as refused:
        SPEC.connector(rig.app, rig.wire).complete(memory, {**query, "state": "étranger"})
    assert refused.value.code == "state_mismatch"
    assert rig.network.store.all("token") == []


@pytest.mark.parametrize("wrong", ["verifier", "client_secret", "redirect_uri"])
def test_a_stolen_code_is_worth_nothing(rig: MastodonRig, wrong: str) -> None:
    memory, query = rig.consent()
    with pytest.raises(Rejected) as refused:
        SPEC.connector(rig.app, rig.wire).complete({**memory, wrong: "another"}, query)
    assert refused.value.code == "grant_refused"
    assert query["code"] not in str(refused.value)


def test_a_code_works_once(rig: MastodonRig) -> None:
    memory, query = rig.consent()
    connector = SPEC.connector(rig.app, rig.wire)
    connector.complete(memory, query)
    with pytest.raises(Rejected):
        connector.complete(memory, query)


def test_a_server_of_something_else_is_refused_naming_what_was_typed(rig: MastodonRig) -> None:
    rig.network.app.view_functions = {k: lambda **_: ("<html>", 200) for k in rig.network.app.view_functions}
    with pytest.raises(Rejected) as refused:
        SPEC.connector(rig.app, rig.wire).begin({"instance": rig.server.url}, REDIRECT, "s")
    assert refused.value.code == "not_an_instance"
    assert rig.server.url in refused.value.detail


def test_an_instance_that_moved_is_not_followed(rig: MastodonRig) -> None:
    rig.network.app.view_functions = {
        k: lambda **_: redirect("https://elsewhere.example/") for k in rig.network.app.view_functions
    }
    with pytest.raises(Rejected) as refused:
        SPEC.connector(rig.app, rig.wire).begin({"instance": rig.server.url}, REDIRECT, "s")
    assert "elsewhere.example" in refused.value.detail


def test_inside_addresses_are_refused(rig: MastodonRig) -> None:
    with pytest.raises(ChannelError) as refused:
        SPEC.connector(AppKeys(), Wire()).begin({"instance": "127.0.0.1:1"}, REDIRECT, "s")
    assert refused.value.code == "address_refused"


def test_revoked_consent_is_found_by_the_check(rig: MastodonRig) -> None:
    connection = rig.connect()
    rig.network.revoke("guichet")
    with pytest.raises(AuthExpired):
        SPEC.connector(rig.app, rig.wire).check(connection)


def test_names_of_users_are_text_on_the_consent_page(rig: MastodonRig) -> None:
    rig.network.seed_company("mechant", "<script>alert(1)</script>")
    consent = SPEC.connector(rig.app, rig.wire).begin({"instance": rig.server.url}, REDIRECT, '"><script>')
    assert "<script>" not in requests.get(consent.authorize_url, timeout=5).text


# -- what real instances say of themselves


def test_real_instances_limits_are_read_from_either_version() -> None:
    recordings = json.loads(gzip.decompress(real_data("mastodon-api/recordings.json.gz").read_bytes()))
    answers = [
        (r["request"]["uri"], r["response"]["body"])
        for session in (*recordings["entities"].values(), *recordings["sessions"].values())
        for r in session
        if "/instance/" in r["request"]["uri"] and isinstance(r["response"]["body"], dict)
        and "configuration" in r["response"]["body"]
    ]  # fmt: skip
    assert {"/v1/" in uri for uri, _ in answers} == {True, False}
    for uri, answer in answers:
        instance = instance_of(answer, "fallback.example")
        assert instance.domain in uri
        limits = limits_of(instance.settings())
        text, media = limits.text[Surface.PUBLIC], limits.media[Surface.PUBLIC]
        assert (text.max_length, text.url_length, text.unit) == (500, 23, CountUnit.GRAPHEME)
        assert (media.max_count, media.max_bytes["image/png"]) == (4, 16_777_216)


def test_a_silent_or_strange_instance_has_mastodons_own_limits() -> None:
    for strange in ({}, None, [], {"configuration": 3}, {"configuration": {"statuses": {"max_characters": "many"}}}):
        instance = instance_of(strange, "x.example")
        assert instance.domain == "x.example"
        assert limits_of(instance.settings()) == SPEC.limits


def test_forks_and_other_servers_limits_count() -> None:
    said = instance_of({"uri": "https://gts.example", "max_toot_chars": 5000}, "x")
    assert said.domain == "gts.example"
    assert limits_of(said.settings()).text[Surface.DIRECT].max_length == 5000
