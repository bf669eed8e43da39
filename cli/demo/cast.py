"""Who is in the demonstration. An airline with a counter that never closes, and a shop
whose employees answer as experts. All invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Person:
    """`grants`: brand name → account role."""

    email: str
    name: str
    initials: str
    role: str
    grants: dict[str, str]
    teams: tuple[str, ...] = ()
    locale: str = "en"
    languages: tuple[str, ...] = ("en",)
    skills: tuple[str, ...] = ()
    title: str = ""


AURORE, LUMEN = "Aurore Air", "Lumen"

BRANDS = {
    AURORE: {
        "time_zone": "Europe/Paris",
        "languages": ["fr", "en"],
        "signs_with_initials": True,
    },
    LUMEN: {"time_zone": "America/New_York", "languages": ["en"], "needs_approval": True},
}

# Of the airline; the last is tried first.
PROMISES = (
    {
        "name": "Everybody",
        "first_minutes": 60,
        "next_minutes": 60,
        "steps": [
            {"percent": 75, "actions": [{"kind": "tell_assignee"}, {"kind": "tell_leads"}]},
            {"percent": 100, "actions": [{"kind": "tell_leads"}, {"kind": "priority", "value": 2}]},
        ],
    },
    {
        "name": "Frequent flyers",
        "conditions": [{"field": "customer", "operator": "is", "value": ["vip"]}],
        "first_minutes": 15,
        "next_minutes": 30,
        "resolution_minutes": 480,
    },
)

TEAMS = {"Flights": "round_robin", "Baggage": "least_loaded", "Product experts": "manual"}

STAFF = (
    Person("claire@aurore.example", "Claire Moreau", "CM", "owner", {}, locale="fr", title="owner"),
    Person("tomas@aurore.example", "Tomás Rivera", "TR", "administrator", {}, title="administrator"),
    Person(
        "jonas@aurore.example", "Jonas Weber", "JW", "member",
        {AURORE: "manager", LUMEN: "publisher"}, title="social media manager",
    ),
    Person("mei@aurore.example", "Mei Lin", "ML", "member", {AURORE: "author", LUMEN: "author"}, title="author"),
    Person(
        "ines@aurore.example", "Inès Haddad", "IH", "team_lead", {AURORE: "agent", LUMEN: "viewer"},
        ("Flights", "Baggage"), "fr", ("fr", "en"), title="team lead",
    ),
    Person(
        "amelie@aurore.example", "Amélie Laurent", "AL", "member", {AURORE: "agent"},
        ("Flights", "Baggage"), "fr", ("fr", "en"), title="agent",
    ),
    Person(
        "david@aurore.example", "David Okafor", "DO", "member", {AURORE: "agent", LUMEN: "agent"},
        ("Flights", "Product experts"), title="agent",
    ),
    Person(
        "priya@aurore.example", "Priya Nair", "PN", "member", {LUMEN: "agent"},
        ("Product experts",), skills=("audio", "cameras"), title="expert",
    ),
    Person("guest@aurore.example", "Sofia Lindqvist", "SL", "member", {AURORE: "viewer"}, title="viewer"),
)  # fmt: skip

# network → handle, display name, brand
ACCOUNTS = (
    ("x", "auroreair", "Aurore Air", AURORE),
    ("mastodon", "auroreair", "Aurore Air", AURORE),
    ("bluesky", "auroreair.test", "Aurore Air", AURORE),
    ("email", "help@auroreair.example", "Aurore Air", AURORE),
    ("x", "lumenhelp", "Lumen", LUMEN),
    ("mastodon", "lumen", "Lumen", LUMEN),
)

# More company users of the rehearsal networks, left to be connected by hand.
SPARE = (
    ("x", "auroreclub", "Aurore Club"),
    ("mastodon", "auroreclub", "Aurore Club"),
    ("bluesky", "auroreclub.test", "Aurore Club"),
    ("email", "club@auroreair.example", "Aurore Club"),
)

# Whose account each drill has.
DRILLING = "Aurore Drills"

# What the company wants to know of conversations and customers.
FIELDS: tuple[dict[str, Any], ...] = (
    {"subject": "conversation", "key": "reason", "name": "Reason", "kind": "choice",
     "choices": [{"key": "bag", "name": "Bag"}, {"key": "disruption", "name": "Disruption"},
                 {"key": "refund", "name": "Refund"}, {"key": "praise", "name": "Praise"}]},
    {"subject": "conversation", "key": "flight", "name": "Flight", "kind": "text"},
    {"subject": "customer", "key": "tier", "name": "Club tier", "kind": "choice",
     "choices": [{"key": "silver", "name": "Silver"}, {"key": "gold", "name": "Gold"}]},
)  # fmt: skip


def _said(*words: str) -> dict[str, Any]:
    return {"field": "text", "operator": "any_of", "value": list(words)}


# name, brand ("" for all), conditions (none: always), actions
RULES: tuple[tuple[str, str, tuple[dict[str, Any], ...], tuple[tuple[str, str | int | None], ...]], ...] = (
    ("Too good to be true: somebody looks first", "",
     (_said("free miles", "giveaway", "crypto"), {"field": "holds", "operator": "is", "value": ["link"]}),
     (("hold", None),)),
    ("Stranded now is urgent", "",
     (_said("stranded", "stuck", "bloqué", "bloquée", "annulé", "annulée", "cancelled"),),
     (("priority", 3), ("label", "disruption"), ("field", "reason=disruption"))),
    ("Gold is answered before others", AURORE, ({"field": "custom", "operator": "is", "value": ["tier=gold"]},),
     (("priority", 2),)),
    ("Lost or late bags go to Baggage", AURORE,
     (_said("bag", "bags", "baggage", "luggage", "suitcase", "bagage", "valise"),),
     (("label", "baggage"), ("field", "reason=bag"), ("team", "Baggage"))),
    ("Pets are for those who know", AURORE, (_said("pet", "pets", "cat", "cats", "dog", "dogs", "chat", "chien"),),
     (("team", "Flights"), ("topic", "Travelling with pets"))),
    ("Everything else of the airline goes to Flights", AURORE, (), (("team", "Flights"),)),
    ("Lumen's questions go to its experts", LUMEN, (), (("team", "Product experts"),)),
)  # fmt: skip

# After a time: name, since when, minutes, what is done.
RULES_IN_TIME: tuple[tuple[str, str, int, tuple[tuple[str, str | int | None], ...]], ...] = (
    ("Nobody has it for half an hour: the leads are told", "unassigned", 30, (("tell_leads", None),)),
    ("No answer from the customer for a week: closed", "answer", 7 * 1440,
     (("note", "Closed: the customer has not written for a week."), ("close", None))),
)  # fmt: skip

# What somebody beside the desk is asked about: name, brand, who, whether a colleague reads it first.
TOPICS = (("Travelling with pets", AURORE, ("priya@aurore.example",), True),)

LABELS = {"baggage": "blue", "disruption": "red", "praise": "green", "refund": "amber", "press": "violet"}

CANNED = (
    ("Ask for the booking", "booking", "en",
     "Hello {customer.first_name}, could you send us your booking reference in a direct message? We look at once."),
    ("Demander le dossier", "dossier", "fr",
     "Bonjour {customer.first_name}, pourriez-vous nous envoyer votre numéro de dossier en message privé ? "
     "Nous regardons tout de suite."),
    ("Thanks", "thanks", "en", "Thank you, {customer.first_name}. That made our day."),
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A post of the demonstration. `days` from today, at `clock` in its brand's zone: without one it
    goes out at once, without days it stays a draft. `author` is who writes it, where not the owner.
    `shows`: "film" or "picture" (of which it shows a part), described by `alt`. `card`: title and
    description on the card of its link."""

    brand: str
    text: str
    days: int | None = None
    clock: str = ""
    tags: tuple[str, ...] = ()
    author: str = ""
    shows: str = ""
    alt: str = ""
    card: tuple[str, str] = ("", "")


