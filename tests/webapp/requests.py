"""A request that every unsafe route would carry out, if its sender had the right: so that a
refusal is about the right and not about the form. A route that is missing here fails."""

from __future__ import annotations

import io
from typing import Any

from tests.bulk.zips import packed
from tests.webapp.site import API
from tests.webapp.world import Place

_TIME = {"wall_time": "2026-03-11T09:00", "time_zone": "Europe/Paris"}
_LATER = "2026-03-11T09:00:00Z"
_CONDITION = {"field": "text", "operator": "contains", "value": "x"}


def body_for(method: str, rule: str, place: Place) -> dict[str, Any]:
    """Keyword arguments for the test client. Raises KeyError for a route nobody thought of."""
    name = f"{method} {rule.removeprefix(API)}"
    if name == "POST /media":
        return {"data": {"file": (io.BytesIO(b"GIF89a"), "a.gif")}}
    if name == "POST /imports/read":
        return {"data": {"file": (io.BytesIO(b"Text\nhello\n"), "a.csv")}}
    if name == "POST /imports/unpack":
        return {"data": {"file": (io.BytesIO(packed({"a.csv": b"Text\nhello\n"})), "a.zip")}}
    bodies = _bodies(place.ids)
    return {"json": bodies[name]} if name in bodies else {"json": {**_EMPTY[name]}}


_EMPTY: dict[str, dict[str, Any]] = {
    name: {}
    for name in (
        "PATCH /me",
        "POST /me/sign-out",
        "POST /conversations/<int:id>/claim",
        "POST /conversations/<int:id>/release",
        "POST /conversations/<int:id>/follow",
        "POST /conversations/<int:id>/unmerge",
        "POST /conversations/<int:id>/unfollow",
        "POST /conversations/<int:id>/assign",
        "POST /conversations/<int:id>/wait-internally",
        "POST /conversations/<int:id>/resolve",
        "POST /conversations/<int:id>/reopen",
        "POST /conversations/<int:id>/close",
        "POST /conversations/<int:id>/end-rush",
        "POST /conversations/<int:id>/spam",
        "POST /conversations/<int:id>/presence",
        "POST /conversations/<int:id>/answers/<int:message_id>/take-back",
        "POST /conversations/<int:id>/answers/<int:message_id>/cancel",
        "POST /posts/<int:id>/publish",
        "POST /posts/<int:id>/approve",
        "POST /posts/<int:id>/reject",
        "POST /posts/<int:id>/cancel",
        "POST /imports/<int:id>/undo",
        "POST /posts/<int:id>/seen",
        "DELETE /review-links/<int:id>",
        "DELETE /media/<int:id>",
        "POST /media/<int:id>/renditions",
        "POST /media/<int:id>/cut",
        "POST /media/<int:id>/renditions/<int:rendition_id>/cancel",
        "POST /media/<int:id>/renditions/<int:rendition_id>/retry",
        "POST /posts/<int:id>/following/cancel",
        "POST /posts/<int:id>/following/approve",
        "POST /deliveries/<int:id>/retry",
        "POST /deliveries/<int:id>/cancel",
        "POST /deliveries/<int:id>/take-over",
        "POST /deliveries/<int:id>/take-down",
        "POST /accounts/<int:id>/disconnect",
        "POST /accounts/<int:id>/check",
        "POST /accounts/<int:id>/compare",
        "POST /discrepancies/<int:id>/seen",
        "POST /dead-letters/<int:id>/replay",
        "POST /staff/<int:id>/disable",
        "POST /staff/<int:id>/enable",
        "DELETE /customers/<int:id>/notes/<int:note_id>",
        "POST /alerts/<int:id>/acknowledge",
        "PATCH /alert-policies/<int:id>",
        "DELETE /alert-policies/<int:id>",
        "DELETE /alert-hooks/<int:id>",
        "DELETE /views/<int:id>",
        "DELETE /labels/<int:id>",
        "DELETE /topics/<int:id>",
        "DELETE /post-tags/<int:id>",
        "DELETE /hashtag-sets/<int:id>",
        "DELETE /post-templates/<int:id>",
        "DELETE /contacts/<int:id>",
        "DELETE /calendar-feeds/<int:id>",
        "PATCH /evergreen-queues/<int:id>",
        "DELETE /evergreen-queues/<int:id>",
        "PUT /evergreen-items/<int:id>",
        "DELETE /evergreen-items/<int:id>",
        "DELETE /evergreen-items/<int:id>/wordings/<int:post_id>",
        "DELETE /canned-replies/<int:id>",
        "DELETE /rules/<int:id>",
        "DELETE /macros/<int:id>",
        "POST /bulk-replies/<int:id>/look",
        "POST /bulk-replies/<int:id>/stop",
        "DELETE /bulk-replies/<int:id>",
        "DELETE /promises/<int:id>",
        "DELETE /posts/<int:id>",
        "DELETE /teams/<int:id>",
        "DELETE /grants/<int:id>",
        "DELETE /tokens/<int:id>",
    )
}


