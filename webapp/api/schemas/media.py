"""Files: brought, found again, described, shared with a brand, taken away."""

from __future__ import annotations

from typing import Annotated, Literal

from flask_openapi import FileStorage
from pydantic import Field

from webapp.api.schemas.accounts import SurfaceName
from webapp.api.schemas.common import BrandBrief, Id, IdPath, In, Line, Out, PageQuery, PersonBrief, Prose, Time
from webapp.api.schemas.files import FilmFacts, Media
from webapp.api.schemas.framing import FrameIn

Alt = Annotated[Prose, Field(max_length=5000)]
FileKindName = Literal["picture", "film", "sound", "document"]


class MediaUpload(In):
    file: FileStorage = Field(description="the file itself; what it is decides its content, not its name")
    alt: Alt = ""
    brand_id: Id | None = Field(None, description="in whose library it is to stand; one's own where nothing is said")


class MediaChange(In):
    """What is not given stays."""

    alt: Alt | None = None
    brand_id: Id | Literal[0] | None = Field(None, description="the brand whose library has it; 0: one's own only")


class MediaQuery(PageQuery):
    brand_id: Id | None = Field(None, description="the library of this brand")
    kind: FileKindName | None = None
    q: Line = Field("", description="looked for in names and descriptions")
    uploaded_by: Id | None = None
    unused: bool = Field(False, description="only what no post and no answer holds")


class LibraryFile(Media):
    """A file with where it stands. `posts`: in how many it is; `may`: what you may do with it,
    where nothing holds it in the case of delete."""

    brand: BrandBrief | None = Field(description="in whose library it is; null: its uploader's own")
    uploaded_by: PersonBrief | None
    created_at: Time
    thumbnail_url: str
    posts: int
    may: list[Literal["describe", "share", "delete"]]


class MediaUse(Out):
    """A post with the file."""

    post_id: int
    text: str
    state: str
    due_at: Time | None


class MediaUses(Out):
    """`more`: posts beyond these, or that you do not see; `answers`: answers and notes."""

    posts: list[MediaUse]
    more: int
    answers: int


class FilmMaking(Out):
    """How far a film is that is being made: `part` of 1; `seconds_left` are a guess, null where
    nothing is under way; `reason`: why it failed, or waits."""

    state: Literal["waiting", "running", "failed", "cancelled"]
    part: float
    seconds_left: int | None
    reason: str


class Rendition(Out):
    """What is made from a file: what a post shows of it, or what a network takes that would
    refuse the file as it is. A film is made in the background: until it is there, `making` says how
    far it is, and the figures are those that it will have (`size` about)."""

    id: int
    media_id: int
    url: str
    mime: str
    size: int
    width: int
    height: int
    film: FilmFacts | None = Field(None, description="of a film")
    making: FilmMaking | None = Field(None, description="null: it is there")


class MadeOfFile(Out):
    """All that was made of a file for networks, and what is being made."""

    items: list[Rendition]


class RenditionPath(IdPath):
    rendition_id: Id


class RenditionFor(Rendition):
    """What an account gets there, in public or directly."""

    account_id: int
    surface: SurfaceName


class RenditionsWanted(In):
    """For which accounts; every account that you may write on, or answer on, where nothing is said."""

    account_ids: list[Id] | None = Field(None, max_length=200)
    frame: FrameIn | None = Field(None, description="what is to be shown of it")


class Renditions(Out):
    """All that was made of the file; `cut`: what is to be shown of it, where that is not all;
    `accounts`: what each that was named gets in place of the file."""

    items: list[Rendition]
    cut: Rendition | None
    accounts: list[RenditionFor]


class FileQuery(In):
    rendition: Id | None = Field(None, description="one that was made from it")
    small: bool = Field(False, description="at most 320 pixels wide and high, where it is a picture or a film")
    poster: bool = Field(False, description="one picture of it, where it is a film")
