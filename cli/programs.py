"""The programs that make up a running Guichet, as `guichet serve NAME` and the
supervisor start them. Imports wait until a program is chosen, so that each process
holds only what it uses."""

from __future__ import annotations

from collections.abc import Callable

from guichet.config import Settings


def serve_web(settings: Settings) -> None:
    """Pages, API, webhooks, and live streams up to GUICHET_STREAMS."""
    from cli.web import serve

    serve(settings, live_only=False)


def serve_live(settings: Settings) -> None:
    """Live streams only, in a gevent process: thousands of them."""
    from cli.web import serve

    serve(settings, live_only=True)


def _worker(queue: str) -> Callable[[Settings], None]:
    def serve(settings: Settings) -> None:
        from workers.runtime import main

        main(queue)

    serve.__doc__ = f"A worker of the {queue!r} queue."
    return serve


def serve_clock(settings: Settings) -> None:
    """Finds what is due or stranded and wakes workers; numbers live events."""
    from workers.clock import main

    main()


def serve_listening(settings: Settings) -> None:
    """Waits for news where a network can tell of it (IMAP IDLE)."""
    from workers.listening import main

    main()


def serve_rehearsal(settings: Settings) -> None:
    """The rehearsal networks, on loopback."""
    from cli.rehearsal import serve

    serve(settings)


PROGRAMS: dict[str, Callable[[Settings], None]] = {
    "web": serve_web,
    "live": serve_live,
    "send": _worker("send"),
    "receive": _worker("receive"),
    "tend": _worker("tend"),
    "clock": serve_clock,
    "listening": serve_listening,
    "rehearsal": serve_rehearsal,
}
