"""One whole day at the counter on the rehearsal networks, through the API that the pages
use: connect, schedule, publish, receive, route, claim, answer, measure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cli.demo import cast
from cli.demo.browser import Browser
from cli.demo.filling import connect
from cli.output import Failed
from tests.journeys.office import accounts, eventually, ledger, say, sign_in
from tests.journeys.stack import Stack

pytestmark = pytest.mark.timeout(300)
SOCIAL, LEAD, OWNER = "jonas@aurore.example", "ines@aurore.example", "claire@aurore.example"


@pytest.mark.parametrize(("network", "handle"), [(n, h) for n, h, _ in cast.SPARE])
def test_an_account_is_connected_through_its_consent_page(stack: Stack, network: str, handle: str) -> None:
    browser = sign_in(stack, SOCIAL)
    brand = next(b["id"] for b in browser.get("/brands")["items"] if b["name"] == cast.AURORE)
    account_id = connect(browser, network, handle, brand)
    account = browser.get(f"/accounts/{account_id}")
    assert (account["state"], account["is_rehearsal"], account["brand"]["name"]) == ("connected", True, cast.AURORE)


def test_a_post_goes_out_once_on_each_account_at_its_wall_time(stack: Stack) -> None:
    browser = sign_in(stack, SOCIAL)
    targets = [
        a for (network, handle), a in accounts(browser).items() if handle.startswith("aurore") and network != "email"
    ]
    due = datetime.now(ZoneInfo("Pacific/Auckland")) + timedelta(seconds=8)
    text = f"Boarding for Auckland begins at {due:%H:%M:%S}."
    post = browser.post(
        "/posts",
        {"brand_id": targets[0]["brand"]["id"], "text": text, "variants": [{"account_id": a["id"]} for a in targets]},
    )
    when = f"{due:%Y-%m-%dT%H:%M:%S}"
    browser.post(f"/posts/{post['id']}/schedule", {"wall_time": when, "time_zone": "Pacific/Auckland"})
    found = eventually(lambda: p if (p := browser.get(f"/posts/{post['id']}"))["state"] == "published" else None)
    assert {d["state"] for d in found["deliveries"]} == {"published"}
    assert all(d["remote_url"] for d in found["deliveries"])
    assert all(0 <= d["late_by_seconds"] < 30 for d in found["deliveries"])
    published = [e for n in ("x", "mastodon", "bluesky") for e in ledger(stack, n) if e["text"] == text]
    assert len(published) == len(targets) >= 3


@pytest.mark.parametrize(
    ("network", "who", "to", "how"),
    [
        ("x", "hurried_helen", "auroreair", {}),
        ("mastodon", "hurried_helen", "auroreair", {}),
        ("bluesky", "hurried-helen.test", "auroreair.test", {}),
        ("email", "helen@customer.example", "help@auroreair.example", {"subject": "My suitcase"}),
    ],
)
def test_a_question_is_routed_claimed_answered_and_measured(
    stack: Stack, network: str, who: str, to: str, how: dict[str, str]
) -> None:
    lead = sign_in(stack, LEAD)
    question = f"My suitcase did not arrive from Porto ({network}). Where is it?"
    said = say(stack, network, who, question, to=to, **how)

    def arrived() -> dict[str, Any] | None:
        rows = lead.get("/conversations", network=network, limit=100)["items"]
        return next((c for c in rows if question[:20] in c["preview"] and c["assignee"]), None)

    row = eventually(arrived)
    assert (row["team"]["name"], row["waiting_since"] is not None) == ("Baggage", True)
    assert [label["name"] for label in row["labels"]] == ["baggage"]

    # Whoever of the team is here and has least to do was given it.
    assignee = next(p for p in cast.STAFF if p.initials == row["assignee"]["initials"])
    assert "Baggage" in assignee.teams
    agent = sign_in(stack, assignee.email)
    agent.post(f"/conversations/{row['id']}/claim")
    seen = agent.get(f"/conversations/{row['id']}")["last_message_id"]
    answer = "We found it in Lyon; it reaches you tomorrow before noon."
    agent.post(f"/conversations/{row['id']}/reply", {"text": answer, "seen_through": seen})
    entry = eventually(lambda: next((e for e in ledger(stack, network) if answer in e["text"]), None))
    assert entry["act"] in ("reply", "direct")
    assert entry["in_reply_to"] in str(said), "the answer stands under the question"
    assert f"^{assignee.initials}" in entry["text"], "the brand signs with initials"

    def answered() -> dict[str, Any] | None:
        found = agent.get(f"/conversations/{row['id']}")
        return found if found["waiting_since"] is None else None

    assert eventually(answered)["state"] == "waiting_customer"
    assert lead.get("/stats/responses", by="agent")["total"]["answered"] >= 1
    waits = lead.get("/stats/waits", end_kind="human_reply", limit=200)["items"]
    mine = next(w for w in waits if w["conversation"]["id"] == row["id"])
    assert mine["answered_by"]["initials"] == assignee.initials


def test_a_persons_rights_end_at_their_accounts(stack: Stack) -> None:
    """Priya answers for the other brand; of Aurore she sees nothing, not even counts."""
    priya = sign_in(stack, "priya@aurore.example")
    assert {a["brand"]["name"] for a in priya.get("/accounts", limit=200)["items"]} == {cast.LUMEN}
    brands = {c["account"]["network"] for c in priya.get("/conversations", state="all", limit=200)["items"]}
    assert brands <= {"x", "mastodon"}
    owner = sign_in(stack, OWNER)
    assert owner.get("/conversations/badges")["active"] > priya.get("/conversations/badges")["active"]


def test_the_operator_sees_what_was_published_from_outside(stack: Stack) -> None:
    browser = sign_in(stack, SOCIAL)
    account = accounts(browser)["mastodon", "auroreair"]
    text = "The lounge in Lyon is open again."
    variants = [{"account_id": account["id"]}]
    post = browser.post("/posts", {"brand_id": account["brand"]["id"], "text": text, "variants": variants})
    browser.post(f"/posts/{post['id']}/publish")
    eventually(lambda: text in [row["text"] for row in stack.command("rehearsal", "ledger", "mastodon")])
    assert all(f["state"] == "good" for f in stack.command("doctor"))


def test_the_operator_drives_it_from_the_command_line(stack: Stack) -> None:
    said = stack.command("rehearsal", "say", "mastodon", "hana", "Is there a later flight?", "--to", "auroreair")
    assert "later flight" in str(said)
    made = stack.command("staff", "add", "noor@aurore.example", "--name", "Noor Aziz", "--role", "administrator")
    assert made["role"] == "administrator"
    browser = Browser(stack.url)
    browser.sign_in("noor@aurore.example", made["password"])
    assert stack.command("token", "create", "noor@aurore.example", "--name", "report")["token"].startswith("guichet_")
    left = stack.command("staff", "disable", "noor@aurore.example")
    assert (left["sessions_ended"], left["tokens_revoked"]) == (1, 1)
    with pytest.raises(Failed, match="401"):
        browser.get("/me")
    assert "head" in stack.command("audit", "verify")
