"""What a backup says about itself: its parts with their hashes, the schema, and which keys
open what is sealed in it. The keys themselves are never in a backup; a check value tells
whether a key is the same."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from channels.sentences import say
from guichet.archive.rows import Shape
from guichet.errors import Invalid

NAME = "manifest.json"

# A path inside the backup, and never out of it.
Part = Annotated[str, Field(pattern=r"^[a-z_]+(/[a-z_]+)*\.jsonl\.gz$", max_length=200)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TablePart(_Strict):
    """The rows of one table. `later` columns name rows of the same table: they are put in
    when all rows are."""

    name: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    columns: list[tuple[Annotated[str, Field(pattern=r"^[a-z_0-9]+$")], Literal["", "time", "bytes", "json", "bool"]]]
    later: list[str]
    rows: int
    part: Part
    sha256: Sha256

    def shape(self) -> Shape:
        return Shape(self.name, tuple(self.columns))


class FilesPart(_Strict):
    """The list of files: key, size and SHA-256 of each; they lie in `files/` by their keys.
    `missing` were named by rows and not there when the backup was made."""

    part: Part
    sha256: Sha256
    count: int
    bytes: int
    missing: list[str]


class WordsPart(_Strict):
    """The index of words, in backups of before 0014: it is made anew from the messages."""

    part: Part
    sha256: Sha256
    rows: int


class Manifest(_Strict):
    guichet: Literal["backup"] = "backup"
    version: Literal[1] = 1
    made_at: datetime
    schema_revision: str
    database: str
    public_url: str
    keys: dict[str, Sha256]  # check values of the keys that something is sealed or signed with
    tables: list[TablePart]
    words: WordsPart | None = None
    files: FilesPart


def parse(text: str | bytes) -> Manifest:
    """Raises Invalid for what is no manifest of ours."""
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "-"
        raise Invalid(
            say("this is no backup that this program reads: {where}: {fault}", where=where, fault=str(first["msg"]))
        ) from None


def check_value(key: bytes) -> str:
    """Tells one key from another and gives none away (HMAC-SHA256, 32 random bytes as key)."""
    return hmac.new(key, b"guichet backup: is this the key?", hashlib.sha256).hexdigest()


def check_values(used: Sequence[str], keys: Mapping[str, bytes]) -> dict[str, str]:
    """Of the keys in use. One that is in use and not here cannot be checked; what is sealed
    with it was lost before the backup."""
    return {key_id: check_value(keys[key_id]) for key_id in sorted(set(used)) if key_id in keys}


def require_keys(manifest: Manifest, keys: Mapping[str, bytes]) -> None:
    """Raises Invalid unless every key that the backup needs is here, and is the same."""
    wrong: dict[str, str] = {}
    for key_id, check in manifest.keys.items():
        if key_id not in keys:
            wrong[key_id] = say("is missing")
        elif not hmac.compare_digest(check_value(keys[key_id]), check):
            wrong[key_id] = say("is another key than the one of this name when the backup was made")
    if wrong:
        raise Invalid("GUICHET_SECRET_KEYS cannot open the tokens in this backup", wrong)
