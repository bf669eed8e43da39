"""The wire: every byte that Guichet sends to the outside goes through here.

`Wire.fit(session)` makes any `requests.Session` (tweepy's, requests-oauthlib's)
obey the rules of sending, by mounting one adapter:

- connect and read time-outs always, and a *total* deadline per call: a server
  that drips one byte a second cannot hold a worker (a watchdog shuts the
  socket);
- no retry and no redirect: either would send a POST twice;
- what went wrong becomes a ChannelError that says whether the request can have
  been accepted;
- answers larger than `max_body` are refused;
- internal addresses are refused (SSRF), judged on the address really connected
  to, so that a name cannot change its mind between check and use;
- a rehearsal account's calls to a fixed host are diverted to the rehearsal
  server after signing, with the Host header kept, so that signatures are
  checked as the real network would.
"""

from __future__ import annotations

import contextlib
import copy
import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.exceptions import SSLError as UrllibSSLError
from urllib3.poolmanager import PoolManager

from channels.errors import ChannelError, OutcomeUnknown, Rejected, Unavailable
from channels.heard import Heard
from channels.metering import Listener
from channels.sentences import say
from channels.watchdog import Watchdog

log = logging.getLogger(__name__)

S = TypeVar("S", bound=requests.Session)
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Shared address space, benchmarking, NAT64: not "private" to the ipaddress
# module on every Python version, yet never a public server (RFC 6890, RFC 6052).
_NEVER = tuple(ipaddress.ip_network(n) for n in ("100.64.0.0/10", "198.18.0.0/15", "64:ff9b::/96", "64:ff9b:1::/48"))


class AddressRefused(Rejected):
    """The address lies inside: connecting there is not allowed."""

    code = "address_refused"


@dataclass(frozen=True)
class AddressPolicy:
    """Which addresses may be connected to: public ones, and those listed in `allow`
    (`127.0.0.1:8701`, `10.1.0.0/16`, `[::1]:8025`)."""

    allow: tuple[str, ...] = ()

    def check(self, address: str, port: int) -> None:
        """Raises AddressRefused for an internal address that is not listed."""
        ip = ipaddress.ip_address(address.split("%", 1)[0])
        if isinstance(ip, ipaddress.IPv6Address):
            ip = ip.ipv4_mapped or ip.sixtofour or ip
        if self._listed(ip, port) or not _internal(ip):
            return
        raise AddressRefused(f"connections to the internal address {ip} are not allowed")

    def _listed(self, ip: IPAddress, port: int) -> bool:
        return any(_matches(entry, ip, port) for entry in self.allow)


class _Anywhere(AddressPolicy):
    def check(self, address: str, port: int) -> None:
        """Allowed."""


_ANYWHERE = _Anywhere()


def _internal(ip: IPAddress) -> bool:
    return not ip.is_global or ip.is_multicast or any(ip in net for net in _NEVER if net.version == ip.version)


def _matches(entry: str, ip: IPAddress, port: int) -> bool:
    if "/" in entry:
        net = ipaddress.ip_network(entry, strict=False)
        return ip.version == net.version and ip in net
    host, _, wanted = entry.rpartition(":")
    return ip == ipaddress.ip_address(host.strip("[]")) and wanted in ("*", str(port))


# ---------------------------------------------------------------- connections


_watchdog = Watchdog()


class _Call(threading.local):
    """The call that this thread is making: its deadline and the socket watched for it."""

    deadline_at: float | None = None
    token: int | None = None


_call = _Call()


def _begin_watch(sock: Any) -> None:
    if _call.deadline_at is not None and _call.token is None and sock is not None:
        _call.token = _watchdog.watch(sock, _call.deadline_at)


def _seconds_left(most: float) -> float:
    """How long connecting may take: many addresses may be deaf. Raises TimeoutError after the deadline."""
    if _call.deadline_at is not None and (most := min(most, _call.deadline_at - time.monotonic())) <= 0:
        raise TimeoutError("the deadline is over")
    return most


class _Guarded:
    """What our connections add to urllib3's: address policy and the watchdog."""

    policy = AddressPolicy()

    def _new_conn(self) -> socket.socket:
        host: str = self._dns_host  # type: ignore[attr-defined]
        port: int = self.port  # type: ignore[attr-defined]
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as e:
            raise NameResolutionError(host, self, e) from e  # type: ignore[arg-type]
        for *_, address in found:
            self.policy.check(str(address[0]), port)
        timeout = self.timeout  # type: ignore[attr-defined]
        last: OSError | None = None
        for family, kind, proto, _, address in found:
            sock = socket.socket(family, kind, proto)
            try:
                sock.settimeout(_seconds_left(timeout if isinstance(timeout, int | float) else 5.0))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as e:
                sock.close()
                last = e
            else:
                _begin_watch(sock)
                return sock
        raise NewConnectionError(self, f"cannot connect: {last}")  # type: ignore[arg-type]

    def request(self, *args: Any, **kwargs: Any) -> Any:
        _begin_watch(getattr(self, "sock", None))
        return super().request(*args, **kwargs)  # type: ignore[misc]


