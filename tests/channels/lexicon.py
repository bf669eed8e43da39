"""The network's own description of its shapes, and a check of values against it.

Covers what the lexicons in the test data use: objects, arrays, references, unions, blobs,
and texts with formats, lengths and grapheme counts. Source: atproto.com/specs/lexicon.
"""

from __future__ import annotations

import json
import re
import tarfile
from functools import cache
from typing import Any

import regex

from tests.channels.real_data import real_data

Schema = dict[str, Any]

FORMATS = {
    "did": r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]",
    "handle": r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?",
    "at-uri": r"at://[^/\s]+(/[a-zA-Z0-9.-]+(/[a-zA-Z0-9_~.:-]+)?)?",
    "cid": r"[a-z2-7]{20,120}",
    "datetime": r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d(\.\d{1,20})?(Z|[+-][0-2]\d:[0-5]\d)",
    "tid": r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}",
    "nsid": r"[a-zA-Z][a-zA-Z0-9.-]+",
    "record-key": r"[a-zA-Z0-9_~.:-]{1,512}",
    "uri": r"[a-z][a-z0-9+.-]*:[^\s]+",
    "language": r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]+)*",
}
FORMATS["at-identifier"] = f"({FORMATS['did']})|({FORMATS['handle']})"


class Unfit(AssertionError):
    """A value that its lexicon does not allow; says where."""


@cache
def lexicons() -> dict[str, Schema]:
    """Every lexicon by id."""
    found: dict[str, Schema] = {}
    with tarfile.open(real_data("atproto/lexicons.tar.gz")) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                document = json.load(file)
                found[document["id"]] = document["defs"]
    return found


def check_record(value: Any) -> None:
    """A record against the lexicon that its $type names. Raises Unfit."""
    _check(value, lexicons()[value["$type"]]["main"]["record"], value["$type"], "record")


def check_answer(method: str, value: Any) -> None:
    """An answer of a method. Raises Unfit."""
    _check(value, lexicons()[method]["main"]["output"]["schema"], method, method)


def check_input(method: str, value: Any) -> None:
    """What is sent to a method. Raises Unfit."""
    _check(value, lexicons()[method]["main"]["input"]["schema"], method, method)


def check_shape(name: str, value: Any) -> None:
    """A value of a named shape ("app.bsky.feed.defs#postView"). Raises Unfit."""
    _check(value, {"type": "ref", "ref": name}, "", name)


def _require(holds: bool, where: str, what: str) -> None:
    if not holds:
        raise Unfit(f"{where}: {what}")


def _check(value: Any, schema: Schema, home: str, where: str) -> None:
    {
        "object": _object,
        "array": _array,
        "ref": _ref,
        "union": _union,
        "string": _string,
        "integer": _integer,
        "boolean": _boolean,
        "blob": _blob,
        "unknown": _unknown,
    }[schema["type"]](value, schema, home, where)


def _object(value: Any, schema: Schema, home: str, where: str) -> None:
    _require(isinstance(value, dict), where, "not an object")
    for name in schema.get("required", ()):
        _require(name in value, where, f"lacks {name}")
    for name, inner in schema.get("properties", {}).items():
        if name in value and not (value[name] is None and name in schema.get("nullable", ())):
            _check(value[name], inner, home, f"{where}.{name}")


def _array(value: Any, schema: Schema, home: str, where: str) -> None:
    _require(isinstance(value, list), where, "not a list")
    _require(len(value) <= schema.get("maxLength", len(value)), where, "too many")
    for number, item in enumerate(value):
        _check(item, schema["items"], home, f"{where}[{number}]")


def _named(reference: str, home: str) -> tuple[Schema, str]:
    document, _, name = reference.partition("#")
    document = document or home
    return lexicons()[document][name or "main"], document


def _ref(value: Any, schema: Schema, home: str, where: str) -> None:
    found, document = _named(schema["ref"], home)
    _check(value, found, document, where)


def _union(value: Any, schema: Schema, home: str, where: str) -> None:
    _require(isinstance(value, dict) and "$type" in value, where, "a union needs its $type")
    for reference in schema["refs"]:
        full = f"{home}{reference}" if reference.startswith("#") else reference
        if value["$type"] == full.removesuffix("#main"):
            found, document = _named(full, home)
            return _check(value, found, document, where)
    _require(not schema.get("closed", False), where, f"{value['$type']} is none of the union's")
    raise Unfit(f"{where}: {value['$type']} is not known here")


def _string(value: Any, schema: Schema, home: str, where: str) -> None:
    _require(isinstance(value, str), where, "not a text")
    _require(len(value.encode()) <= schema.get("maxLength", 10**9), where, "too many bytes")
    _require(len(regex.findall(r"\X", value)) <= schema.get("maxGraphemes", 10**9), where, "too many graphemes")
    kind = schema.get("format")
    _require(kind is None or re.fullmatch(FORMATS[kind], value) is not None, where, f"not a {kind}: {value!r}")


def _integer(value: Any, schema: Schema, home: str, where: str) -> None:
    _require(isinstance(value, int) and not isinstance(value, bool), where, "not an integer")
    _require(schema.get("minimum", value) <= value <= schema.get("maximum", value), where, "out of range")


def _boolean(value: Any, schema: Schema, home: str, where: str) -> None:
    _require(isinstance(value, bool) and value == schema.get("const", value), where, "not that truth value")


def _blob(value: Any, schema: Schema, home: str, where: str) -> None:
    _require(isinstance(value, dict) and value.get("$type") == "blob", where, "not a file reference")
    _require(re.fullmatch(FORMATS["cid"], value.get("ref", {}).get("$link", "")) is not None, where, "no $link")
    _require(value["size"] <= schema.get("maxSize", value["size"]), where, "too large")
    accepted = schema.get("accept", ["*/*"])
    fits = any(a in ("*/*", value["mimeType"]) or a == f"{value['mimeType'].partition('/')[0]}/*" for a in accepted)
    _require(fits, where, "of a type that is not accepted")


def _unknown(value: Any, schema: Schema, home: str, where: str) -> None:
    _require(isinstance(value, dict), where, "not an object")