def _bodies(ids: dict[str, int]) -> dict[str, Any]:
    variants = [{"account_id": ids["accounts"]}]
    rows = [{"row": 2, "cells": {"text": "hello", "accounts": str(ids["accounts"])}}]
    connect = {"network": "bluesky", "brand_id": ids["brands"], "form": {"identifier": "a", "password": "b"}}
    return {
        "POST /me/password": {"old": "not the old one", "new": "a long new passphrase"},
        "POST /conversations/<int:id>/reply": {"text": "hello", "seen_through": 10**6},
        "POST /conversations/<int:id>/messages/<int:message_id>/show": {},
        "POST /conversations/<int:id>/messages/<int:message_id>/unhide": {},
        "POST /conversations/<int:id>/messages/<int:message_id>/hide": {},
        "POST /conversations/<int:id>/messages/<int:message_id>/unlike": {},
        "POST /conversations/<int:id>/messages/<int:message_id>/like": {},
        "POST /conversations/<int:id>/answers/<int:message_id>/send-now": {"seen_through": ids["message"]},
        "POST /conversations/<int:id>/answers/<int:message_id>/approve": {
            "content_hash": "0", "seen_through": ids["message"],
        },
        "POST /conversations/<int:id>/answers/<int:message_id>/reject": {"reason": "no"},
        "POST /conversations/<int:id>/answers/<int:message_id>/move": {"later": _TIME},
        "POST /conversations/<int:id>/note": {"text": "hello"},
        "POST /deliveries/<int:id>/amend": {"text": "hello"},
        "POST /conversations/<int:id>/snooze": {"until": _LATER},
        "POST /conversations/<int:id>/side-conversations": {
            "account_id": ids["accounts"], "to": [{"address": "desk@out.example"}], "subject": "s", "text": "t",
        },
        "POST /conversations/<int:id>/side-conversations/<int:side_id>/messages": {"text": "t"},
        "POST /conversations/<int:id>/merge": {"into_id": ids["other_conversation"]},
        "POST /conversations/<int:id>/split": {"message_id": ids["message"]},
        "POST /conversations/<int:id>/link": {"other_id": ids["other_conversation"]},
        "POST /conversations/<int:id>/unlink": {"other_id": ids["other_conversation"]},
        "POST /conversations/<int:id>/pool": {"topic_id": ids["topics"]},
        "POST /topics": {"name": "a topic"},
        "PATCH /topics/<int:id>": {"reviewed": True},
        "PUT /me/notice-mails": {"choices": {"mentioned": "daily"}, "daily_at": "08:00"},
        "PUT /conversations/<int:id>/fields": {"values": {}},
        "PUT /customers/<int:id>/fields": {"values": {}},
        "POST /fields": {
            "brand_id": ids["brands"], "subject": "conversation", "key": "code", "name": "Code", "kind": "text",
        },
        "PATCH /fields/<int:id>": {"name": "Code"},
        "PUT /conversations/<int:id>/labels": {"label_ids": [ids["labels"]]},
        "PUT /conversations/<int:id>/priority": {"priority": "high"},
        "PUT /conversations/<int:id>/draft": {"text": "hello"},
        "PUT /conversations/<int:id>/seen": {"through": None},
        "PATCH /customers/<int:id>": {"note": "hello"},
        "POST /customers/<int:id>/join": {"other_id": ids["other_customer"]},
        "POST /customers/<int:id>/separate": {"join_id": 1},
        "POST /customers/<int:id>/notes": {"text": "hello"},
        "POST /notices/seen": {"ids": None},
        "POST /alert-hooks": {"brand_id": ids["brands"], "name": "desk", "url": "https://hook.example/"},
        "POST /alert-policies": {
            "brand_id": ids["brands"], "name": "night", "events": [{"kind": "broken"}],
            "steps": [{"whom": "staff", "value": ids["staff"], "ways": ["page"], "minutes": 5}],
        },
        "POST /views": {"name": "v", "filters": {}, "shared": True},
        "POST /labels": {"name": "l"},
        "PATCH /labels/<int:id>": {"name": "l"},
        "POST /post-tags": {"brand_id": ids["brands"], "kind": "label", "name": "l"},
        "PATCH /post-tags/<int:id>": {"name": "l"},
        "POST /link-previews": {"url": "http://127.0.0.1:9/"},
        "POST /link-previews/pictures": {"media_id": ids["media"]},
        "POST /hashtag-sets": {"brand_id": ids["brands"], "name": "h", "tags": ["one"]},
        "PATCH /hashtag-sets/<int:id>": {"name": "h"},
        "POST /contacts": {"brand_id": ids["brands"], "name": "c", "handles": {"x": "someone"}},
        "PATCH /contacts/<int:id>": {"name": "c"},
        "POST /post-templates": {"brand_id": ids["brands"], "name": "t", "text": "On {date}"},
        "PATCH /post-templates/<int:id>": {"name": "t"},
        "POST /post-templates/<int:id>/fill": {"values": {}},
        "POST /calendar-feeds": {"brand_id": ids["brands"], "name": "mine"},
        "POST /evergreen-queues": {
            "brand_id": ids["brands"], "name": "tips", "account_ids": [ids["accounts"]],
        },
        "POST /evergreen-queues/<int:id>/items": {"post_id": ids["posts"]},
        "PUT /evergreen-queues/<int:id>/order": {"item_ids": [ids["evergreen-items"]]},
        "POST /evergreen-items/<int:id>/wordings": {"text": "otherwise"},
        "POST /posts/tags": {"post_ids": [ids["posts"]], "add": [ids["post-tags"]]},
        "POST /canned-replies": {"name": "c", "text": "t", "brand_id": ids["brands"]},
        "PATCH /canned-replies/<int:id>": {"text": "t"},
        "POST /promises": {"name": "Everybody", "first_minutes": 60},
        "PATCH /promises/<int:id>": {"first_minutes": 30},
        "POST /promises/order": {"ids": [ids["promises"]]},
        "POST /promises/preview": {"first_minutes": 15},
        "POST /rules": {"name": "r", "conditions": [_CONDITION], "actions": [{"kind": "priority", "value": 2}]},
        "PATCH /rules/<int:id>": {"on": True},
        "POST /bulk-replies": {"conversation_ids": [ids["other_conversation"]]},
        "PATCH /bulk-replies/<int:id>": {"pace": 5},
        "PATCH /bulk-replies/<int:id>/rows/<int:row_id>": {"out": True},
        "POST /bulk-replies/<int:id>/send": {"version": 1},
        "POST /macros": {"name": "m", "own": False, "actions": [{"kind": "priority", "value": 2}]},
        "PATCH /macros/<int:id>": {"name": "m"},
        "POST /macros/order": {"ids": [ids["macros"]]},
        "POST /macros/<int:id>/preview": {"conversation_ids": [ids["conversations"]]},
        "POST /macros/<int:id>/apply": {"conversation_ids": [ids["conversations"]]},
        "POST /macros/undo": {"conversation_id": ids["conversations"], "event_id": 1},
        "POST /rules/order": {"ids": []},
        "POST /rules/preview": {"conditions": [_CONDITION]},
        "POST /posts": {"brand_id": ids["brands"], "text": "t", "variants": variants},
        "POST /posts/preflight": {"text": "t", "variants": variants},
        "POST /posts/split": {"text": "t", "account_ids": [v["account_id"] for v in variants]},
        "POST /imports/check": {"rows": rows},
        "POST /imports": {"rows": rows, "how": "draft"},
        "POST /imports/discard": {"media_ids": [1]},
        "POST /imports/fetch": {"url": "http://127.0.0.1:9/a.png"},
        "PATCH /posts/<int:id>": {"version": 1, "text": "t"},
        "POST /posts/<int:id>/submit": _TIME,
        "POST /posts/<int:id>/schedule": _TIME,
        "POST /posts/<int:id>/reschedule": _TIME,
        "POST /posts/<int:id>/queue": {"together": True},
        "PUT /accounts/<int:id>/monthly-limit": {"amount": None},
        "POST /accounts/<int:id>/gap/seen": {"stream": "direct"},
        "POST /recurrences/preview": {**_TIME, "rule": "FREQ=DAILY;COUNT=2"},
        "POST /posts/<int:id>/repeat": {**_TIME, "rule": "FREQ=DAILY;COUNT=2"},
        "PATCH /posts/<int:id>/following": {"version": 1, "text": "hello"},
        "POST /posts/<int:id>/following/reschedule": _TIME,
        "PUT /accounts/<int:id>/slots": {"slots": [{"weekday": 1, "at": "09:00", "label": "tips"}]},
        "POST /approvals/decide": {"choice": "approve", "posts": [{"id": ids["posts"], "version": 1}]},
        "POST /posts/<int:id>/send-unapproved": {"reason": "nobody is here"},
        "POST /posts/<int:id>/comments": {"text": "is this so?"},
        "POST /review-links": {"post_ids": [ids["posts"]], "name": "A guest"},
        "PUT /brands/<int:id>/approval-policy": {"steps": [{"name": "Legal", "external": True}]},
        "PUT /brands/<int:id>/link-rule": {"on": True, "domains": ["klm.com"], "patterns": {"source": "{network}"}},
        "POST /brands/<int:id>/link-rule/examples": {"on": True, "domains": ["klm.com"]},
        "PATCH /media/<int:id>": {"alt": "a"},
        "POST /deliveries/resolve": {
            "choice": "drop", "deliveries": [{"id": ids["deliveries"], "generation": 1}],
        },
        "POST /deliveries/<int:id>/resolve": {"choice": "drop"},
        "POST /brake": {"on": True, "scope": "account", "scope_id": ids["accounts"]},
        "PATCH /accounts/<int:id>": {"time_zone": "UTC"},
        "POST /accounts/connect": {"network": "mastodon", "brand_id": ids["brands"], "form": {"instance": "x.invalid"}},
        "POST /accounts/sign-in": connect,
        "POST /brands": {"name": "b"},
        "PATCH /brands/<int:id>": {"time_zone": "UTC"},
        "POST /calendars": {"name": "c", "time_zone": "UTC", "intervals": {"0": [["09:00", "17:00"]]}},
        "PATCH /calendars/<int:id>": {"time_zone": "UTC"},
        "POST /staff": {"email": "new@example.org", "name": "New", "password": "correct horse battery"},
        "PATCH /staff/<int:id>": {"name": "N"},
        "POST /teams": {"name": "t"},
        "PATCH /teams/<int:id>": {"name": "t"},
        "POST /grants": {"staff_id": ids["staff"], "account_id": ids["accounts"], "role": "viewer"},
        "POST /tokens": {"name": "t", "scopes": ["read"]},
    }  # fmt: skip