class _GuardedHTTP(_Guarded, HTTPConnection):
    pass


class _GuardedHTTPS(_Guarded, HTTPSConnection):
    pass


def _guard(manager: PoolManager, policy: AddressPolicy) -> None:
    """Let all connections of `manager` be guarded ones."""

    class HTTPPool(HTTPConnectionPool):
        ConnectionCls = type("Connection", (_GuardedHTTP,), {"policy": policy})

    class HTTPSPool(HTTPSConnectionPool):
        ConnectionCls = type("Connection", (_GuardedHTTPS,), {"policy": policy})

    manager.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}


# ---------------------------------------------------------------- the adapter


class _WireAdapter(HTTPAdapter):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        super().__init__(pool_connections=64, pool_maxsize=wire.pool, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kw: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **kw)
        _guard(self.poolmanager, self._wire.policy)

    def proxy_manager_for(self, proxy: str, **kw: Any) -> PoolManager:
        """The way through a proxy keeps the deadline too. Where the proxy itself stands is
        the administrator's choice, inside as a rule."""
        is_new = proxy not in self.proxy_manager
        manager: PoolManager = super().proxy_manager_for(proxy, **kw)
        if is_new:
            _guard(manager, _ANYWHERE)
        return manager

    def close(self) -> None:
        """Called by each session that ends. The pool is everybody's: clearing it there would
        cost all others their connections."""

    def send(self, request: requests.PreparedRequest, **kw: Any) -> requests.Response:  # type: ignore[override]
        self._divert(request)
        wire = self._wire
        kw["timeout"] = (wire.connect_timeout, wire.read_timeout)
        kw["stream"] = True
        kw["verify"] = wire.ca_bundle or True
        kw["proxies"] = self._proxies_for(request)
        _call.deadline_at, _call.token = time.monotonic() + wire.deadline, None
        struck = False
        try:
            response = super().send(request, **kw)
            response._content = _read_body(response, wire.max_body)
            response._content_consumed = True  # type: ignore[attr-defined]
        except requests.RequestException as e:
            struck = self._end_watch()
            raise _translated(e, struck) from e
        except OSError as e:
            struck = self._end_watch()
            raise OutcomeUnknown("the connection broke", code="connection_broke") from e
        finally:
            self._end_watch()
        if response.is_redirect:
            # requests would follow, and a 307 would send the POST again.
            response.headers["X-Refused-Location"] = response.headers.pop("Location")
        return response

    @staticmethod
    def _end_watch() -> bool:
        token, _call.token, _call.deadline_at = _call.token, None, None
        return token is not None and _watchdog.release(token)

    def _proxies_for(self, request: requests.PreparedRequest) -> dict[str, str]:
        """None on the way to what stands on this machine (a rehearsal). Where a proxy
        connects for us, the addresses that we know of are judged before; a name that only
        the proxy can resolve is its own to refuse."""
        if not self._wire.proxies:
            return {}
        parts = urlsplit(request.url or "")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            found = {str(a[0]) for *_, a in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)}
        except OSError:
            return dict(self._wire.proxies)
        for address in found:
            self._wire.policy.check(address, port)
        is_here = all(ipaddress.ip_address(a.split("%", 1)[0]).is_loopback for a in found)
        return {} if is_here else dict(self._wire.proxies)

    def _divert(self, request: requests.PreparedRequest) -> None:
        parts = urlsplit(request.url or "")
        base = self._wire.divert.get(parts.hostname or "")
        if base:
            to = urlsplit(base)
            request.url = urlunsplit((to.scheme, to.netloc, parts.path, parts.query, ""))
            request.headers["Host"] = parts.netloc


