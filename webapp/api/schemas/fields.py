"""Custom fields and what stands in them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictFloat, StrictInt, StringConstraints

from webapp.api.schemas.common import Id, In, Name, Out, storable

Subject = Literal["conversation", "customer"]
Kind = Literal["text", "number", "choice", "choices", "date", "yes_no"]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Mask = Annotated[str, StringConstraints(max_length=60), AfterValidator(storable)]
ChoiceName = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(storable)]
Bound = Annotated[str, StringConstraints(pattern=r"^(-?[0-9]{1,13}(\.[0-9]{1,6})?)?$")]
Given = (
    StrictBool
    | StrictInt
    | StrictFloat
    | Annotated[str, Field(max_length=2_000)]
    | Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=100)]
    | None
)
MASK = "of a text: A a letter, 9 a digit, * either, a backslash takes the next sign as it is; empty: any text"


class FieldChoice(In):
    """`key` is what a value holds, `name` what is shown."""

    key: Key
    name: ChoiceName


class CustomFieldNew(In):
    """`brand_id` null: a field of all brands."""

    brand_id: Id | None = None
    subject: Subject
    key: Key
    name: Name
    kind: Kind
    mask: Mask = Field("", description=MASK)
    least: Bound = Field("", description="of a number, as a decimal")
    most: Bound = ""
    choices: list[FieldChoice] = Field(default_factory=list, max_length=100)
    required: bool = Field(False, description="people fill it in before they close a conversation")


class CustomFieldChange(In):
    """What is not named stays as it is. Subject, key, kind and brand stay as they were made."""

    name: Name | None = None
    mask: Mask | None = Field(None, description=MASK)
    least: Bound | None = None
    most: Bound | None = None
    choices: list[FieldChoice] | None = Field(None, max_length=100)
    required: bool | None = None
    archived: bool | None = None
    place: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="among the fields of its brand and subject, from 1"
    )


class FieldChoiceOut(Out):
    key: str
    name: str


class FieldShape(Out):
    id: int
    subject: Subject
    key: str
    name: str
    kind: Kind
    mask: str
    least: str
    most: str
    choices: list[FieldChoiceOut]
    required: bool


class CustomField(FieldShape):
    brand_id: int | None
    archived: bool
    place: int
    may_change: bool


class FilledField(FieldShape):
    """`value`: text, also of a number, a choice (its key) and a date (2026-01-31); true or false;
    the keys of several choices; null where nothing stands."""

    value: str | bool | list[str] | None


class FieldValues(In):
    """By key. null, or an empty text, takes a value away. What is not named stays as it is."""

    values: dict[Key, Given] = Field(max_length=100)


class FilledFields(Out):
    fields: list[FilledField]
