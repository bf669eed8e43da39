"""Headers of every answer: no script, style or frame but our own, nothing guessed from
content, no trace in caches."""

from __future__ import annotations

from flask import Flask, Response, request
from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)

from guichet.config import Settings


def security_headers(settings: Settings) -> dict[str, str]:
    """The headers that every answer carries, static files too."""
    connect = ["'self'", settings.live_url] if settings.live_url else ["'self'"]
    csp = (
        ContentSecurityPolicy()
        .default_src("'self'")
        .script_src("'self'")
        .style_src("'self'")
        .img_src("'self'", "data:", "blob:")
        .media_src("'self'", "blob:")
        .connect_src(*connect)
        .frame_src("'self'")
        .object_src("'none'")
        .base_uri("'none'")
        .form_action("'self'")
        .frame_ancestors("'none'")
    )
    made = Secure(
        csp=csp,
        hsts=StrictTransportSecurity().max_age(31_536_000) if settings.secure else None,
        xfo=XFrameOptions().deny(),
        xcto=XContentTypeOptions().nosniff(),
        referrer=ReferrerPolicy().no_referrer(),
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        permissions=PermissionsPolicy().camera().microphone().geolocation(),
    )
    return dict(made.header_items())


def set_headers(app: Flask, settings: Settings) -> None:
    """Put them on every answer of `app`. What a view has set itself stays."""
    every = security_headers(settings)

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in every.items():
            response.headers.setdefault(name, value)
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        if request.path.startswith("/api/"):
            response.headers["Vary"] = "Cookie, Authorization"
        return response
