"""What a post has brought, from the counters that a network shows beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from channels.contract import Figures

_MOST = 10**12  # beyond this it is no count


def figures_in(shown: Mapping[str, Any], likes: Sequence[str], shares: Sequence[str], answers: str) -> Figures | None:
    """The counters of these names, added up; None where the network does not show all of them."""
    counts = {name: shown.get(name) for name in (*likes, *shares, answers)}
    good = {n: c for n, c in counts.items() if isinstance(c, int) and not isinstance(c, bool) and 0 <= c <= _MOST}
    if len(good) < len(counts):
        return None
    return Figures(sum(good[n] for n in likes), sum(good[n] for n in shares), good[answers])
