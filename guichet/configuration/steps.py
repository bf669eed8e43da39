"""One import at work: which step each part of the document asks for, and what was wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from channels.contract import ChannelSpec
from guichet.configuration.queries import index_of
from guichet.configuration.rules import Numbers, Unknown, key_of
from guichet.errors import GuichetError
from guichet.policy import Actor

Row = TypeVar("Row")


@dataclass(frozen=True)
class Step:
    """What an import does with one part: create, change (`fields`) or leave."""

    kind: str
    name: str
    does: str
    fields: tuple[str, ...] = ()


@dataclass
class Import:
    """The transaction, what was done so far, and what every name means here. `networks`, `specs` and
    `filter_problems` are what only an edge knows: which networks there are, each with
    the most that one post may cost there (None: it charges nothing) and their facts, and what is wrong
    with a filter of the inbox, by field."""

    session: Session
    actor: Actor
    now: datetime
    networks: Mapping[str, float | None]
    filter_problems: Callable[[Mapping[str, Any]], Mapping[str, str]]
    specs: Mapping[str, ChannelSpec]
    steps: list[Step] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    numbers: Numbers = field(init=False)

    def __post_init__(self) -> None:
        here = index_of(self.session)
        self.numbers = Numbers({kind: {name: id_ for id_, name in of.items()} for kind, of in here.names.items()})

    @contextmanager
    def part(self, path: str) -> Iterator[None]:
        """What is wrong with this part is noted under its path, and the import goes on, so
        that all of it is said at once."""
        try:
            yield
            self.session.flush()
        except Unknown as e:
            self.problems[f"{path}.{e.path}".rstrip(".")] = str(e)
        except GuichetError as e:
            fields = getattr(e, "fields", None) or {"": e.message}
            self.problems.update({f"{path}.{where}".rstrip("."): what for where, what in fields.items()})

    def differing(
        self, kind: str, name: str, here: Mapping[str, Any] | None, wanted: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What of `wanted` is otherwise here (None: the thing is not here at all); notes the step."""
        if here is None:
            self.steps.append(Step(kind, name, "create"))
            return {}
        changes = {k: v for k, v in wanted.items() if here[k] != v}
        self.steps.append(Step(kind, name, "change" if changes else "leave", tuple(sorted(changes))))
        return changes

    def know(self, kind: str, name: str, id_: int) -> None:
        """What later parts call it."""
        self.numbers.ids[kind][key_of(kind, name)] = id_

    def id_of(self, kind: str, name: str | None, path: str = "") -> int | None:
        """The id behind a name; None for no name. Raises Unknown."""
        return None if name is None else self.numbers.id_of(kind, name, path)

    def ids_of(self, kind: str, names: list[str], path: str) -> list[int]:
        """In order of the ids. Raises Unknown."""
        return sorted({self.numbers.id_of(kind, name, f"{path}.{n}") for n, name in enumerate(names)})


def columns(row: Any, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The row's values of what is wanted, to be compared; None for no row."""
    return None if row is None else {k: getattr(row, k) for k in wanted}


class Here(defaultdict[Hashable, list[Row]]):
    """Rows by what tells them apart. Nothing keeps two from being told alike: the first is
    then the first, the second the second."""

    def __init__(self, rows: Iterable[tuple[Hashable, Row]]) -> None:
        super().__init__(list)
        for key, row in rows:
            self[key].append(row)

    def take(self, key: Hashable) -> Row | None:
        return self[key].pop(0) if self[key] else None
