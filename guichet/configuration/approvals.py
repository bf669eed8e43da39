"""Importing who must agree before a brand's posts go out.

Single accounts' own rules are with the accounts (guichet.configuration.people). A brand that
the document does not name keeps its policy, so that no import takes an approval away unsaid.
"""

from __future__ import annotations

from guichet.configuration.document import ApprovalStepPart, Document
from guichet.configuration.steps import Import
from guichet.models import ApprovalPolicy, Brand
from guichet.publishing.policies import Policy, find_policy, set_policy
from guichet.publishing.steps import Step


def import_approvals(at: Import, document: Document) -> None:
    """Policies by brand."""
    for n, part in enumerate(document.approvals):
        with at.part(f"approvals.{n}"):
            brand = at.session.get_one(Brand, at.numbers.id_of("brand", part.brand, "brand"))
            steps = tuple(_step(at, s, f"steps.{m}") for m, s in enumerate(part.steps))
            wanted = Policy(steps, part.authors_may_approve, part.binds_time)
            here = find_policy(at.session, brand.id)
            is_written = at.session.get(ApprovalPolicy, brand.id) is not None
            if is_written or wanted != here:
                at.differing("approval", part.brand, _values(here) if is_written else None, _values(wanted))
            if wanted != here:
                set_policy(at.session, at.actor, brand, wanted, {}, at.now)


def _values(policy: Policy) -> dict[str, object]:
    return {
        "steps": policy.steps,
        "authors_may_approve": policy.authors_may_approve,
        "binds_time": policy.binds_time,
    }


def _step(at: Import, part: ApprovalStepPart, path: str) -> Step:
    def ids(kind: str, names: list[str], field: str) -> tuple[int, ...]:
        found = (at.numbers.id_of(kind, name, f"{path}.{field}.{n}") for n, name in enumerate(names))
        return tuple(dict.fromkeys(found))

    return Step(
        name=part.name, need=part.need, staff=ids("staff", part.staff, "staff"),
        teams=ids("team", part.teams, "teams"), external=part.external,
        deputies=ids("staff", part.deputies, "deputies"), deputy_after=part.deputy_after,
    )  # fmt: skip
