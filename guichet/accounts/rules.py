"""Decisions about accounts, without a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import available_timezones

from channels.contract import Connected
from channels.sentences import say
from guichet.errors import Conflict, Invalid
from guichet.models import Account

ATTEMPT_LIFE = timedelta(minutes=10)
# A token is renewed this long before its end, but never before half of its life is over. Should
# the network refuse, that is how long one has to connect the account anew before it falls silent.
REFRESH_AHEAD = timedelta(minutes=30)
REFRESH_CLAIM = timedelta(minutes=2)  # nobody else renews meanwhile; longer than any call takes
WARN_AHEAD = timedelta(days=7)


def owner_of(account_id: int, version: int) -> str:
    """What an account's sealed secrets are bound to: moved to another account, or put back
    from an older row, they do not open."""
    return f"account:{account_id}:{version}"


def merged_secrets(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """What is kept after a refresh: a network that sends no new refresh token means that the
    old one still counts, so nothing good is overwritten with nothing."""
    return {**old, **{name: value for name, value in new.items() if value}}


def reconnected_secrets(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """What is kept after a reconnect: what came, and what came empty as it was. What belonged
    to another way of signing in is forgotten."""
    return {name: value or old.get(name, "") for name, value in new.items()}


def sign_in_ends(
    expires_at: datetime | None, *, renews: bool, refresh_ends_at: datetime | None, refused_at: datetime | None
) -> datetime | None:
    """When a person has to have connected the account anew; None: nobody has to. A token that
    renews itself ends nothing, unless the network refused that or says until when it goes on."""
    if not renews or refused_at is not None:
        return expires_at
    return refresh_ends_at


def is_ending(ends_at: datetime | None, now: datetime) -> bool:
    """Whether to warn of it."""
    return ends_at is not None and ends_at - now < WARN_AHEAD


def require_same(account: Account, connected: Connected) -> None:
    """Raises Conflict where a reconnect came back as another account."""
    same = account.remote_id == connected.remote_id and (account.base_url or "") == (connected.base_url or "")
    if not same:
        raise Conflict(
            say(
                "this is {found}, not {wanted}: sign in there as the account to reconnect",
                found=connected.handle,
                wanted=account.handle,
            ),
            code="another_account",
        )


def needs_refresh(expires_at: datetime | None, refreshed_at: datetime | None, now: datetime) -> bool:
    """Whether secrets should be renewed now."""
    if expires_at is None:
        return False
    ahead = REFRESH_AHEAD
    if refreshed_at is not None:
        ahead = min(ahead, (expires_at - refreshed_at) / 2)
    return now >= expires_at - ahead


def require_time_zone(name: str, field: str = "time_zone") -> None:
    """Raises Invalid for what is no IANA zone."""
    if name not in available_timezones():
        raise Invalid(say("there is no time zone “{name}”", name=name), {field: "is no IANA time zone"})


def require_calendar(intervals: Mapping[str, Sequence[Sequence[str]]], holidays: Sequence[str]) -> None:
    """Raises Invalid, naming the day, where business hours cannot be meant: a day that is
    none, an interval that ends before it begins, two that overlap."""
    wrong: dict[str, str] = {}
    for day, spans in intervals.items():
        problem = _problem_of_day(day, spans)
        if problem:
            wrong[f"intervals.{day}"] = problem
    for holiday in holidays:
        try:
            date.fromisoformat(holiday)
        except ValueError:
            wrong["holidays"] = say("“{text}” is no date", text=holiday)
    if wrong:
        raise Invalid("these business hours cannot be kept", wrong)


def _problem_of_day(day: str, spans: Sequence[Sequence[str]]) -> str:
    if day not in {str(n) for n in range(7)}:
        return say("is no weekday: 0 is Monday, 6 is Sunday")
    end = ""
    for span in sorted(list(s) for s in spans):
        if len(span) != 2 or not all(_is_clock_time(t) for t in span):
            return say("needs a beginning and an end as HH:MM")
        if span[0] >= span[1]:
            return say("{start}–{end} ends before it begins", start=span[0], end=span[1])
        if span[0] < end:
            return say("{start}–{end} overlaps the one before", start=span[0], end=span[1])
        end = span[1]
    return ""


def _is_clock_time(text: str) -> bool:
    if text == "24:00":
        return True
    try:
        return len(text) == 5 and time.fromisoformat(text) is not None
    except ValueError:
        return False