def _read_body(response: requests.Response, most: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(65536):
        body += chunk
        if len(body) > most:
            response.close()
            raise OutcomeUnknown(say("the answer is larger than {most} bytes", most=most), code="answer_too_large")
    return bytes(body)


def _translated(e: requests.RequestException, struck: bool) -> ChannelError:
    """Whether the request can have been accepted, from what requests raised."""
    cause = next((c for c in _causes(e) if isinstance(c, AddressRefused)), None)
    if cause is not None:
        return cause
    if struck:
        return OutcomeUnknown("no complete answer within the deadline", code="deadline")
    unsent = (NewConnectionError, NameResolutionError, UrllibSSLError)
    if isinstance(e, requests.ConnectTimeout | requests.exceptions.SSLError) or any(
        isinstance(c, unsent) for c in _causes(e)
    ):
        return Unavailable(say("cannot reach the network: {words}", words=_brief(e)))
    if isinstance(e, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return Rejected("that is not a usable address", code="bad_address")
    if isinstance(e, requests.ReadTimeout):
        return OutcomeUnknown("no answer in time", code="read_timeout")
    return OutcomeUnknown("the connection broke before the answer was complete", code="connection_broke")


def _causes(e: BaseException) -> Iterable[BaseException]:
    seen: list[BaseException] = [e]
    while seen:
        current = seen.pop()
        yield current
        seen += [
            x
            for x in (*current.args, getattr(current, "reason", None), current.__cause__)
            if isinstance(x, BaseException)
        ]


def _brief(e: BaseException) -> str:
    """The kind of the innermost cause: never its text, which may carry a URL with secrets."""
    return type(list(_causes(e))[-1]).__name__


# ---------------------------------------------------------------- the wire


@dataclass(frozen=True)
class Wire:
    """How calls go out. Times in seconds, `max_body` in bytes.

    `divert` maps a fixed host ("api.x.com") to a rehearsal base URL.
    """

    policy: AddressPolicy = AddressPolicy()
    divert: Mapping[str, str] = field(default_factory=dict)
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    deadline: float = 60.0
    max_body: int = 32 * 1024 * 1024
    proxies: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: str = ""
    user_agent: str = "Guichet"
    pool: int = 64
    _adapter: BaseAdapter = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Frozen for its users; the pooled adapter is made once and shared by all sessions.
        object.__setattr__(self, "_adapter", _WireAdapter(self))

    def heard_by(self, listener: Listener) -> Wire:
        """The same wire, connections and all, with `listener` told of every HTTP exchange, also
        of those whose answer was lost. It must not raise, nor keep what it hears."""
        heard = copy.copy(self)
        object.__setattr__(heard, "_adapter", Heard(self._adapter, listener))
        return heard

    def fit(self, session: S) -> S:
        """Make `session` obey the rules of the wire; returns it."""
        session.mount("https://", self._adapter)
        session.mount("http://", self._adapter)
        session.trust_env = False
        session.proxies = dict(self.proxies)
        session.headers["User-Agent"] = self.user_agent
        return session

    def session(self) -> requests.Session:
        """A plain session on this wire. Cheap; one per call site, connections are pooled."""
        return self.fit(requests.Session())

    def call(self, method: str, url: str, headers: Mapping[str, str], **content: Any) -> requests.Response:
        """One call that stands for itself: nothing is remembered from it (no cookies), and
        nothing that a session would only look up to no effect costs its time. `content` as
        requests takes it (`json`, `data`, `params`). Raises ChannelError."""
        usual = {**requests.utils.default_headers(), "User-Agent": self.user_agent}
        request = requests.Request(method, url, headers={**usual, **headers}, **content).prepare()
        return self._adapter.send(request)

    def open_socket(self, host: str, port: int) -> socket.socket:
        """A TCP connection for what is not HTTP (IMAP, SMTP), under the same address
        policy. Raises Unavailable, AddressRefused."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as e:
            raise Unavailable(say("no such host: {host}", host=host)) from e
        for *_, address in found:
            self.policy.check(str(address[0]), port)
        last: OSError | None = None
        for family, kind, proto, _, address in found:
            sock = socket.socket(family, kind, proto)
            sock.settimeout(self.connect_timeout)
            try:
                sock.connect(address)
            except OSError as e:
                sock.close()
                last = e
            else:
                sock.settimeout(self.read_timeout)
                return sock
        raise Unavailable(say("cannot connect to {host}:{port}", host=host, port=str(port))) from last

    @contextlib.contextmanager
    def shut_after(self, sock: socket.socket, seconds: float | None = None) -> Iterator[None]:
        """Shuts the connection of `sock`, also behind TLS, when the block has lasted
        `seconds` (by default the wire's deadline): whoever reads or writes sees it end."""
        token = _watchdog.watch(sock, time.monotonic() + (self.deadline if seconds is None else seconds))
        try:
            yield
        finally:
            _watchdog.release(token)
