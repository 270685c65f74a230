"""E-mail addresses: plain, encoded in URLs, international, disguised for people; and the name before one.

Invariant: what leaves here, as it is or within JSON, does not match the rule for tables at rest, or the drain would
refuse the row. What looks like an address and is a place in code (`render@main.jsbundle:1`, `logo@2x.png`) is therefore
set apart by a space, which keeps what it says.
"""

from __future__ import annotations

import re

from telemetry_platform.processing.scrubbing.rule import Rule

_AT = ("@", "%40", "%2540", "%252540")
_CODE = r"(?:m?jsx?|cjs|tsx?|jsbundle|bundle|hbc|vue|svelte|wasm|py|rb|go|java|kt|swift|php|dart)"
_IN_CODE = re.compile(rf"(?i)(?<=[\w$>)])@(?=[\w.-]{{1,100}}\.{_CODE}[:?]\d|[2-4]x\.(?:png|jpe?g|webp|gif|svg|avif)\b)")
_EMAIL = re.compile(
    # A percent sign is a sign of the name, as in `%2B`; `%2540` is an @ that was encoded twice.
    # An apostrophe is part of a name within it only: around one, it is a quote.
    r"""(?<![\w.+%-])(?<![\w.+%-]')(?:"[^"\s@]{1,40}(?: [^"\s@]{1,40}){0,3}"|[\w.+%-]++(?:'[\w.+%-]++){0,8})"""
    r"(?:@|%(?:25){0,3}40)"
    # Not an address: 1280x720@60fps, hls.js@1.5.7, and frames of a stack such as play@https://cdn.example/app.js.
    r"(?![a-z]{2,10}:/)(?=[^\W\d_]|[\w-]{1,64}\.[\w.-]{0,64}[^\W\d_]|\d{1,3}(?:\.\d{1,3}){3}|\[)"
    r"(?:\[[\w:.]{1,64}\]|[\w.-]++)",
    re.IGNORECASE,
)
# What the rule for tables at rest takes for an e-mail. The name may hold signs that are no part of words, or, as JSON
# writes controls as letters and digits (`\n@`, `\u0001@`), be nothing but the sign before the @.
_NAME_SIGN = r"[^\s!\"#$&'()*,/:;<=>?@\[\\\]^`{|}~]"
_AT_REST = re.compile(
    rf"(?:(?<!{_NAME_SIGN}){_NAME_SIGN}++|(?<=[^ -~]))@"
    r"(?=[A-Za-z0-9-]{1,255}(?:\.[A-Za-z0-9-]{1,255}){0,64}\.[A-Za-z]{2})[A-Za-z0-9.-]++"
)
# A name before an address in angle brackets; which words of it are a name is seen by their capitals.
_NAMED = re.compile(r"""("[^"<>\n]{1,80}"|(?<![\w'.-])[\w'.-]{1,40}(?: [\w'.-]{1,40}){0,3}) ?<(?=[^<>\s]{1,200}@)""")
_NAME_AT = re.compile(
    r"(?i)(?<![\w.+-])[\w.+-]{1,64}+ {0,2}[(\[{](?:at|@)[)\]}] {0,2}[\w-]{1,64}"
    r"(?: {0,2}(?:\.|[(\[{](?:dot|\.)[)\]}]|dot) {0,2}[\w-]{1,64}){0,4}"
)
_SPOKEN = re.compile(
    r"(?i)(?<![\w.+-])[\w+-]{1,64}(?:(?: dot |\.)[\w+-]{1,64}){0,2} at [\w-]{1,64}(?: dot [\w-]{1,64}){1,4}"
)
_SPACED = re.compile(
    rf"(?i)(?<![\w.+-])[\w.+'-]{{1,64}}+ {{1,2}}@ {{1,2}}(?![\w.-]{{1,100}}\.{_CODE}(?![\w.]))"
    r"[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}"
)


def _named(match: re.Match[str]) -> str:
    """The words before the name, and the name replaced."""
    who = match.group(1)
    if who.startswith('"'):
        return '"[user]" <'
    words = who.split(" ")
    first = len(words)
    while first and words[first - 1][:1].isupper() and not words[first - 1].endswith(":"):
        first -= 1
    return match.group() if first == len(words) else " ".join([*words[:first], "[user] <"])


RULES: tuple[Rule, ...] = (
    Rule("in_code", _IN_CODE, " @", ("@",)),
    Rule("named", _NAMED, _named, ("<",)),
    Rule("email", _EMAIL, "[email]", _AT),
    Rule("email_bracketed", _NAME_AT, "[email]", ("(at)", "[at]", "{at}", "(@)", "[@]", "{@}")),
    Rule("email_spoken", _SPOKEN, "[email]", (" dot ",)),
    Rule("email_spaced", _SPACED, "[email]", (" @ ", " @  ")),
)
AT_REST: tuple[Rule, ...] = (Rule("email_at_rest", _AT_REST, "[email]", ("@",)),)
