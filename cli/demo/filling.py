"""Fills a running installation through its own API and its own consent pages, so that the
demonstration is also a rehearsal of connecting, posting and receiving."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import requests

from cli.demo import cast, pictures, voices
from cli.demo.browser import Browser
from cli.demo.consent import authorize
from cli.output import Failed
from guichet.config import Settings
from guichet.policy import SYSTEM
from guichet.publishing.link_tags import links_in
from guichet.runtime import open_runtime
from guichet.staff import operations, queries, rules

Say = Callable[[str], None]


def fill(settings: Settings, say: Say) -> None:
    """Fill it if it is empty; print the sign-ins in any case."""
    path = settings.data_dir / "demo-sign-ins.json"
    if not path.exists():
        say("filling it with a company, its staff and its customers …")
        passwords = {p.email: secrets.token_urlsafe(12) for p in cast.STAFF}
        _add_owner(settings, passwords)
        browser = Browser(settings.public_url)
        owner = cast.STAFF[0].email
        browser.sign_in(owner, passwords[owner])
        _fill(browser, settings, passwords)
        _keep(path, passwords)
    passwords = json.loads(path.read_text())
    say("sign in as:")
    for person in cast.STAFF:
        say(f"  {person.title:<22} {person.email:<24} {passwords[person.email]}")


def _keep(path: Path, passwords: dict[str, str]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        json.dump(passwords, f)


def _add_owner(settings: Settings, passwords: dict[str, str]) -> None:
    """The first owner comes from the command line, as in any installation."""
    runtime = open_runtime(settings, pool_size=1)
    person = cast.STAFF[0]
    hashed = rules.hash_password(passwords[person.email])
    with runtime.unit() as unit:
        if queries.find_staff_by_email(unit.session, person.email):
            raise Failed("this installation is already in use; the demo fills only an empty one")
        operations.add_staff(
            unit.session,
            SYSTEM,
            email=person.email,
            name=person.name,
            role=person.role,
            password_hash=hashed,
            initials=person.initials,
            locale=person.locale,
            time_zone="Europe/Paris",
            now=runtime.now(),
        )
    runtime.engine.dispose()


def _fill(browser: Browser, settings: Settings, passwords: dict[str, str]) -> None:
    staff = _add_staff(browser, passwords)
    teams = {
        name: browser.post("/teams", {"name": name, "assignment": how, "member_ids": _members(staff, name)})["id"]
        for name, how in cast.TEAMS.items()
    }
    brands = {name: browser.post("/brands", {"name": name, **facts})["id"] for name, facts in cast.BRANDS.items()}
    for person in cast.STAFF:
        for brand, role in person.grants.items():
            browser.post("/grants", {"staff_id": staff[person.email], "brand_id": brands[brand], "role": role})
    labels = {
        name: browser.post("/labels", {"name": name, "colour": colour})["id"] for name, colour in cast.LABELS.items()
    }
    for title, shortcut, language, text in cast.CANNED:
        browser.post("/canned-replies", {"name": title, "shortcut": shortcut, "language": language, "text": text})
    topics = {
        name: browser.post(
            "/topics",
            {"name": name, "brand_id": brands[brand], "reviewed": is_read, "expert_ids": [staff[one] for one in who]},
        )["id"]
        for name, brand, who, is_read in cast.TOPICS
    }
    for one in cast.FIELDS:
        browser.post("/fields", one)
    _add_rules(browser, {"team": teams, "label": labels, "topic": topics}, brands)
    for promise in cast.PROMISES:
        browser.post("/promises", {**promise, "brand_id": brands[cast.AURORE]})
    browser.put(f"/brands/{brands[cast.AURORE]}/link-rule", cast.LINKS)
    for brand, name, words in cast.HASHTAGS:
        browser.post("/hashtag-sets", {"brand_id": brands[brand], "name": name, "tags": list(words)})
    for brand, name, text, variants in cast.TEMPLATES:
        body = {"brand_id": brands[brand], "name": name, "text": text, "variants": variants}
        browser.post("/post-templates", body)
    for of, name, handles in cast.CONTACTS:
        browser.post("/contacts", {"brand_id": brands[of] if of else None, "name": name, "handles": handles})
    accounts = {(network, handle): connect(browser, network, handle, brands[brand])
                for network, handle, _, brand in cast.ACCOUNTS}  # fmt: skip
    tags = {
        name: browser.post("/post-tags", {"brand_id": brands[brand], "kind": kind, "name": name, "colour": colour})[
            "id"
        ]
        for brand, kind, name, colour in cast.TAGS
    }
    for written in cast.POSTS:
        by = browser
        if written.author:
            by = Browser(settings.public_url)
            by.sign_in(written.author, passwords[written.author])
        _write(by, written, brands[written.brand], _for_posts(accounts, written.brand), tags)
    _keep_posts(browser, brands[cast.AURORE], _for_posts(accounts, cast.AURORE))
    for voice in voices.FIRST:
        speak(settings, voice)
    _ask_around(settings, passwords, accounts["email", voices.AURORE_MAIL])


def _ask_around(settings: Settings, passwords: dict[str, str], mailbox_id: int) -> None:
    """An agent asks somebody outside about what a customer wrote, as soon as that is there, and
    recognises one who writes on two networks."""
    given = cast.OUTSIDE
    desk = f"{settings.rehearsal_url('email')}/_rehearsal/mailbox/{given['address']}"
    requests.post(desk, json={"name": given["name"]}, timeout=10)
    agent = Browser(settings.public_url)
    agent.sign_in(given["asks"], passwords[given["asks"]])
    found = _awaited(lambda: agent.get("/conversations", q=given["about"], state="all")["items"])
    if found:
        said = agent.get(f"/conversations/{found[0]['id']}/messages")["items"]
        agent.post(
            f"/conversations/{found[0]['id']}/side-conversations",
            {
                "account_id": mailbox_id,
                "to": [{"name": given["name"], "address": given["address"]}],
                "subject": given["subject"],
                "text": given["text"],
                "quote": [one["id"] for one in said if one["kind"] == "message"][:1],
            },
        )
    kept, other = (_awaited(partial(_known, agent, name)) for name in cast.SAME)
    if kept and other:
        agent.post(f"/customers/{kept[0]['id']}/join", {"other_id": other[0]["id"]})
        agent.post(f"/customers/{kept[0]['id']}/notes", {"text": cast.NOTED})
        agent.put(f"/customers/{kept[0]['id']}/fields", {"values": cast.GOLD})


def _known(browser: Browser, name: str) -> list[Any]:
    found: list[Any] = browser.get("/customers", q=name)["items"]
    return found


def _awaited(look: Callable[[], list[Any]]) -> list[Any]:
    """What it finds: the first reading of the networks may be under way."""
    for _ in range(60):
        if found := look():
            return found
        time.sleep(0.5)
    return []


def _keep_posts(browser: Browser, brand_id: int, targets: list[int]) -> None:
    """What goes out again, in its queue."""
    queue = browser.post("/evergreen-queues", {"brand_id": brand_id, "account_ids": targets, **cast.QUEUE})["id"]
    variants = [{"account_id": target} for target in targets]
    for text, *others in cast.KEPT:
        post = browser.post("/posts", {"brand_id": brand_id, "text": text, "language": "en", "variants": variants})
        found = browser.post(f"/evergreen-queues/{queue}/items", {"post_id": post["id"]})["items"]
        for other in others:
            browser.post(f"/evergreen-items/{found[-1]['id']}/wordings", {"text": other})


def _add_staff(browser: Browser, passwords: dict[str, str]) -> dict[str, int]:
    known = {p["email"]: p["id"] for p in browser.get("/staff")["items"]}
    for person in cast.STAFF[1:]:
        made = browser.post(
            "/staff",
            {
                "email": person.email,
                "name": person.name,
                "initials": person.initials,
                "role": person.role,
                "password": passwords[person.email],
                "language": person.locale,
                "time_zone": "Europe/Paris",
            },
        )
        known[person.email] = made["id"]
    return known


def _members(staff: dict[str, int], team: str) -> list[int]:
    return [staff[p.email] for p in cast.STAFF if team in p.teams]


def _add_rules(browser: Browser, known: dict[str, dict[str, int]], brands: dict[str, int]) -> None:
    for name, brand, conditions, actions in cast.RULES:
        resolved = [
            {"kind": kind, "value": known[kind][str(value)] if kind in known else value} for kind, value in actions
        ]
        body = {
            "name": name,
            "on": True,
            "conditions": list(conditions),
            "actions": resolved,
            "stops": "team" in dict(actions),
        }
        browser.post("/rules", {**body, "brand_id": brands[brand]} if brand else body)
    for name, since, minutes, acts in cast.RULES_IN_TIME:
        doing = [{"kind": kind, "value": value} for kind, value in acts]
        body = {"name": name, "on": True, "since": since, "after_minutes": minutes, "conditions": [], "actions": doing}
        browser.post("/rules", body)


def connect(browser: Browser, network: str, handle: str, brand_id: int) -> int:
    """Connect a rehearsal account as a person would; returns its id."""
    offered = next(n for n in browser.get("/networks")["items"] if n["name"] == network)
    form = {**offered["rehearsal_form"], **cast.typed_form(network, handle)}
    body = {"network": network, "brand_id": brand_id, "form": form, "rehearsal": True}
    begun = browser.post("/accounts/connect", body)
    if begun["authorize_url"]:
        return browser.follow_back(authorize(begun["authorize_url"], handle))
    account_id: int = begun["account"]["id"]
    return account_id


def _for_posts(accounts: dict[tuple[str, str], int], brand: str) -> list[int]:
    """The brand's accounts that posts go to: a mailbox has no public."""
    return [accounts[network, handle] for network, handle, _, of in cast.ACCOUNTS if of == brand and network != "email"]


