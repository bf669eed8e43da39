"""Reading what a company has set up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from guichet.configuration.document import (
    AccountPart,
    ApprovalPart,
    ApprovalStepPart,
    BrandPart,
    CalendarPart,
    CannedPart,
    ContactPart,
    Document,
    FieldChoicePart,
    FieldPart,
    GrantPart,
    HashtagSetPart,
    LabelPart,
    LinkExceptionPart,
    LinkRulePart,
    MacroPart,
    PostTagPart,
    PostTemplatePart,
    PromisePart,
    PromiseStepPart,
    QueuePart,
    RulePart,
    SlotPart,
    StaffPart,
    TeamPart,
    TopicPart,
    ViewPart,
)
from guichet.configuration.rules import Index, account_keys, named_actions, named_conditions, named_filters
from guichet.evergreen.queues import setting_of
from guichet.evergreen.reading import list_queues
from guichet.inbox.fields import in_order
from guichet.inbox.topics import experts_of
from guichet.metering.rules import MICROS
from guichet.models import (
    Account,
    ApprovalPolicy,
    Brand,
    Calendar,
    CannedReply,
    Contact,
    CustomField,
    Grant,
    HashtagSet,
    Label,
    Macro,
    PostTag,
    PostTemplate,
    PromisePolicy,
    Rule,
    SavedView,
    Staff,
    Team,
    TeamMember,
    Topic,
)
from guichet.models import (
    LinkRule as LinkRuleRow,
)
from guichet.policy import Action, Actor, require
from guichet.publishing.linking import find_rules
from guichet.publishing.slots import weeks_of
from guichet.publishing.steps import Step, step_of

# What somebody must hold to read, or change, all of it.
NEEDED = (
    Action.BRAND_MANAGE, Action.STAFF_MANAGE, Action.TEAM_MANAGE, Action.GRANT_MANAGE, Action.ACCOUNT_CONNECT,
    Action.RULE_MANAGE, Action.CANNED_MANAGE, Action.LABEL_MANAGE,
)  # fmt: skip


def require_all(actor: Actor) -> None:
    """Raises NotAllowed for who does not manage everything."""
    for action in NEEDED:
        require(actor, action)


def export_configuration(session: Session, actor: Actor, now: datetime) -> Document:
    """Everything as a document, in a steady order. Grants that have ended are left out, and
    disabled people are in no team."""
    require_all(actor)
    known = index_of(session)
    return Document(
        exported_at=now,
        calendars=[
            CalendarPart(name=c.name, time_zone=c.time_zone, intervals=c.intervals, holidays=c.holidays)
            for c in session.scalars(select(Calendar).order_by(Calendar.name))
        ],
        staff=[_staff(s) for s in session.scalars(select(Staff).order_by(Staff.email))],
        teams=_teams(session),
        brands=[_brand(b, known) for b in session.scalars(select(Brand).order_by(Brand.name))],
        approvals=_approvals(session, known),
        accounts=_accounts(session, actor, known),
        grants=_grants(session, known, now),
        topics=_topics(session, known),
        labels=[LabelPart(name=x.name, colour=x.colour) for x in session.scalars(select(Label).order_by(Label.name))],
        post_tags=[
            PostTagPart(brand=known.names["brand"][x.brand_id], kind=x.kind, name=x.name, colour=x.colour)
            for x in session.scalars(select(PostTag).order_by(PostTag.brand_id, PostTag.kind, PostTag.folded))
        ],
        link_rules=_link_rules(session, known),
        queues=_queues(session, actor, known),
        hashtag_sets=[
            HashtagSetPart(brand=known.names["brand"][x.brand_id], name=x.name, tags=x.tags)
            for x in session.scalars(select(HashtagSet).order_by(HashtagSet.brand_id, HashtagSet.folded))
        ],
        post_templates=[
            PostTemplatePart(brand=known.names["brand"][x.brand_id], name=x.name, text=x.text, variants=x.variants)
            for x in session.scalars(select(PostTemplate).order_by(PostTemplate.brand_id, PostTemplate.folded))
        ],
        contacts=[
            ContactPart(
                brand=known.name("brand", x.brand_id), name=x.name, handles={h.network: h.handle for h in x.handles}
            )
            for x in sorted(session.scalars(select(Contact)), key=lambda x: (x.brand_id or 0, x.folded))
        ],
        fields=[
            FieldPart(
                brand=known.name("brand", x.brand_id), subject=x.subject, key=x.key, name=x.name, kind=x.kind,
                mask=x.mask, least=x.least, most=x.most, is_required=x.is_required, archived=x.archived_at is not None,
                choices=[FieldChoicePart(key=key, name=name) for key, name in x.choices],
            )
            for x in in_order(session.scalars(select(CustomField)).all())
        ],
        promises=_promises(session, known),
        rules=_rules(session, known),
        canned_replies=[
            CannedPart(
                title=c.title, brand=known.name("brand", c.brand_id), shortcut=c.shortcut, text=c.text,
                language=c.language, folder=c.folder, translations=c.translations, valid_from=c.valid_from,
                valid_until=c.valid_until,
            )
            for c in session.scalars(select(CannedReply).order_by(CannedReply.title, CannedReply.id))
        ],
        macros=_macros(session, known),
        views=[
            ViewPart(name=v.name, owner=known.name("staff", v.staff_id), filters=named_filters(v.filters, known))
            for v in session.scalars(select(SavedView).order_by(SavedView.position, SavedView.id))
        ],
    )  # fmt: skip


def index_of(session: Session) -> Index:
    """Names by kind and id, of everything that a document refers to."""
    accounts = session.execute(select(Account.id, Account.network, Account.handle).order_by(Account.id)).all()
    pairs = {
        "calendar": session.execute(select(Calendar.id, Calendar.name)).tuples().all(),
        "staff": session.execute(select(Staff.id, Staff.email)).tuples().all(),
        "team": session.execute(select(Team.id, Team.name)).tuples().all(),
        "brand": session.execute(select(Brand.id, Brand.name)).tuples().all(),
        "label": session.execute(select(Label.id, Label.name)).tuples().all(),
        "topic": session.execute(select(Topic.id, Topic.name)).tuples().all(),
    }
    names: dict[str, Mapping[int, str]] = {kind: dict(rows) for kind, rows in pairs.items()}
    names["account"] = account_keys([(i, network, handle) for i, network, handle in accounts])
    return Index(names)


def _staff(row: Staff) -> StaffPart:
    return StaffPart(
        email=row.email, name=row.name, initials=row.initials, role=row.role,
        locale="fr" if row.locale == "fr" else "en", time_zone=row.time_zone, skills=row.skills,
        languages=row.languages, capacity=row.capacity, answers_reviewed=row.answers_reviewed,
        disabled=row.disabled_at is not None,
    )  # fmt: skip


def _teams(session: Session) -> list[TeamPart]:
    members = selectinload(Team.members).joinedload(TeamMember.staff)
    return [
        TeamPart(
            name=t.name,
            assignment=t.assignment,
            queue_order=t.queue_order,
            hourly_cap=t.hourly_cap,
            members=sorted(m.staff.email for m in t.members if m.staff.disabled_at is None),
            leads=sorted(m.staff.email for m in t.members if m.is_lead and m.staff.disabled_at is None),
        )
        for t in session.scalars(select(Team).options(members).order_by(Team.name))
    ]


def _brand(row: Brand, known: Index) -> BrandPart:
    return BrandPart(
        name=row.name, time_zone=row.time_zone, languages=row.languages, signs_with_initials=row.signs_with_initials,
        expert_credit=row.expert_credit,
        needs_approval=row.needs_approval, needs_alt_text=row.needs_alt_text,
        calendar=known.name("calendar", row.calendar_id), default_team=known.name("team", row.default_team_id),
        close_after_days=row.close_after_days, late_limit_minutes=row.late_limit_minutes, keep_days=row.keep_days,
    )  # fmt: skip


def _approvals(session: Session, known: Index) -> list[ApprovalPart]:
    """Every brand's policy; where none was written, what holds without one."""
    written = {p.brand_id: p for p in session.scalars(select(ApprovalPolicy))}
    brands = sorted(known.names["brand"].items(), key=lambda b: b[1])
    return [_approval(name, written.get(id_), known) for id_, name in brands]


