"""Opening the roles of an account: the one place where a spec, a wire and keys meet.

Only the edges build a `Networks` (webapp, workers, cli). It knows two wires: the real
one, and one on which the fixed hosts of networks are diverted to the rehearsal servers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from channels import registry
from channels.contract import (
    AppKeys,
    ChannelSpec,
    Connection,
    Connector,
    Publisher,
    Reader,
    Receiver,
    Reconciler,
    Recovery,
    Waiter,
)
from channels.errors import Rejected
from channels.sentences import say
from channels.wire import AddressPolicy, Wire


@dataclass(frozen=True)
class Networks:
    """`app_keys` maps "x_client_id" and the like to values; `rehearsal` maps a network's
    name to its rehearsal server's base URL (empty: no rehearsal here)."""

    wire: Wire
    rehearsal: Mapping[str, str] = field(default_factory=dict)
    app_keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    def spec(self, network: str) -> ChannelSpec:
        return registry.get_spec(network)

    def offered(self) -> tuple[str, ...]:
        """Networks that accounts can be connected on here: a drill only where it is rehearsed."""
        return tuple(n for n in registry.names() if n not in registry.DRILLS or n in self.rehearsal)

    def wire_for(self, network: str, is_rehearsal: bool) -> Wire:
        """The wire that an account's calls take."""
        is_drill = self.spec(network).is_drill
        if not (is_rehearsal or is_drill):
            return self.wire
        if not is_rehearsal or network not in self.rehearsal:
            raise Rejected(say("no rehearsal server of {network} runs here", network=network), code="no_rehearsal")
        divert = dict.fromkeys(self.spec(network).fixed_hosts, self.rehearsal[network])
        return replace(self.wire, divert=divert)

    def keys_for(self, network: str, is_rehearsal: bool) -> AppKeys:
        if is_rehearsal:
            return AppKeys("rehearsal", "rehearsal-secret", "rehearsal", "rehearsal-secret")
        names = ("client_id", "client_secret", "api_key", "api_secret")
        return AppKeys(*(self.app_keys.get(f"{network}_{name}", "") for name in names))

    def connector(self, network: str, is_rehearsal: bool) -> Connector:
        spec = self.spec(network)
        return spec.connector(self.keys_for(network, is_rehearsal), self.wire_for(network, is_rehearsal))

    def publisher(self, connection: Connection, is_rehearsal: bool) -> Publisher | None:
        return self._open("publisher", connection, is_rehearsal)  # type: ignore[no-any-return]

    def reconciler(self, connection: Connection, is_rehearsal: bool) -> Reconciler | None:
        """None too where this account of the network is blind."""
        if self.spec(connection.network).recovery_for(connection.settings) is Recovery.BLIND:
            return None
        return self._open("reconciler", connection, is_rehearsal)  # type: ignore[no-any-return]

    def reader(self, connection: Connection, is_rehearsal: bool) -> Reader | None:
        return self._open("reader", connection, is_rehearsal)  # type: ignore[no-any-return]

    def waiter(self, connection: Connection, is_rehearsal: bool) -> Waiter | None:
        return self._open("waiter", connection, is_rehearsal)  # type: ignore[no-any-return]

    def receiver(self, connection: Connection) -> Receiver | None:
        opener = self.spec(connection.network).receiver
        return opener(connection) if opener else None

    def _open(self, role: str, connection: Connection, is_rehearsal: bool) -> Any:
        opener = getattr(self.spec(connection.network), role)
        if opener is None:
            return None
        return opener(connection, self.wire_for(connection.network, is_rehearsal))


def open_networks(
    *,
    allow: tuple[str, ...] = (),
    rehearsal: Mapping[str, str] | None = None,
    app_keys: Mapping[str, str] | None = None,
    proxy: str = "",
    ca_bundle: str = "",
) -> Networks:
    """Networks with the settings of this installation."""
    wire = Wire(
        policy=AddressPolicy(allow),
        proxies={"http": proxy, "https": proxy} if proxy else {},
        ca_bundle=ca_bundle,
    )
    return Networks(wire, rehearsal or {}, app_keys or {})
