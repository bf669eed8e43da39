"""What is known of an account's times, in words. Never more certain than the figures."""

from __future__ import annotations

from channels.sentences import say
from guichet.timing.queries import Measure
from guichet.timing.rules import BLOCK, LOOK_BACK, NEEDED_DAYS, NEEDED_POSTS, Judgement, Measured, Part, Verdict

_DAYS = (
    say("Mondays"), say("Tuesdays"), say("Wednesdays"), say("Thursdays"), say("Fridays"), say("Saturdays"),
    say("Sundays"),
)  # fmt: skip


def why(measured: Measured, usual: int, measure: Measure) -> str:
    """What speaks for a part of the week."""
    part, posts, brought = in_words(measured.part), measured.posts, measured.brought
    if measure is Measure.ANSWERS:
        return say(
            "{posts} posts on {part} brought a median of {brought} answers; all posts {usual}",
            posts=posts, part=part, brought=brought, usual=usual,
        )  # fmt: skip
    return say(
        "{posts} posts on {part} brought a median of {brought} likes, shares and answers; all posts {usual}",
        posts=posts, part=part, brought=brought, usual=usual,
    )  # fmt: skip


def in_words(part: Part) -> str:
    """A part of the week: "Tuesdays, 08:00–10:00"."""
    if part.hour is None and part.weekday is not None:
        return _DAYS[part.weekday]
    hour = part.hour or 0
    since, until = f"{hour:02}:00", f"{hour + BLOCK:02}:00"
    if part.weekday is None:
        return say("any day, {since}–{until}", since=since, until=until)
    return say("{day}, {since}–{until}", day=_DAYS[part.weekday], since=since, until=until)


def summed_up(judged: Judgement) -> str:
    """What can be said of an account's times, or what is missing to say anything."""
    days = LOOK_BACK.days
    if judged.verdict is Verdict.THIN and judged.posts < NEEDED_POSTS:
        return say(
            "The history is too thin: {posts} posts with known figures, and it takes {needed} in {days} days.",
            posts=judged.posts, needed=NEEDED_POSTS, days=days,
        )  # fmt: skip
    if judged.verdict is Verdict.THIN:
        return say(
            "The history is too thin: its {posts} posts went out on {on} days, and it takes {needed}.",
            posts=judged.posts, on=judged.days, needed=NEEDED_DAYS,
        )  # fmt: skip
    if judged.verdict is Verdict.NOTHING:
        return say(
            "No time stands out: the differences between the {posts} posts of {days} days may well be chance.",
            posts=judged.posts, days=days,
        )  # fmt: skip
    return say(
        "Judged by {posts} posts of {days} days. Times that did better before need not do so again.",
        posts=judged.posts, days=days,
    )  # fmt: skip