def _card(written: cast.Written) -> dict[str, Any]:
    """The card of its link: the page itself is nowhere, so nobody looks at it."""
    title, description = written.card
    if not title:
        return {}
    return {"cards": [{"url": links_in(written.text)[0], "title": title, "description": description}]}


def _write(browser: Browser, written: cast.Written, brand_id: int, targets: list[int], tags: dict[str, int]) -> None:
    variants = [{"account_id": target} for target in targets]
    said = {"brand_id": brand_id, "text": written.text, "language": "en", "variants": variants}
    post = browser.post("/posts", {**said, **_shown(browser, written, brand_id, targets), **_card(written)})["id"]
    if written.tags:
        browser.post("/posts/tags", {"post_ids": [post], "add": [tags[name] for name in written.tags]})
    if written.clock and written.days is not None:
        zone = str(cast.BRANDS[written.brand]["time_zone"])
        day = datetime.now(ZoneInfo(zone)).date() + timedelta(days=written.days)
        act = "submit" if written.author else "schedule"
        browser.post(f"/posts/{post}/{act}", {"wall_time": f"{day}T{written.clock}", "time_zone": zone})
    elif written.days is not None:
        browser.post(f"/posts/{post}/publish")


def _shown(browser: Browser, written: cast.Written, brand_id: int, targets: list[int]) -> dict[str, Any]:
    """What it shows; of a picture the middle, as wide as a film."""
    if not written.shows:
        return {}
    name, data = ("dawn.webm", pictures.film()) if written.shows == "film" else ("morning.png", pictures.picture())
    file = browser.upload(name, data, alt=written.alt, brand_id=brand_id)
    shown: dict[str, Any] = {"media_ids": [file["id"]]}
    if written.shows == "picture":
        height = file["width"] * 9 // 16
        frame = {"left": 0, "top": (file["height"] - height) // 2, "width": file["width"], "height": height}
        browser.post(f"/media/{file['id']}/renditions", {"account_ids": targets, "frame": frame})
        shown["framing"] = [{"media_id": file["id"], **frame}]
    return shown


def speak(settings: Settings, voice: voices.Voice, in_reply_to: str = "") -> None:
    """Make a customer write on a rehearsal network, where it is given in answer to what has this
    remote id. Raises Failed where it cannot be said."""
    body: dict[str, Any] = {"who": voice.who, "text": voice.text, "to": voice.to}
    if voice.direct:
        body["direct"] = True
    if voice.subject:
        body["subject"] = voice.subject
    if voice.html:
        body["html"] = voice.html
    if in_reply_to:
        body["in_reply_to"] = in_reply_to
    if voice.followers:
        body["followers"] = voice.followers
    answer = requests.post(f"{settings.rehearsal_url(voice.network)}/_rehearsal/say", json=body, timeout=10)
    if not answer.ok:
        raise Failed(f"{voice.who} cannot write on {voice.network}: {answer.text[:300]}")
