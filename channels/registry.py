"""Which networks there are: the built-in ones, and those that installed packages add
through the entry-point group `guichet.channels` (each entry names a ChannelSpec).

Only the edges (webapp, workers, cli) import this module. Adapters load on first use.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from channels.contract import ChannelSpec

# name → where its spec stands
BUILT_IN = {
    "x": "channels.x:SPEC",
    "mastodon": "channels.mastodon:SPEC",
    "bluesky": "channels.bluesky:SPEC",
    "email": "channels.email:SPEC",
}

# Classes of networks, of which there are only rehearsals.
DRILLS = {
    "drill-containers": "channels.drills:CONTAINERS",
    "drill-drafts": "channels.drills:DRAFTS",
    "drill-laggard": "channels.drills:LAGGARD",
    "drill-liar": "channels.drills:LIAR",
    "drill-blind": "channels.drills:BLIND",
}
_OURS = {**BUILT_IN, **DRILLS}


@cache
def names() -> tuple[str, ...]:
    """Every network's name, built-in first, drills last. Looked up once: what is installed
    later is known after a restart."""
    added = sorted({e.name for e in entry_points(group="guichet.channels")} - set(_OURS))
    return (*BUILT_IN, *added, *DRILLS)


@cache
def get_spec(name: str) -> ChannelSpec:
    """The spec of one network. Raises KeyError for a name that nobody registered."""
    if name in _OURS:
        module, _, attribute = _OURS[name].partition(":")
        spec = getattr(import_module(module), attribute)
    else:
        spec = next(e for e in entry_points(group="guichet.channels", name=name)).load() if name in names() else None
    if spec is None:
        raise KeyError(f"no network is called {name!r}")
    if not isinstance(spec, ChannelSpec) or spec.name != name:
        raise TypeError(f"the entry point {name!r} does not name a ChannelSpec of that name")
    return spec


def all_specs() -> tuple[ChannelSpec, ...]:
    return tuple(get_spec(name) for name in names())


def specs_by_name() -> dict[str, ChannelSpec]:
    return {spec.name: spec for spec in all_specs()}
