"""From numbers to names and back, and what a document says about itself that cannot be. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guichet.configuration.document import Document
from guichet.staff.rules import fold_email

# In conditions, actions and filters: which values are numbers, and of what.
_CONDITION_KINDS = {"account": "account", "label": "label"}
_ACTION_KINDS = {
    "label": "label", "unlabel": "label", "team": "team", "assignee": "staff", "tell_staff": "staff",
    "tell_team": "team", "topic": "topic",
}  # fmt: skip
_WHOEVER = 0  # in a macro: who applies it
_FILTER_KINDS = {"account_id": "account", "brand_id": "brand", "team_id": "team", "label_id": "label"}


class Unknown(Exception):
    """A name that is neither here nor in the document. `path` is inside the part."""

    def __init__(self, kind: str, name: Any, path: str = "") -> None:
        super().__init__(f"there is no {kind} {name!r}, neither here nor in the document")
        self.path = path


@dataclass(frozen=True)
class Index:
    """Names by kind and id."""

    names: Mapping[str, Mapping[int, str]]

    def name(self, kind: str, id_: int | None) -> str | None:
        """None for nobody and nothing, and for what is gone."""
        return None if id_ is None else self.names[kind].get(id_)


@dataclass(frozen=True)
class Numbers:
    """Ids by kind and name: an index the other way round, and growing."""

    ids: Mapping[str, dict[str, int]]

    def id_of(self, kind: str, name: Any, path: str = "") -> int:
        """Raises Unknown."""
        found = self.ids[kind].get(key_of(kind, name)) if isinstance(name, str) else None
        if found is None:
            raise Unknown(kind, name, path)
        return found


def key_of(kind: str, name: str) -> str:
    """Under which a name is looked for: addresses count without case."""
    return fold_email(name) if kind == "staff" else name


def account_keys(accounts: Sequence[tuple[int, str, str]]) -> dict[int, str]:
    """A name for each account (id, network, handle): the same handle twice is numbered."""
    seen: Counter[str] = Counter()
    keys = {}
    for id_, network, handle in accounts:
        plain = f"{network}:{handle}"
        seen[plain] += 1
        keys[id_] = plain if seen[plain] == 1 else f"{plain}#{seen[plain]}"
    return keys


# ---------------------------------------------------------------- rules and filters


def named_conditions(conditions: Iterable[Mapping[str, Any]], known: Index) -> list[dict[str, Any]]:
    """With accounts by key and labels by name. What is gone is left out."""
    return [
        {**c, "value": [n for i in c["value"] if (n := known.name(kind, i))]}
        if (kind := _CONDITION_KINDS.get(c["field"]))
        else {**c}
        for c in conditions
    ]


def numbered_conditions(conditions: Sequence[Mapping[str, Any]], numbers: Numbers) -> list[dict[str, Any]]:
    """With accounts and labels by id. Raises Unknown."""
    return [
        {**c, "value": [numbers.id_of(kind, k, f"conditions.{n}.value") for k in c["value"]]}
        if (kind := _CONDITION_KINDS.get(str(c.get("field")))) and isinstance(c.get("value"), list)
        else {**c}
        for n, c in enumerate(conditions)
    ]


def named_actions(actions: Iterable[Mapping[str, Any]], known: Index) -> list[dict[str, Any]]:
    """With labels, teams and people by name. What is done with something gone is left out."""
    named = []
    for action in actions:
        kind = _ACTION_KINDS.get(action["kind"])
        if kind is None or action["value"] == _WHOEVER:
            named.append({**action})
        elif (name := known.name(kind, action["value"])) is not None:
            named.append({**action, "value": name})
    return named


def numbered_actions(actions: Sequence[Mapping[str, Any]], numbers: Numbers) -> list[dict[str, Any]]:
    """With labels, teams and people by id. Raises Unknown."""
    return [
        {**a, "value": numbers.id_of(_ACTION_KINDS[str(a.get("kind"))], a.get("value"), f"actions.{n}.value")}
        if str(a.get("kind")) in _ACTION_KINDS and a.get("value") != _WHOEVER
        else {**a}
        for n, a in enumerate(actions)
    ]


def named_filters(filters: Mapping[str, Any], known: Index) -> dict[str, Any]:
    """With accounts, brands, teams, labels and people by name."""
    named = dict(filters)
    for field, kind in _FILTER_KINDS.items():
        if field in named:
            value = named[field]
            several = [n for i in value if (n := known.name(kind, i))] if isinstance(value, list) else None
            named[field] = several if several is not None else known.name(kind, value)
    if str(named.get("assignee", "")).isdecimal():
        named["assignee"] = known.name("staff", int(named["assignee"]))
    return named


def numbered_filters(filters: Mapping[str, Any], numbers: Numbers) -> dict[str, Any]:
    """With ids. Raises Unknown."""
    numbered = dict(filters)
    for field, kind in _FILTER_KINDS.items():
        if numbered.get(field) is not None:
            value, path = numbered[field], f"filters.{field}"
            numbered[field] = (
                [numbers.id_of(kind, v, path) for v in value]
                if isinstance(value, list)
                else numbers.id_of(kind, value, path)
            )
    if numbered.get("assignee") not in (None, "me", "none"):
        numbered["assignee"] = str(numbers.id_of("staff", numbered["assignee"], "filters.assignee"))
    return numbered


# ---------------------------------------------------------------- the document by itself


def problems(document: Document) -> dict[str, str]:
    """What cannot be, whatever is here: a name twice, a grant for nobody. By path."""
    wrong = _twice(document)
    for n, grant in enumerate(document.grants):
        if (grant.staff is None) == (grant.team is None):
            wrong[f"grants.{n}"] = "must name one of staff and team"
        elif (grant.account is None) == (grant.brand is None):
            wrong[f"grants.{n}"] = "must name one of account and brand"
    return wrong


def _twice(document: Document) -> dict[str, str]:
    keys: dict[str, list[Any]] = {
        "calendars": [c.name for c in document.calendars],
        "staff": [fold_email(s.email) for s in document.staff],
        "teams": [t.name for t in document.teams],
        "brands": [b.name for b in document.brands],
        "approvals": [a.brand for a in document.approvals],
        "labels": [x.name for x in document.labels],
        "post_tags": [(x.brand, x.kind, " ".join(x.name.split()).casefold()) for x in document.post_tags],
        "hashtag_sets": [(x.brand, " ".join(x.name.split()).casefold()) for x in document.hashtag_sets],
        "post_templates": [(x.brand, " ".join(x.name.split()).casefold()) for x in document.post_templates],
        "contacts": [(x.brand, " ".join(x.name.split()).casefold()) for x in document.contacts],
        "fields": [(x.subject, x.key) for x in document.fields],
        "link_rules": [x.brand for x in document.link_rules],
        "grants": [(g.staff, g.team, g.account, g.brand) for g in document.grants],
    }
    wrong = {}
    for kind, found in keys.items():
        first: dict[Any, int] = {}
        for n, key in enumerate(found):
            if first.setdefault(key, n) != n:
                wrong[f"{kind}.{n}"] = f"is the same as {kind}.{first[key]}"
    wrong.update(_accounts_twice(document))
    return wrong


def _accounts_twice(document: Document) -> dict[str, str]:
    wrong = {}
    keys: dict[str, int] = {}
    outside: dict[tuple[str, str, str], int] = {}
    for n, account in enumerate(document.accounts):
        if keys.setdefault(account.key, n) != n:
            wrong[f"accounts.{n}.key"] = f"is the same as accounts.{keys[account.key]}.key"
        who = (account.network, account.base_url, account.remote_id)
        if outside.setdefault(who, n) != n:
            wrong[f"accounts.{n}"] = f"is the same account as accounts.{outside[who]}"
    return wrong
