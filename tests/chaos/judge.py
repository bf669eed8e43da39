"""Who judges: what the networks themselves recorded, against what was to be sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

FINAL = frozenset({"published", "failed", "cancelled", "needs_human"})


def faults(wanted: Iterable[str], published: Mapping[str, int], states: Collection[str] = ()) -> dict[str, list[str]]:
    """`twice`: what stands on a network more often than it was to be sent; `lost`: what does
    not; `stuck`: states that end by themselves and have not. Empty when all is well."""
    due = Counter(wanted)
    found = {
        "twice": sorted(text for text in published if published[text] > due[text]),
        "lost": sorted(text for text in due if published.get(text, 0) < due[text]),
        "stuck": sorted(state for state in states if state not in FINAL),
    }
    return {name: texts for name, texts in found.items() if texts}
