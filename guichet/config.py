"""Settings: from GUICHET_* environment variables to one frozen value, checked at start.

Every setting is listed in `SETTINGS` with what it means; docs/settings.md is compared
with this list by a test, so that what is documented is what is read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SETTINGS: dict[str, str] = {
    "GUICHET_DATABASE_URL": "Where the rows are: postgresql://… or sqlite:///path. Default: SQLite in the data folder.",
    "GUICHET_REDIS_URL": "Where workers are woken: redis://… or unix://…. Losing it loses nothing.",
    "GUICHET_SECRET_KEYS": "Keys that encrypt tokens: id:base64 of 32 bytes, comma-separated, the first one encrypts.",
    "GUICHET_PUBLIC_URL": "The address that people and networks reach us at, e.g. https://guichet.example.org.",
    "GUICHET_DATA_DIR": "Folder for media, the embedded database and the embedded Valkey. Default: var.",
    "GUICHET_PORT": "Port of the web server. Default: 8100.",
    "GUICHET_BIND": "Address the web server listens on. Default: 127.0.0.1.",
    "GUICHET_LIVE_URL": "Address of a separate live process, if there is one. Default: the web server itself.",
    "GUICHET_STREAMS": "Live streams that one web process holds open; more are told to poll. Default: 24.",
    "GUICHET_LIVE_STREAMS": "Live streams that one `live` process holds open. Default: 5000.",
    "GUICHET_THREADS": "Threads of one web process. Default: 40.",
    "GUICHET_SEND_THREADS": "Sending threads of one delivery worker. Default: 32.",
    "GUICHET_FILMS_AT_ONCE": "Films that one films worker makes for networks at a time. Default: 1.",
    "GUICHET_FILM_MEMORY_MB": "Megabytes of addresses that making one film may use. Default: 2048.",
    "GUICHET_FILM_MINUTES": "Minutes, of the clock and of a processor, that making one film may take. Default: 60.",
    "GUICHET_API_RATE": "Requests a minute that one person, or one's tokens, may make of the API. Default: 3000.",
    "GUICHET_TRUSTED_PROXIES": "How many proxies in front set X-Forwarded-*. Default: 0 (the headers are ignored).",
    "GUICHET_PROXY": "HTTP proxy for outgoing calls. Default: none.",
    "GUICHET_CA_BUNDLE": "File with certificate authorities for outgoing calls. Default: the usual ones.",
    "GUICHET_MAIL_URL": "Mail server for our own mail: smtps://user:password@host:465, or smtp://…:587 (STARTTLS).",
    "GUICHET_MAIL_FROM": "Address that our own mail comes from, e.g. guichet@example.org.",
    "GUICHET_ALLOW_ADDRESSES": "Internal addresses that outgoing calls may reach: 10.1.0.0/16,127.0.0.1:2583.",
    "GUICHET_REHEARSAL_PORT": "First of the loopback ports of the rehearsal networks; 0 switches them off. Default: 0.",
    "GUICHET_LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR. Default: INFO.",
    "GUICHET_X_CLIENT_ID": "OAuth 2 client id of the X app.",
    "GUICHET_X_CLIENT_SECRET": "OAuth 2 client secret of the X app.",
    "GUICHET_X_API_KEY": "OAuth 1.0a consumer key of the X app.",
    "GUICHET_X_API_SECRET": "OAuth 1.0a consumer secret of the X app.",
    "GUICHET_X_PRICES": "What X charges here, in US dollars, where it differs: post=0.015,read=0.005 (docs/money.md).",
    "GUICHET_EMAIL_CLIENT_ID": "OAuth 2 client id for mail at Microsoft 365 or Google.",
    "GUICHET_EMAIL_CLIENT_SECRET": "OAuth 2 client secret for mail at Microsoft 365 or Google.",
}

# What X charges for; a test compares it with its tariff.
X_ITEMS = (
    *("post", "post_with_url", "direct", "deletion", "like", "hiding", "alt_text"),
    *("own_read", "read", "direct_read", "user_read"),
)

REHEARSAL_PORTS = {
    "control": 0, "x": 1, "mastodon": 2, "bluesky": 3, "email": 4, "imap": 5, "smtp": 6,
    "drill-laggard": 7, "drill-liar": 8, "drill-blind": 9, "drill-containers": 10, "drill-drafts": 11,
}  # fmt: skip
# Those at which a network is rehearsed.
REHEARSED = tuple(name for name in REHEARSAL_PORTS if name not in ("control", "imap", "smtp"))


def embedded_socket(data_dir: Path) -> Path:
    """Where the embedded Valkey listens. A Unix socket's path has room for about 100
    bytes (sun_path), so a deep data folder gets one in a private folder elsewhere."""
    path = data_dir / "valkey" / "valkey.sock"
    if len(os.fsencode(path)) < 100:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"guichet-{os.getuid()}-{name}" / "valkey.sock"


class BadSettings(Exception):
    """`problems` has one clear line for each thing wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Settings:
    """Everything that is read from the environment."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret_keys: tuple[tuple[str, bytes], ...] = field(repr=False)
    public_url: str
    data_dir: Path
    port: int = 8100
    bind: str = "127.0.0.1"
    live_url: str = ""
    streams: int = 24
    live_streams: int = 5000
    threads: int = 40
    send_threads: int = 32
    films_at_once: int = 1
    film_memory_mb: int = 2048
    film_minutes: int = 60
    api_rate: int = 3000
    trusted_proxies: int = 0
    proxy: str = field(default="", repr=False)
    ca_bundle: str = ""
    mail_url: str = field(default="", repr=False)
    mail_from: str = ""
    allow_addresses: tuple[str, ...] = ()
    rehearsal_port: int = 0
    log_level: str = "INFO"
    app_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def secure(self) -> bool:
        """Whether people reach us by https (cookies are then marked Secure)."""
        return self.public_url.startswith("https://")

    def rehearsal_url(self, name: str) -> str:
        """Address of one rehearsal server: "control", or a network's name."""
        return f"http://127.0.0.1:{self.rehearsal_port + REHEARSAL_PORTS[name]}"

    def network_options(self) -> dict[str, Any]:
        """What channels.networks.open_networks takes."""
        rehearsed = REHEARSED if self.rehearsal_port else ()
        return {
            "allow": self.allowed_addresses(),
            "rehearsal": {name: self.rehearsal_url(name) for name in rehearsed},
            "app_keys": self.app_keys,
            "proxy": self.proxy,
            "ca_bundle": self.ca_bundle,
            "prices": self.prices,
        }

    def allowed_addresses(self) -> tuple[str, ...]:
        """Internal addresses that may be reached: the listed ones and the rehearsal's own."""
        if not self.rehearsal_port:
            return self.allow_addresses
        rehearsal = tuple(f"127.0.0.1:{self.rehearsal_port + n}" for n in REHEARSAL_PORTS.values())
        return self.allow_addresses + rehearsal


