"""How a class of networks behaves where it differs from the others: declared, so that five
profiles are one twin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DAY = 24 * 3600.0
LIES = ("", "duplicate", "error")


@dataclass(frozen=True)
class Manners:
    """One profile's ways. Times in seconds.

    `steps`: "one" request publishes; or a "container" is made, worked at for
    `processing_seconds`, published by a second request and forgotten after `container_life`;
    or a "draft" stands under its slug until it is published, for good. `lag` is how long what
    was published cannot be read; `is_readable` whether it ever can. `lies` are told in turn,
    one for each request that publishes: "" is the truth, "duplicate" refuses as a duplicate
    of nothing, "error" publishes and says that it did not.
    """

    name: str
    steps: str = "one"
    processing_seconds: float = 0.0
    container_life: float = DAY
    is_readable: bool = True
    lag: float = 0.0
    lies: tuple[str, ...] = ()
    max_characters: int = 500

    def __post_init__(self) -> None:
        if self.steps not in ("one", "container", "draft"):
            raise ValueError(f"steps must be one, container or draft, not {self.steps!r}")
        if unknown := set(self.lies) - set(LIES):
            raise ValueError(f"no such lies: {', '.join(sorted(unknown))}")


# The figures are those of the networks that the classes stand for: Instagram and Threads work
# at a container for seconds and forget it after a day, one publication took 222 s to be seen.
MANNERS: Mapping[str, Manners] = {
    m.name: m
    for m in (
        Manners("drill-containers", steps="container", processing_seconds=2.0),
        Manners("drill-drafts", steps="draft"),
        Manners("drill-laggard", lag=222.0),
        Manners("drill-liar", lies=("", "duplicate", "", "error")),
        Manners("drill-blind", is_readable=False),
    )
}
