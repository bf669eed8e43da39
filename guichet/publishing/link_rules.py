"""Which links of a brand's posts are tagged, and with what: patterns with variables, and
where a network is an exception. Pure.

A variable's value is levelled ("Été à Lyon" becomes "ete-a-lyon"), so that a campaign is one
line in a company's statistics however its name was typed; what is written in the pattern
itself stays as it is. A parameter of which nothing is left is not added at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

from publicsuffixlist import PublicSuffixList

from channels.sentences import say
from guichet.errors import Invalid
from guichet.publishing.link_tags import LinkTags, host_of

PARAMETERS = ("source", "medium", "campaign", "content", "term")
VARIABLES = ("network", "account", "brand", "campaign", "post", "date")
LONGEST_PATTERN = 200
MOST_DOMAINS = 100

_VARIABLE = re.compile(r"\{([a-z_]+)(?:\|([^{}|]*))?\}")
_ENDS = " -_.~"  # what no value begins or ends with: networks leave some of these out of a link


@dataclass(frozen=True)
class Otherwise:
    """How a network is an exception: nothing is tagged there, or with other patterns (what is
    not named is as everywhere)."""

    network: str
    is_on: bool = True
    patterns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LinkRule:
    """A brand's rule. `domains` are its own, subdomains included; `patterns` by parameter."""

    is_on: bool = False
    domains: tuple[str, ...] = ()
    patterns: Mapping[str, str] = field(default_factory=dict)
    exceptions: tuple[Otherwise, ...] = ()

    def plain_exceptions(self) -> list[dict[str, Any]]:
        """As they stand in a row."""
        return [{"network": e.network, "on": e.is_on, "patterns": dict(e.patterns)} for e in self.exceptions]


def exception_of(plain: Mapping[str, Any]) -> Otherwise:
    """What `LinkRule.plain_exceptions` wrote."""
    return Otherwise(plain["network"], plain["on"], dict(plain["patterns"]))


def tags_for(rule: LinkRule, values: Mapping[str, str]) -> LinkTags | None:
    """What the rule adds to links where the variables have these values; None for nothing."""
    otherwise = next((e for e in rule.exceptions if e.network == values["network"]), Otherwise(""))
    if not rule.is_on or not otherwise.is_on or not rule.domains:
        return None
    patterns = {**rule.patterns, **otherwise.patterns}
    filled = ((name, fill(patterns.get(name, ""), values)) for name in PARAMETERS)
    parameters = tuple((f"utm_{name}", value) for name, value in filled if value)
    return LinkTags(rule.domains, parameters) if parameters else None


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """The pattern's value, percent-encoded; "" where nothing is left of it."""

    def value(match: re.Match[str]) -> str:
        return _level(values[match[1]]) or _level(match[2] or "")

    return quote(_VARIABLE.sub(value, pattern).strip(_ENDS), safe="")


def checked(rule: LinkRule, networks: Collection[str]) -> LinkRule:
    """The rule as it is kept: domains in their one form, no empty patterns of the brand's own.
    Raises Invalid by field."""
    wrong: dict[str, str] = {}
    domains = []
    for n, given in enumerate(rule.domains):
        domain = _domain(given)
        if domain:
            domains.append(domain)
        else:
            wrong[f"domains.{n}"] = say("“{name}” is no domain of one’s own", name=given[:100])
    if len(domains) > MOST_DOMAINS:
        wrong["domains"] = say("are more than {most}", most=MOST_DOMAINS)
    wrong.update(_wrong_patterns("patterns", rule.patterns))
    for n, e in enumerate(rule.exceptions):
        wrong.update(_wrong_patterns(f"exceptions.{n}.patterns", e.patterns))
        if e.network not in networks:
            wrong[f"exceptions.{n}.network"] = say("is no network that is known here")
        elif any(e.network == other.network for other in rule.exceptions[:n]):
            wrong[f"exceptions.{n}.network"] = say("is named twice")
    if rule.is_on and not rule.domains:
        wrong["domains"] = say("name at least one: links of others are never touched")
    if wrong:
        raise Invalid("links cannot be tagged so", wrong)
    patterns = {name: text for name, text in _trimmed(rule.patterns).items() if text}
    exceptions = tuple(Otherwise(e.network, e.is_on, _trimmed(e.patterns)) for e in rule.exceptions)
    return LinkRule(rule.is_on, tuple(dict.fromkeys(domains)), patterns, exceptions)


def _trimmed(patterns: Mapping[str, str]) -> dict[str, str]:
    return {name: patterns[name].strip() for name in PARAMETERS if name in patterns}


def _wrong_patterns(path: str, patterns: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, pattern in patterns.items():
        unknown = [found for found, _ in _VARIABLE.findall(pattern) if found not in VARIABLES]
        if name not in PARAMETERS:
            yield f"{path}.{name}", say("must be one of {choices}", choices=", ".join(PARAMETERS))
        elif len(pattern) > LONGEST_PATTERN:
            yield f"{path}.{name}", say("must have at most {most} characters", most=LONGEST_PATTERN)
        elif unknown:
            known = ", ".join(f"{{{one}}}" for one in VARIABLES)
            yield f"{path}.{name}", say("{name} is no variable: there are {choices}", name=unknown[0], choices=known)
        elif set(_VARIABLE.sub("", pattern)) & set("{}") or not pattern.isprintable():
            yield f"{path}.{name}", say("holds a bracket or a character that cannot be kept")


def _domain(given: str) -> str:
    """A domain that somebody typed, or pasted with what stands around it; "" for what is none,
    and for what many share ("co.uk")."""
    text = given.strip()
    try:
        name = urlsplit(text if "://" in text else f"//{text}").hostname
    except ValueError:
        return ""
    host = host_of((name or "").removeprefix("*.").strip("."))
    is_address = host.rpartition(".")[2].isdecimal()
    return host if host and not is_address and _suffixes().privatesuffix(host) else ""


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


def _level(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in folded if not unicodedata.combining(c))
    return re.sub(r"[^\w]+", "-", bare).strip("-_")


def values_of(*, network: str, account: str, brand: str, campaign: str, post_id: int, wall_time: str) -> dict[str, str]:
    """The variables' values for one account of a post. `wall_time`: when it is to go out."""
    return {
        "network": network, "account": account, "brand": brand, "campaign": campaign, "post": str(post_id),
        "date": wall_time[:10],
    }  # fmt: skip