class _Environment:
    """Reads variables and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = [
            f"{name} is not a setting of Guichet"
            for name in environ
            if name.startswith("GUICHET_") and name not in SETTINGS
        ]

    def text(self, name: str, default: str = "", pattern: str = "") -> str:
        value = self.environ.get(name, "").strip() or default
        if value and pattern and not re.fullmatch(pattern, value):
            self.problems.append(f"{name} must look like {pattern}")
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        raw = self.environ.get(name, "").strip()
        if not raw:
            return default
        if not raw.isdigit() or not low <= int(raw) <= high:
            self.problems.append(f"{name} must be a whole number from {low} to {high}")
            return default
        return int(raw)

    def url(self, name: str, default: str, schemes: tuple[str, ...]) -> str:
        value = self.environ.get(name, "").strip() or default
        if value and urlsplit(value).scheme.split("+")[0] not in schemes:
            self.problems.append(f"{name} must start with {' or '.join(s + '://' for s in schemes)}")
        return value

    def bind(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if value != "localhost" and not _is_address(value):
            self.problems.append(f"{name} must be an address, such as 127.0.0.1, 0.0.0.0 or ::")
        return value

    def addresses(self, name: str) -> tuple[str, ...]:
        entries = tuple(a.strip() for a in self.text(name).split(",") if a.strip())
        for n, entry in enumerate(entries, 1):
            host, _, port = entry.rpartition(":")
            if _is_network(entry) or (_is_address(host.strip("[]")) and (port == "*" or port.isdecimal())):
                continue
            self.problems.append(f"{name}: entry {n} must look like 10.1.0.0/16, 127.0.0.1:2583 or [::1]:*")
        return entries

    def prices(self, name: str, items: tuple[str, ...]) -> dict[str, float]:
        found: dict[str, float] = {}
        for n, entry in enumerate(filter(None, self.text(name).split(",")), 1):
            item, _, price = (part.strip() for part in entry.partition("="))
            if item not in items or not re.fullmatch(r"\d{1,4}(\.\d{1,6})?", price):
                self.problems.append(
                    f"{name}: entry {n} must be one of {', '.join(items)}, = and a price such as 0.015"
                )
            else:
                found[item] = float(price)
        return found

    def keys(self, name: str) -> tuple[tuple[str, bytes], ...]:
        keys: list[tuple[str, bytes]] = []
        for n, entry in enumerate(filter(None, self.environ.get(name, "").split(",")), 1):
            key_id, _, encoded = entry.strip().partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,16}", key_id) or len(key) != 32:
                self.problems.append(f"{name}: entry {n} must be an id, a colon and 32 bytes in base64")
            else:
                if key_id in dict(keys):
                    self.problems.append(f"{name}: entry {n} has the id of one before it")
                keys.append((key_id, key))
        if not keys and not self.problems:
            self.problems.append(f"{name} is missing: tokens cannot be encrypted without it")
        return tuple(keys)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from the environment. Raises BadSettings with a line for each fault."""
    env = _Environment(environ)
    data_dir = Path(env.text("GUICHET_DATA_DIR", "var")).absolute()
    port = env.number("GUICHET_PORT", 8100, 1, 65535)
    app_keys = {
        name.removeprefix("GUICHET_").lower(): environ.get(name, "")
        for name in SETTINGS
        if re.search(r"_(CLIENT_ID|CLIENT_SECRET|API_KEY|API_SECRET)$", name)
    }
    settings = Settings(
        database_url=env.url(
            "GUICHET_DATABASE_URL", f"sqlite:///{data_dir / 'guichet.sqlite3'}", ("postgresql", "postgres", "sqlite")
        ),
        redis_url=env.url("GUICHET_REDIS_URL", f"unix://{embedded_socket(data_dir)}", ("redis", "rediss", "unix")),
        secret_keys=env.keys("GUICHET_SECRET_KEYS"),
        public_url=env.url("GUICHET_PUBLIC_URL", f"http://localhost:{port}", ("https", "http")).rstrip("/"),
        data_dir=data_dir,
        port=port,
        bind=env.bind("GUICHET_BIND", "127.0.0.1"),
        live_url=env.url("GUICHET_LIVE_URL", "", ("https", "http")).rstrip("/"),
        streams=env.number("GUICHET_STREAMS", 24, 0, 10000),
        live_streams=env.number("GUICHET_LIVE_STREAMS", 5000, 1, 100_000),
        threads=env.number("GUICHET_THREADS", 40, 2, 10000),
        send_threads=env.number("GUICHET_SEND_THREADS", 32, 1, 256),
        films_at_once=env.number("GUICHET_FILMS_AT_ONCE", 1, 1, 16),
        film_memory_mb=env.number("GUICHET_FILM_MEMORY_MB", 2048, 512, 65536),
        film_minutes=env.number("GUICHET_FILM_MINUTES", 60, 1, 600),
        api_rate=env.number("GUICHET_API_RATE", 3000, 1, 10_000_000),
        trusted_proxies=env.number("GUICHET_TRUSTED_PROXIES", 0, 0, 8),
        proxy=env.url("GUICHET_PROXY", "", ("https", "http")),
        ca_bundle=env.text("GUICHET_CA_BUNDLE"),
        mail_url=env.url("GUICHET_MAIL_URL", "", ("smtps", "smtp", "smtp+plain")),
        mail_from=env.text("GUICHET_MAIL_FROM", "", r"[^@\s<>,]+@[^@\s<>,]+"),
        allow_addresses=env.addresses("GUICHET_ALLOW_ADDRESSES"),
        rehearsal_port=env.number("GUICHET_REHEARSAL_PORT", 0, 0, 65500),
        log_level=env.text("GUICHET_LOG_LEVEL", "INFO", "DEBUG|INFO|WARNING|ERROR"),
        app_keys=app_keys,
        prices={"x": env.prices("GUICHET_X_PRICES", X_ITEMS)},
    )
    if settings.ca_bundle and not Path(settings.ca_bundle).is_file():
        env.problems.append("GUICHET_CA_BUNDLE names a file that is not there")
    if bool(settings.mail_url) != bool(settings.mail_from):
        env.problems.append("GUICHET_MAIL_URL and GUICHET_MAIL_FROM go together: set both, or neither")
    if settings.threads <= settings.streams:
        env.problems.append("GUICHET_THREADS must be larger than GUICHET_STREAMS, or streams starve the pages")
    if env.problems:
        raise BadSettings(env.problems)
    return settings