def _approval(brand: str, row: ApprovalPolicy | None, known: Index) -> ApprovalPart:
    if row is None:
        return ApprovalPart(brand=brand)
    return ApprovalPart(
        brand=brand,
        steps=[_step(step_of(s), known) for s in row.steps],
        authors_may_approve=row.authors_may_approve,
        binds_time=row.binds_time,
    )


def _step(step: Step, known: Index) -> ApprovalStepPart:
    """Who is gone is left out; where nobody is left it is the deputies' turn, as it is here."""

    def names(kind: str, ids: Iterable[int]) -> list[str]:
        return [n for i in ids if (n := known.name(kind, i))]

    staff, teams, deputies = names("staff", step.staff), names("team", step.teams), names("staff", step.deputies)
    asks_all = step.need == "all" and (staff or teams or step.external)
    if not (step.is_open or staff or teams or step.external):
        staff, deputies = deputies, []
    return ApprovalStepPart(
        name=step.name, need="all" if asks_all else "any", staff=staff, teams=teams, external=step.external,
        deputies=deputies, deputy_after=step.deputy_after if deputies else None,
    )  # fmt: skip


def _accounts(session: Session, actor: Actor, known: Index) -> list[AccountPart]:
    wanted = select(Account).options(joinedload(Account.brand)).order_by(Account.network, Account.id)
    rows = session.scalars(wanted).all()
    weeks = weeks_of(session, actor, [a.id for a in rows])
    return [
        AccountPart(
            key=known.names["account"][a.id], network=a.network, base_url=a.base_url, remote_id=a.remote_id,
            handle=a.handle, name=a.name, brand=a.brand.name, time_zone=a.time_zone, rehearsal=a.is_rehearsal,
            min_gap_minutes=a.min_gap_minutes, duplicate_days=a.duplicate_days,
            clash_policy="refuse" if a.clash_policy == "refuse" else "warn", compares=a.compares,
            approval=a.approval, monthly_limit=None if a.monthly_limit is None else a.monthly_limit / MICROS,
            slots=[SlotPart(weekday=s.weekday, at=s.at, label=s.label) for s in weeks.get(a.id, ())],
        )
        for a in rows
    ]  # fmt: skip


