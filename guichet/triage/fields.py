"""What rules ask of custom fields and fill into them: whether it can be, before a rule is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from guichet.errors import Invalid
from guichet.inbox import field_finding, field_values


def problems(
    session: Session,
    conditions: Sequence[Mapping[str, Any]],
    actions: Sequence[Mapping[str, Any]],
    brand_id: int | None,
) -> dict[str, str]:
    """What cannot be, by dotted field name, of what has the form that guichet.triage.rules asks for."""
    found: dict[str, str] = {}
    for n, condition in enumerate(conditions):
        for said in condition["value"] if condition["field"] == "custom" else ():
            try:
                field_finding.refuse_unknown(session, said, brand_id)
            except Invalid as e:
                found.setdefault(f"conditions.{n}.value", e.fields["q"])
    for n, action in enumerate(actions):
        if action["kind"] == "field":
            try:
                field_values.refuse_unfit(session, action["value"], brand_id)
            except Invalid as e:
                found[f"actions.{n}.value"] = e.fields["value"]
    return found
