"""The ports that a start listens on, asked for before anything runs: a program that finds its port
taken fails again and again, and what stands there, another Guichet's, would be taken for ours."""

from __future__ import annotations

import errno
import socket

from guichet.config import REHEARSAL_PORTS, Settings


def taken(settings: Settings) -> list[str]:
    """What is wrong with the ports that `guichet run` needs, a sentence each; empty where all are free."""
    wanted = [("GUICHET_PORT", settings.bind, settings.port)]
    if settings.live_url:
        wanted.append(("GUICHET_PORT", settings.bind, settings.port + 1))
    if settings.rehearsal_port:
        ports = sorted(settings.rehearsal_port + n for n in REHEARSAL_PORTS.values())
        wanted += [("GUICHET_REHEARSAL_PORT", "127.0.0.1", port) for port in ports]
    found = ((setting, host, port, _why_not(host, port)) for setting, host, port in wanted)
    return [f"port {port} on {host} {why}, or set {setting}" for setting, host, port, why in found if why]


def _why_not(host: str, port: int) -> str:
    """Why nothing can listen there, and what to do about it; "" where it can."""
    if port > 65535:
        return "is beyond the last one, 65535: take a lower one"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: what has just ended is free
            probe.bind(address)
    except OSError as e:
        if e.errno == errno.EADDRINUSE:
            return "is taken by another program: stop it"
        return f"cannot be listened on ({e.strerror}): see GUICHET_BIND"
    return ""
