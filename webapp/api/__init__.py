"""The JSON API under /api/v1: one small file for each kind of thing."""

from __future__ import annotations

from webapp.api import (
    accounts,
    approvals,
    brakes,
    brands,
    connecting,
    conversations,
    customers,
    deliveries,
    imports,
    me,
    media,
    needs,
    networks,
    numbers,
    posts,
    rules,
    search,
    series,
    slots,
    staff,
    system,
    teams,
    tokens,
    usage,
    views,
    vocabulary,
)

ROOMS = tuple(
    part.room
    for part in (
        me,
        conversations,
        customers,
        views,
        vocabulary,
        rules,
        posts,
        approvals,
        slots,
        series,
        imports,
        media,
        deliveries,
        needs,
        brakes,
        accounts,
        usage,
        connecting,
        networks,
        brands,
        staff,
        teams,
        tokens,
        numbers,
        search,
        system,
    )
)