def _queues(session: Session, actor: Actor, known: Index) -> list[QueuePart]:
    rows = [(known.names["brand"][q.brand_id], setting_of(q)) for q in list_queues(session, actor)]
    return [
        QueuePart(
            brand=brand, name=q.name, accounts=[known.names["account"][i] for i in q.account_ids], label=q.label,
            slots=[SlotPart(weekday=s.weekday, at=s.at) for s in q.week],
            ordering="shuffled" if q.ordering == "shuffled" else "listed", rest_days=q.rest_days,
            horizon_days=q.horizon_days, paused=q.is_paused,
        )
        for brand, q in sorted(rows, key=lambda row: (row[0], row[1].name))
    ]  # fmt: skip


def _grants(session: Session, known: Index, now: datetime) -> list[GrantPart]:
    lasting = or_(Grant.ends_at.is_(None), Grant.ends_at > now)
    return [
        GrantPart(
            staff=known.name("staff", g.staff_id), team=known.name("team", g.team_id),
            account=known.name("account", g.account_id), brand=known.name("brand", g.brand_id), role=g.role,
            ends_at=g.ends_at,
        )
        for g in session.scalars(select(Grant).where(lasting).order_by(Grant.id))
    ]  # fmt: skip


def _rules(session: Session, known: Index) -> list[RulePart]:
    """Without those that had nothing left to do, because what they did it with is gone."""
    rows = session.scalars(select(Rule).order_by(Rule.position, Rule.id))
    return [part for part in (_rule(row, known) for row in rows) if part.actions]


def _rule(row: Rule, known: Index) -> RulePart:
    return RulePart(
        name=row.name,
        brand=known.name("brand", row.brand_id),
        on=row.is_on,
        stops=row.stops,
        since=row.since,
        after_minutes=row.after_minutes,
        in_hours=row.in_hours,
        conditions=named_conditions(row.conditions, known),
        actions=named_actions(row.actions, known),
    )


def _topics(session: Session, known: Index) -> list[TopicPart]:
    rows = session.scalars(select(Topic).order_by(Topic.name)).all()
    experts = experts_of(session, [row.id for row in rows])
    return [
        TopicPart(
            name=row.name, brand=known.name("brand", row.brand_id), reviewed=row.reviewed,
            return_minutes=row.return_minutes, experts=sorted(one.email for one in experts.get(row.id, ())),
        )
        for row in rows
    ]  # fmt: skip


def _macros(session: Session, known: Index) -> list[MacroPart]:
    """Without those that had nothing left to do, because what they did it with is gone."""
    parts = [
        MacroPart(
            name=x.name, owner=known.name("staff", x.staff_id), team=known.name("team", x.team_id),
            brand=known.name("brand", x.brand_id), actions=named_actions(x.actions, known),
        )
        for x in session.scalars(select(Macro).order_by(Macro.position, Macro.id))
    ]  # fmt: skip
    return [part for part in parts if part.actions]


def _link_rules(session: Session, known: Index) -> list[LinkRulePart]:
    """Those that were written, by the brand's name."""
    rules = find_rules(session, session.scalars(select(LinkRuleRow.brand_id)).all())
    parts = [
        LinkRulePart(
            brand=known.names["brand"][brand_id], on=rule.is_on, domains=list(rule.domains),
            patterns=dict(rule.patterns),
            exceptions=[
                LinkExceptionPart(network=e.network, on=e.is_on, patterns=dict(e.patterns)) for e in rule.exceptions
            ],
        )
        for brand_id, rule in rules.items()
    ]  # fmt: skip
    return sorted(parts, key=lambda part: part.brand)


def _promises(session: Session, known: Index) -> list[PromisePart]:
    """In order of trial. A condition that only asks for what is gone holds for nobody, so that its
    promise is left out; so is a step that has nothing left to do."""
    in_use = select(PromisePolicy).where(PromisePolicy.removed_at.is_(None))
    parts = [_promise(row, known) for row in session.scalars(in_use.order_by(PromisePolicy.position, PromisePolicy.id))]
    return [part for part in parts if all(c["value"] for c in part.conditions)]


def _promise(row: PromisePolicy, known: Index) -> PromisePart:
    steps = [
        PromiseStepPart(of=s["of"], percent=s["percent"], actions=named_actions(s["actions"], known)) for s in row.steps
    ]
    return PromisePart(
        name=row.name, brand=known.name("brand", row.brand_id), on=row.is_on,
        conditions=named_conditions(row.conditions, known), first_minutes=row.first_minutes,
        next_minutes=row.next_minutes, resolution_minutes=row.resolution_minutes, runs_always=row.runs_always,
        steps=[s for s in steps if s.actions],
    )  # fmt: skip
