"""Opening the roles of an account: the one place where a spec, a wire and keys meet.

Only the edges build a `Networks` (webapp, workers, cli). It knows two wires: the real
one, and one on which the fixed hosts of networks are diverted to the rehearsal servers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

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
from channels.metering import Listener
from channels.sentences import say
from channels.wire import AddressPolicy, Wire

Role = TypeVar("Role", Publisher, Reader, Reconciler, Waiter)


class Meter(Protocol):
    """Keeps count of what accounts do at their networks."""

    def listener(
        self, account_id: int, remote_id: str, base_url: str, is_rehearsal: bool, spec: ChannelSpec
    ) -> Listener: ...


@dataclass(frozen=True)
class Networks:
    """`app_keys` maps "x_client_id" and the like to values; `rehearsal` maps a network's
    name to its rehearsal server's base URL (empty: no rehearsal here); `prices` maps a
    network's name to what this installation pays, where that is not as documented. `meter`
    is told of every call of an account."""

    wire: Wire
    rehearsal: Mapping[str, str] = field(default_factory=dict)
    app_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    meter: Meter | None = field(default=None, repr=False)

    def spec(self, network: str) -> ChannelSpec:
        """The facts of a network, with the prices that are paid here. Raises KeyError."""
        spec = registry.get_spec(network)
        paid = self.prices.get(network)
        if not paid or spec.tariff is None:
            return spec
        return replace(spec, tariff=replace(spec.tariff, prices={**spec.tariff.prices, **paid}))

    def specs(self) -> dict[str, ChannelSpec]:
        """Every network by name."""
        return {name: self.spec(name) for name in registry.specs_by_name()}

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

    def connector(self, network: str, is_rehearsal: bool, of: Connection | None = None) -> Connector:
        """`of`: the account on whose behalf it will call, if there is one yet."""
        spec = self.spec(network)
        wire = self.wire_for(network, is_rehearsal)
        return spec.connector(
            self.keys_for(network, is_rehearsal), self._metered(wire, of, is_rehearsal) if of else wire
        )

    def publisher(self, connection: Connection, is_rehearsal: bool) -> Publisher | None:
        return self._open(self.spec(connection.network).publisher, connection, is_rehearsal)

    def reconciler(self, connection: Connection, is_rehearsal: bool) -> Reconciler | None:
        """None too where this account of the network is blind."""
        spec = self.spec(connection.network)
        if spec.recovery_for(connection.settings) is Recovery.BLIND:
            return None
        return self._open(spec.reconciler, connection, is_rehearsal)

    def reader(self, connection: Connection, is_rehearsal: bool) -> Reader | None:
        return self._open(self.spec(connection.network).reader, connection, is_rehearsal)

    def waiter(self, connection: Connection, is_rehearsal: bool) -> Waiter | None:
        return self._open(self.spec(connection.network).waiter, connection, is_rehearsal)

    def receiver(self, connection: Connection) -> Receiver | None:
        opener = self.spec(connection.network).receiver
        return opener(connection) if opener else None

    def _open(
        self, opener: Callable[[Connection, Wire], Role] | None, connection: Connection, is_rehearsal: bool
    ) -> Role | None:
        if opener is None:
            return None
        wire = self.wire_for(connection.network, is_rehearsal)
        return opener(connection, self._metered(wire, connection, is_rehearsal))

    def _metered(self, wire: Wire, of: Connection, is_rehearsal: bool) -> Wire:
        if self.meter is None or of.account_id is None:
            return wire
        spec = self.spec(of.network)
        return wire.heard_by(self.meter.listener(of.account_id, of.remote_id, of.base_url, is_rehearsal, spec))


def open_networks(
    *,
    allow: tuple[str, ...] = (),
    rehearsal: Mapping[str, str] | None = None,
    app_keys: Mapping[str, str] | None = None,
    proxy: str = "",
    ca_bundle: str = "",
    prices: Mapping[str, Mapping[str, float]] | None = None,
) -> Networks:
    """Networks with the settings of this installation."""
    wire = Wire(
        policy=AddressPolicy(allow),
        proxies={"http": proxy, "https": proxy} if proxy else {},
        ca_bundle=ca_bundle,
    )
    return Networks(wire, rehearsal or {}, app_keys or {}, prices or {})
