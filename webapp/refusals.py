"""What a request's schema refuses, in words of ours: the same few phrases as the domain uses
for its fields, so that they can be said in the reader's language. Never repeats what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.sentences import Sentence, say

# By the type of pydantic's error (docs.pydantic.dev/latest/errors/validation_errors).
_PHRASES: Mapping[str, Sentence] = {
    "missing": say("is needed"),
    "extra_forbidden": say("is unknown"),
    "string_type": say("must be text"),
    "string_too_short": say("must have at least {min_length} characters"),
    "string_too_long": say("must have at most {max_length} characters"),
    "string_pattern_mismatch": say("does not have the form that is needed"),
    "string_unicode": say("holds a character that cannot be stored"),
    "too_short": say("must name at least {min_length}"),
    "too_long": say("must name at most {max_length}"),
    "greater_than": say("must be more than {gt}"),
    "greater_than_equal": say("must be at least {ge}"),
    "less_than": say("must be less than {lt}"),
    "less_than_equal": say("must be at most {le}"),
    "int_type": say("must be a whole number"),
    "int_parsing": say("must be a whole number"),
    "int_parsing_size": say("is too large a number"),
    "int_from_float": say("must be a whole number"),
    "float_type": say("must be a number"),
    "float_parsing": say("must be a number"),
    "finite_number": say("must be a number"),
    "bool_type": say("must be true or false"),
    "bool_parsing": say("must be true or false"),
    "literal_error": say("must be one of {expected}"),
    "enum": say("must be one of {expected}"),
    "list_type": say("must be a list"),
    "dict_type": say("must be an object"),
    "model_type": say("must be an object"),
    "model_attributes_type": say("must be an object"),
    "is_instance_of": say("must be a file"),
    "none_required": say("must be empty"),
    "json_invalid": say("is no JSON"),
    "timezone_aware": say("must name its time zone or offset"),
    "datetime_type": say("must be a moment, like 2026-03-29T14:30:00Z"),
    "datetime_parsing": say("must be a moment, like 2026-03-29T14:30:00Z"),
    "datetime_from_date_parsing": say("must be a moment, like 2026-03-29T14:30:00Z"),
    "datetime_object_invalid": say("must be a moment, like 2026-03-29T14:30:00Z"),
    "date_type": say("must be a day, like 2026-03-29"),
    "date_parsing": say("must be a day, like 2026-03-29"),
    "date_from_datetime_parsing": say("must be a day, like 2026-03-29"),
    "date_from_datetime_inexact": say("must be a day, like 2026-03-29"),
}
_ELSE = say("is not as it should be")


def refusal(error: Mapping[str, Any]) -> str:
    """A phrase for one of pydantic's errors (an item of `ValidationError.errors()`)."""
    context = error.get("ctx", {})
    if error["type"] == "value_error":
        said = context["error"].args[0] if context["error"].args else ""
        return said if isinstance(said, Sentence) else _ELSE
    phrase = _PHRASES.get(error["type"], _ELSE)
    return Sentence(phrase.template, {k: v if isinstance(v, int) else str(v) for k, v in context.items()})
