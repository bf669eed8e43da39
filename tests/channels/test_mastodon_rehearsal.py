"""The rehearsal of Mastodon holds what real servers promise: shapes, limits, keys, sight."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import jsonschema_rs
import pytest
import requests

from channels.contract import Connection
from channels.rehearsal.base import Server
from channels.rehearsal.mastodon import MastodonNetwork, Ways
from channels.rehearsal.mastodon.writing import length_of
from channels.rehearsal.store import Store
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.real_data import real_data


class Client:
    """A plain client with a token."""

    def __init__(self, rig: MastodonRig, connection: Connection | None = None) -> None:
        self.url = rig.server.url
        connection = connection or rig.connect()
        self.account_id = connection.settings["account_id"]
        self.headers = {"Authorization": f"Bearer {connection.secrets['access_token']}"}

    def __call__(self, method: str, path: str, **how: Any) -> requests.Response:
        headers = {**self.headers, **how.pop("headers", {})}
        return requests.request(method, self.url + path, headers=headers, timeout=5, **how)

    def post(self, text: str, **more: Any) -> dict[str, Any]:
        answer = self("POST", "/api/v1/statuses", json={"status": text, **more})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def rig() -> Iterator[MastodonRig]:
    with MastodonRig() as rig:
        yield rig


@pytest.fixture
def client(rig: MastodonRig) -> Client:
    return Client(rig)


# -- shapes, against the published description


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return dict(json.loads(gzip.decompress(real_data("mastodon-api/openapi-schema.json.gz").read_bytes())))


def errors(described: dict[str, Any], name: str, value: Any) -> list[str]:
    schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    return [f"{e.instance_path}: {e.message}" for e in jsonschema_rs.validator_for(schema).iter_errors(value)]


def test_entities_have_the_described_shapes(rig: MastodonRig, client: Client, described: dict[str, Any]) -> None:
    asked = rig.say_publicly("bonjour https://example.com/x #été")
    rig.say_directly("entre nous")
    files = {"file": ("a.png", b"\x89PNG", "image/png")}
    media = client("POST", "/api/v2/media", files=files, data={"description": "alt"}).json()
    status = client.post(
        "réponse", in_reply_to_id=asked, media_ids=[media["id"]], language="fr", spoiler_text="attention"
    )
    found = {
        "MediaAttachment": media,
        "Status": status,
        "Notification": client("GET", "/api/v1/notifications").json()[0],
        "Conversation": client("GET", "/api/v1/conversations").json()[0],
        "Account": client("GET", f"/api/v1/accounts/{client.account_id}").json(),
        "CredentialAccount": client("GET", "/api/v1/accounts/verify_credentials").json(),
        "Context": client("GET", f"/api/v1/statuses/{asked}/context").json(),
        "CredentialApplication": requests.post(
            f"{client.url}/api/v1/apps", data={"client_name": "x", "redirect_uris": "https://x.example/"}, timeout=5
        ).json(),
        "DiscoverOauthServerConfigurationResponse": client("GET", "/.well-known/oauth-authorization-server").json(),
        "Error": client("GET", "/api/v1/statuses/0").json(),
    }
    wrong = {name: said for name, value in found.items() if (said := errors(described, name, value))}
    assert wrong == {}


def test_instances_say_what_real_ones_say_of_limits(client: Client) -> None:
    recordings = json.loads(gzip.decompress(real_data("mastodon-api/recordings.json.gz").read_bytes()))
    real = recordings["entities"]["test_entity_instanceconfigurationv2"][0]["response"]["body"]["configuration"]
    ours = client("GET", "/api/v2/instance").json()["configuration"]
    for part in ours:
        assert set(ours[part]) <= set(real[part])
        assert {k: type(v) for k, v in ours[part].items()} == {k: type(real[part][k]) for k in ours[part]}


def test_headers_count_as_real_ones_do(client: Client) -> None:
    recordings = json.loads(gzip.decompress(real_data("mastodon-api/recordings.json.gz").read_bytes()))
    exchange = recordings["sessions"]["test_status_reply"][-1]
    assert exchange["request"]["method"] == "DELETE"
    real = {k.lower(): v for k, v in exchange["response"]["headers"].items()}
    ours = client("DELETE", f"/api/v1/statuses/{client.post('x')['id']}").headers
    assert (ours["X-RateLimit-Limit"], ours["X-RateLimit-Remaining"]) == (
        real["x-ratelimit-limit"],
        real["x-ratelimit-remaining"],
    )
    for reset in (ours["X-RateLimit-Reset"], real["x-ratelimit-reset"]):
        assert datetime.fromisoformat(reset).tzinfo is not None


def test_texts_are_counted_as_mastodons_own_counter_counts() -> None:
    rows = json.loads(real_data("mastodon-api/status_length.json").read_text())
    wrong = {r["text"]: (length_of(r["text"]), r["length"]) for r in rows if length_of(r["text"]) != r["length"]}
    assert len(rows) > 10
    assert wrong == {}


# -- refusals


def test_the_text_limit_is_kept_to_the_character(client: Client) -> None:
    address = f"https://example.com/{'x' * 400}"
    client.post(f"{'é' * 476} {address}")
    for text in ("é" * 501, f"{'é' * 477} {address}"):
        answer = client("POST", "/api/v1/statuses", json={"status": text})
        assert (answer.status_code, "500" in answer.json()["error"]) == (422, True)


@pytest.mark.parametrize("status", [401, 400])
def test_a_token_that_nobody_gave_opens_nothing(status: int) -> None:
    with MastodonRig(Ways(bad_token_status=status)) as rig:
        client = Client(rig)
        client.headers = {"Authorization": "Bearer x"}
        for method, path in (("GET", "/api/v1/notifications"), ("POST", "/api/v1/statuses")):
            assert client(method, path).status_code == status


def test_scopes_are_kept(rig: MastodonRig, client: Client) -> None:
    for token in rig.network.store.all("token"):
        token["scope"] = "read:accounts"
    assert client("GET", "/api/v1/accounts/verify_credentials").status_code == 200
    assert client("POST", "/api/v1/statuses", json={"status": "x"}).status_code == 403


def test_calls_beyond_the_window_are_refused_until_it_ends() -> None:
    with MastodonRig(
        Ways(rates={"all": (5, 300), "media": (1, 1800), "delete": (1, 1800), "post": (2, 10_800)})
    ) as rig:
        client = Client(rig)  # connecting takes one call of the five
        left = [client("GET", "/api/v1/notifications").headers["X-RateLimit-Remaining"] for _ in range(4)]
        assert left == ["3", "2", "1", "0"]
        refused = client("POST", "/api/v1/statuses", json={"status": "x"})
        assert refused.status_code == 429
        assert refused.headers["X-RateLimit-Reset"]
        assert rig.published() == []


def test_servers_without_rate_headers_have_none() -> None:
    with MastodonRig(Ways(has_rate_headers=False)) as rig:
        assert "X-RateLimit-Limit" not in Client(rig)("GET", "/api/v1/notifications").headers


# -- keys


def test_a_key_makes_one_status_for_an_hour_and_for_one_user(rig: MastodonRig, client: Client) -> None:
    body, key = {"status": "une fois"}, {"Idempotency-Key": "k"}
    first = client("POST", "/api/v1/statuses", json=body, headers=key).json()
    assert client("POST", "/api/v1/statuses", json=body, headers=key).json()["id"] == first["id"]
    assert client("POST", "/api/v1/statuses", json=body, headers={"Idempotency-Key": "l"}).json()["id"] != first["id"]
    for known in rig.network.store.all("key"):
        known["at"] -= 3601
    assert client("POST", "/api/v1/statuses", json=body, headers=key).json()["id"] != first["id"]
    assert len(rig.published()) == 3


def test_servers_that_ignore_keys_publish_twice() -> None:
    with MastodonRig(Ways(honours_keys=False)) as rig:
        client = Client(rig)
        for _ in range(2):
            client("POST", "/api/v1/statuses", json={"status": "x"}, headers={"Idempotency-Key": "k"})
        assert len(rig.published()) == 2


# -- who sees what


def test_what_was_said_to_one_is_shown_to_no_other(rig: MastodonRig, client: Client) -> None:
    rig.network.seed_company("voisin", "Le voisin")
    secret = rig.network.say("ines", "secret", to="voisin", direct=True)["remote_id"]
    assert client("GET", f"/api/v1/statuses/{secret}").status_code == 404
    assert client("GET", f"/api/v1/statuses/{secret}/context").status_code == 404
    assert client("POST", "/api/v1/statuses", json={"status": "x", "in_reply_to_id": secret}).status_code == 404
    assert client("DELETE", f"/api/v1/statuses/{secret}").status_code == 404
    assert client("GET", "/api/v1/conversations").json() == []
    assert client("GET", "/api/v1/notifications").json() == []
    assert requests.get(f"{client.url}/@ines/{secret}", timeout=5).status_code == 404


def test_a_page_of_a_status_shows_its_words_as_words(rig: MastodonRig, client: Client) -> None:
    status = client.post("<script>alert(1)</script>")
    page = requests.get(status["url"], timeout=5)
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text


def test_pages_are_cut_as_the_api_says(rig: MastodonRig, client: Client) -> None:
    ids = [client.post(str(n))["id"] for n in range(6)]
    path = f"/api/v1/accounts/{client.account_id}/statuses"

    def page(**params: Any) -> list[str]:
        return [s["id"] for s in client("GET", path, params=params).json()]

    assert page() == ids[::-1]
    assert page(limit=2) == [ids[5], ids[4]]
    assert page(limit=2, max_id=ids[4]) == [ids[3], ids[2]]
    assert page(limit=2, min_id=ids[0]) == [ids[2], ids[1]]
    assert page(limit=2, since_id=ids[0]) == [ids[5], ids[4]]
    assert 'rel="next"' in client("GET", path, params={"limit": 2}).headers["Link"]


# -- customers


def test_customers_are_driven_from_outside(rig: MastodonRig) -> None:
    control = f"{rig.server.url}/_rehearsal"
    said = requests.post(f"{control}/say", json={"who": "ines", "text": "bonjour", "to": "guichet"}, timeout=5).json()
    assert said["text"] == "@guichet bonjour"
    people = requests.get(f"{control}/people", timeout=5).json()
    assert {(p["handle"], p["kind"]) for p in people} == {("guichet", "company"), ("ines", "customer")}
    for impossible in (
        {"who": "ines", "text": "x", "to": "personne"},
        {"who": "ines", "text": "x", "delete": "404"},
        {"who": "ines", "text": "x", "shout": True},
    ):
        assert requests.post(f"{control}/say", json=impossible, timeout=5).status_code == 422


def test_nobody_edits_or_deletes_what_another_wrote(rig: MastodonRig) -> None:
    said = rig.say_publicly("bonjour")
    with pytest.raises(LookupError):
        rig.network.say("paul", "", delete=said)


def test_it_all_survives_a_restart(tmp_path: Any) -> None:
    path = str(tmp_path / "rehearsal.sqlite")
    first = MastodonNetwork(Store(path))
    first.seed_company("guichet", "Maison Guichet")
    status = first.publish("guichet", "bonjour")
    second = MastodonNetwork(Store(path))
    with Server(second) as server:
        assert "bonjour" in requests.get(f"{server.url}/@guichet/{status['id']}", timeout=5).text
    assert [e["text"] for e in second.ledger()] == ["bonjour"]
    assert int(second.new_id()) > int(status["id"])
