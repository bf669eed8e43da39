"""Percentiles of waiting times of which some are not over: the Kaplan–Meier estimate.

E. L. Kaplan and P. Meier, "Nonparametric estimation from incomplete observations", JASA 53
(1958). A wait that goes on says "at least this long" and is neither left out (that would
flatter) nor taken for an end. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple


class Spell(NamedTuple):
    """One wait: its length in seconds, and whether it ended in an answer (else it is censored)."""

    seconds: float
    ended: bool


def quantile(spells: Iterable[Spell], q: float) -> tuple[float | None, bool]:
    """The time within which a share `q` (0 < q < 1) was answered, and whether it is only known
    to be more than that. (None, False) without any spell.

    Beyond what is known, the longest time observed is given with True.
    """
    if not 0 < q < 1:
        raise ValueError("a quantile lies between 0 and 1")
    ordered = sorted(spells)
    if not ordered:
        return None, False
    at_risk, surviving = len(ordered), 1.0
    for seconds, group in groupby(ordered, key=lambda s: s.seconds):
        tied = list(group)
        ended = sum(s.ended for s in tied)
        surviving *= 1 - ended / at_risk
        if ended and surviving <= 1 - q + 1e-12:
            return seconds, False
        at_risk -= len(tied)
    return ordered[-1].seconds, True
