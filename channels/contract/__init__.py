"""The contract between Guichet and every outside network.

An adapter is one module with one frozen `ChannelSpec`. The spec states facts
(limits, how to sign in, how the truth is found after a doubt) and opens
*roles*: small objects that do one thing. A role that is absent is a thing the
network cannot do, so a flag can never lie. Nothing here imports Guichet.

Times are aware UTC `datetime`s. Everything an adapter returns must be plain
values: it is stored as JSON or shown, never trusted as HTML.
"""

from __future__ import annotations

from channels.contract.connecting import AppKeys, Connected, Connection, Connector, Consent
from channels.contract.facts import (
    JSON,
    AuthKind,
    CountUnit,
    FilmLimit,
    FormField,
    Limits,
    MediaLimit,
    Recovery,
    Surface,
    TextLimit,
)
from channels.contract.mentions import Finder, Mention, Mentions
from channels.contract.receiving import (
    Bounce,
    Gap,
    Inbound,
    InboundKind,
    Page,
    Person,
    RawItem,
    Reader,
    Receiver,
    Rechecker,
    RemoteMedia,
    Waiter,
)
from channels.contract.sending import (
    Deleter,
    Discarder,
    Draft,
    Editor,
    Figures,
    Film,
    Hider,
    Liker,
    LinkCard,
    Lister,
    Looked,
    MediaItem,
    Publisher,
    Receipt,
    Reconciler,
    Stager,
    Standing,
    Target,
    Timeline,
    Uploader,
)
from channels.contract.spec import ChannelSpec, Cost

__all__ = [
    "JSON",
    "AppKeys",
    "AuthKind",
    "Bounce",
    "ChannelSpec",
    "Connected",
    "Connection",
    "Connector",
    "Consent",
    "Cost",
    "CountUnit",
    "Deleter",
    "Discarder",
    "Draft",
    "Editor",
    "Figures",
    "Film",
    "FilmLimit",
    "Finder",
    "FormField",
    "Gap",
    "Hider",
    "Inbound",
    "InboundKind",
    "Liker",
    "Limits",
    "LinkCard",
    "Lister",
    "Looked",
    "MediaItem",
    "MediaLimit",
    "Mention",
    "Mentions",
    "Page",
    "Person",
    "Publisher",
    "RawItem",
    "Reader",
    "Receipt",
    "Receiver",
    "Rechecker",
    "Reconciler",
    "Recovery",
    "RemoteMedia",
    "Stager",
    "Standing",
    "Surface",
    "Target",
    "TextLimit",
    "Timeline",
    "Uploader",
    "Waiter",
]
