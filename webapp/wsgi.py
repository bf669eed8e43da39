"""What gunicorn serves: the one module that reads the environment and builds the app."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

from channels.networks import open_networks
from guichet.config import read_settings
from guichet.logs import start_logging
from guichet.runtime import open_runtime
from webapp import create_app
from webapp.live_hub import Hub


def end_streams_with_the_process(hub: Hub) -> None:
    """On SIGTERM streams end at once, or the server would wait for them. The server has set
    its own handlers before it loads this module; they follow."""
    if threading.current_thread() is not threading.main_thread():
        return
    before = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: FrameType | None) -> None:
        hub.close()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, end)
    signal.siginterrupt(signal.SIGTERM, False)


settings = read_settings(os.environ)
start_logging(settings.log_level)
app = create_app(
    open_runtime(settings, pool_size=max(8, settings.threads // 2)),
    open_networks(**settings.network_options()),
)
end_streams_with_the_process(app.extensions["guichet"]["hub"])
