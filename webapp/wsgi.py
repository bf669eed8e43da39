"""What gunicorn serves: the one module that reads the environment and builds the app."""

from __future__ import annotations

import os

from channels.networks import open_networks
from guichet.config import read_settings
from guichet.runtime import open_runtime
from webapp import create_app

settings = read_settings(os.environ)
app = create_app(
    open_runtime(settings, pool_size=max(8, settings.threads // 2)),
    open_networks(
        allow=settings.allowed_addresses(),
        rehearsal={n: settings.rehearsal_url(n) for n in ("x", "mastodon", "bluesky", "email")}
        if settings.rehearsal_port
        else {},
        app_keys=settings.app_keys,
        proxy=settings.proxy,
        ca_bundle=settings.ca_bundle,
    ),
)