# How the airline's own links are tagged; its mailbox tells of nothing there.
LINKS = {
    "on": True,
    "domains": ["auroreair.example"],
    "patterns": {"source": "{network}", "medium": "social", "campaign": "{campaign}", "content": "{date}"},
}

# brand, name, tags
HASHTAGS = (
    (AURORE, "Summer", ("AuroreAir", "SummerFlights", "Lyon", "Nantes")),
    (LUMEN, "Repair", ("Lumen", "RepairWeek", "Turntable")),
)

# brand, name, text, variants
TEMPLATES: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    (
        AURORE,
        "Strike",
        "Strike notice for {day}: {flights|all flights} may be cancelled. Rebooking is free until {until}.",
        {"x": "Strike on {day}: {flights|all flights} may be cancelled. Rebook for free until {until}."},
    ),
    (AURORE, "New route", "New: {from} to {to}, {how_often|every day} from {start}. The first seats are on sale.", {}),
)

# Whom posts mention. brand (None: all), name, handles
CONTACTS: tuple[tuple[str | None, str, dict[str, str]], ...] = (
    (AURORE, "Aurore Club",
     {"x": "auroreclub", "mastodon": "auroreclub@mastodon.rehearsal", "bluesky": "auroreclub.test"}),
    (AURORE, "City of Nantes", {"mastodon": "nantes@mastodon.rehearsal"}),
    (None, "Repair Café", {}),
)  # fmt: skip

