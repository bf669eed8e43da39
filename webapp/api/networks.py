"""Networks: what each allows and needs, so that a page can count and ask as it does."""

from __future__ import annotations

from collections.abc import Mapping

from channels.contract import AuthKind, ChannelSpec, Draft, Limits
from channels.contract import MediaLimit as MediaFacts
from channels.contract import TextLimit as TextFacts
from channels.networks import Networks
from webapp.api.schemas.accounts import Cost, FormField, MediaLimit, Network, TextLimit
from webapp.api.schemas.common import Page
from webapp.asking import Asked, Room

room = Room("networks")
_WITH_URL = "see https://example.com/"


@room.get("/networks", Page[Network])
def list_networks(asked: Asked) -> Page[Network]:
    """Every network that this installation knows; drills where they are rehearsed."""
    return Page(items=[_show(asked.spec(name), asked.networks) for name in asked.networks.offered()])


def _show(spec: ChannelSpec, networks: Networks) -> Network:
    rehearsal = spec.name in networks.rehearsal
    return Network(
        name=spec.name,
        title=spec.title,
        monogram=spec.monogram,
        auth=[a.value for a in spec.auth],
        recovery=spec.recovery.value,
        fields=[
            FormField(name=f.name, kind=f.kind, required=f.required, default=f.default, choices=list(f.choices))
            for f in spec.fields
        ],
        text=text_limits(spec.limits),
        media=media_limits(spec.limits),
        cost=cost_of(spec),
        can_delete=spec.can_delete,
        can_edit=spec.can_edit,
        configured=_is_configured(spec, networks),
        rehearsal=rehearsal,
        rehearsal_form=spec.rehearsal_fields(networks.rehearsal[spec.name]) if rehearsal else {},
    )


def _is_configured(spec: ChannelSpec, networks: Networks) -> bool:
    """Networks of one host need the installation's own keys; where people name the host, the
    app is registered there by itself, and a password needs none. A drill is never in earnest."""
    if spec.is_drill:
        return False
    if not spec.fixed_hosts or AuthKind.PASSWORD in spec.auth:
        return True
    keys = networks.keys_for(spec.name, is_rehearsal=False)
    return bool(keys.client_id or keys.api_key)


def text_limits(limits: Limits) -> dict[str, TextLimit]:
    return {surface.value: _text(limit) for surface, limit in limits.text.items()}


def _text(limit: TextFacts) -> TextLimit:
    return TextLimit(
        max_length=limit.max_length,
        unit=limit.unit.value,
        url_length=limit.url_length,
        max_bytes=limit.max_bytes,
        mention_local_only=limit.mention_local_only,
        source=limit.source,
        as_of=limit.as_of.isoformat(),
    )


def media_limits(limits: Limits) -> dict[str, MediaLimit]:
    return {surface.value: _media(limit) for surface, limit in limits.media.items()}


def _media(limit: MediaFacts) -> MediaLimit:
    sizes: Mapping[str, int] = limit.max_bytes
    return MediaLimit(
        max_count=limit.max_count,
        max_bytes=dict(sizes),
        max_pixels=limit.max_pixels,
        alt_max=limit.alt_max,
        alone=sorted(limit.alone),
    )


def cost_of(spec: ChannelSpec) -> Cost | None:
    """What one post costs, plain and with an address in it; None where it is free."""
    plain, with_url = spec.cost(Draft("hello")), spec.cost(Draft(_WITH_URL))
    if plain is None or with_url is None or not (plain.amount or with_url.amount):
        return None
    return Cost(plain=plain.amount, with_url=with_url.amount, currency=plain.currency)
