"""Live events: placeholder while the stream is written."""

from __future__ import annotations

from flask import Flask

from guichet.runtime import Runtime


def add_to(app: Flask, runtime: Runtime) -> None:
    return None