# brand, kind, name, colour
TAGS = (
    (AURORE, "campaign", "Summer timetable", "blue"),
    (AURORE, "label", "Service", "green"),
    (LUMEN, "campaign", "Repair week", "violet"),
)

POSTS = (
    Written(AURORE, "Good morning from Nantes! The counter is open: ask us anything, we answer here.", 0),
    Written(AURORE, "New on board: a menu without meat on every flight, at no extra cost.", 0, tags=("Service",)),
    Written(AURORE, "Our summer timetable is open: 14 new routes from Lyon and Nantes. Which one are you taking first? "
            "https://www.auroreair.example/summer",
            1, "09:00", ("Summer timetable",),
            card=("Summer timetable | Aurore Air", "14 new routes from Lyon and Nantes, with days, times and fares.")),
    Written(AURORE, "Travelling with a musical instrument? Tell us 48 hours ahead and it flies in the cabin.",
            2, "12:30", ("Service",), shows="picture", alt="An aeroplane climbs over a morning sky"),
    Written(AURORE, "Strike notice for Thursday: rebooking is free until midnight, on every fare.", 3, "08:15",
            ("Service",)),
    Written(AURORE, "Lyon to Athens, three times a week from May. The first seats are on sale.", 8, "09:00",
            ("Summer timetable",), shows="film", alt="An aeroplane crosses the sky at dawn"),
    Written(AURORE, "Ten years of Aurore Air: what was your first flight with us?"),
    Written(LUMEN, "Repair week: bring any Lumen turntable, we change its belt while you wait.", 4, "10:00",
            ("Repair week",), "mei@aurore.example"),
)  # fmt: skip


# Somebody outside whom the airline asks about a customer's question, by a word of that.
OUTSIDE = {
    "asks": "amelie@aurore.example",
    "about": "Oslo",
    "name": "Oslo baggage desk",
    "address": "bags@oslo-airport.example",
    "subject": "Suitcase of AU131, tag OSL20713",
    "text": "Good morning,\n\na suitcase from Nantes came to you instead of going to Lyon. Is it with you, and"
    " when does it fly?\n\nThank you,\nAurore Air",
}

# Two customers who are one person: how each is called, the one that stays first; what is known of them.
SAME = ("margot.petit@customer.example", "margot_p")
NOTED = "Flies to Porto every second Monday. Prefers to be answered in French."
GOLD = {"tier": "gold"}

# Opens rehearsal accounts, and nothing but a server that listens on loopback.
REHEARSAL_PASSWORD = "rehearsal"  # noqa: S105


def typed_form(network: str, handle: str) -> dict[str, str]:
    """What a person types beside what the page has filled in already."""
    return {"bluesky": {"identifier": handle}, "email": {"address": handle}}.get(network, {})


# What the airline says again and again: each post in its wordings, which take turns.
QUEUE = {
    "name": "Good to know",
    "week": [{"weekday": day, "at": "16:40"} for day in (0, 2, 4)],
    "rest_days": 16,
    "horizon_days": 7,
}
KEPT = (
    (
        "Lost something on board? Write to us here with your flight and seat: most things are found within a day.",
        "Left a scarf in 14C? Tell us your flight and your seat. We usually find it within a day.",
    ),
    (
        "You can change your seat free of charge until two hours before departure.",
        "Window or aisle? Until two hours before departure, changing seats costs nothing.",
    ),
    ("Pets under 8 kg travel in the cabin. Book their place together with yours.",),
)
