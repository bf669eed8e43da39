"""What we do at the network with what a customer wrote."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import Out, Told


class Standing(Out):
    """`pending`: asked for, and the network has not answered; `refused`: with its reason."""

    state: Literal["none", "pending", "done", "refused"]
    reason: Told | None


class Acts(Out):
    """What we did with a message at its network."""

    like: Standing
    hide: Standing
    hideable: bool = Field(description="it answers a post, as what can be hidden does")
