"""A file, as everything that holds one shows it."""

from __future__ import annotations

from pydantic import Field

from webapp.api.schemas.common import Out


class FilmFacts(Out):
    """What was found in a film: codecs and the format of its points by FFmpeg's names ("" for no
    sound, and where it is not known), pictures a second."""

    seconds: float
    video: str
    audio: str
    rate: float
    pixels: str = ""


class Media(Out):
    id: int
    url: str
    name: str
    mime: str
    size: int
    width: int | None
    height: int | None
    alt: str
    sha256: str
    film: FilmFacts | None = Field(description="of a film of which these are known")
    poster_url: str | None = Field(description="one picture of it")
