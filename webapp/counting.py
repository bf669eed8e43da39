"""Calls that a request makes of a network count as everybody's do: written when the request
is over, whatever became of it."""

from __future__ import annotations

from dataclasses import replace

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from channels.networks import Networks
from guichet.metering.meter import Meter
from guichet.metering.operations import record
from guichet.runtime import Runtime

log = structlog.get_logger(__name__)


def counted(app: Flask, runtime: Runtime, networks: Networks) -> Networks:
    """The same networks, with a meter of this application's."""
    meter = Meter(runtime.now)

    @app.teardown_request
    def write_down(_: BaseException | None) -> None:
        taken = meter.take()
        if not taken:
            return
        try:
            with runtime.engine.begin() as connection:
                record(connection, taken, runtime.now())
        except SQLAlchemyError as e:
            meter.put_back(taken)
            log.warning("not_written_down", error=type(e).__name__)

    return replace(networks, meter=meter)
