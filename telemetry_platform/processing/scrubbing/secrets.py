"""Secrets: tokens, keys, cookies, passwords, what stands behind their names.

Invariant: a secret that has a form of its own (a JWT, a provider's key) is found wherever it stands; any other only by
the name before it, since nothing in `hunter2` tells what it is.
"""

from __future__ import annotations

import re
from typing import Final

from telemetry_platform.processing.scrubbing.rule import KEY_END, SEPARATOR, VALUE, Rule, in_quotes

_LONG_WORD = 20
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|[\s\S]*+)"
)
# Letters of other scripts are no part of a token; they must not hide where it begins.
_JWT = re.compile(r"(?a)(?<![\w-])eyJ[\w-]{4,}+(?:\.[\w-]*+){0,4}")
_KEY = re.compile(
    # `sk-` alone is a word's beginning as well: what follows holds a digit.
    r"(?a)(?<![\w-])(?:(?:(?:sk|pk|rk|gh[pousr]|github_pat|glpat|xox[a-z]|xapp|whsec|shpat|npm|hf|dop_v1|r8|pypi|"
    r"sk-ant|sk-proj|GOCSPX|lin_api|ntn)[_-](?=[\w-]{0,64}\d)|AKIA|ASIA|AIza|ya29\.)[\w-]{8,}+"
    r"|SG\.[\w-]{8,64}+\.[\w-]{8,}+|AAAA[BCE]3NzaC1[\w+/=]{8,}+)"
)
_COOKIE = re.compile(r"""(?i)\b((?:set-)?cookie[2s]?["']?\s*+(?:[:=]|is\b)\s*+)[^\r\n]++""")
_NAMES: Final = (
    r"password|passwd|passphrase|passcode|pwd|secret|api[_-]?key|(?:access|private|secret|account)[_-]?key|token|jwt|"
    r"authorization|credential|signature|sess(?:ion)?[_-]?id|connect\.sid|user[_-]?name|parol[aă]|passwort|kennwort|"
    r"(?<![a-z])pass(?=\s{0,4}=)|mot de passe|contrase(?:ñ|n)a|has[łl]o|пароль|jelsz[oó]|[sş]ifre|lozinka"
)
_SECRET = re.compile(
    # Inside longer names as well: db_password, x-api-key, csrftoken.
    rf"(?i)((?:{_NAMES})(?:[_-]?(?:value|hash|key|id|text))?s? ?{SEPARATOR})"
    # A sign alone, as in `unexpected token: }`, is no value, and `null` is none either.
    r"""(?!["']?(?:null|none|nil|undefined|true|false)(?![\w.-]))(?=[^\w\s]{0,16}[^\W_])"""
    rf"({VALUE})"
)
_SECRET_HINTS = (
    *("pass", "pwd", "secret", "key", "token", "jwt", "authorization", "credential", "signature"),
    *("sessid", "sess_id", "sess-id", "sessionid", "session_id", "session-id", ".sid", "username", "user_name"),
    *("user-name", "parol", "kennwort", "mot de passe", "contrase"),
    *("has\u0142o", "haslo", "пароль", "jelsz", "ifre", "lozinka"),
)
# Without a separator only what no word of a sentence looks like.
_SECRET_NEXT = re.compile(
    rf"(?i:\b(secret|key|token|password|passphrase|credentials?){KEY_END}\s++)"
    r"(?=[^\sA-Z]{0,64}[A-Z])(?=[^\s\d]{0,64}\d)(?=[^\sa-z]{0,64}[a-z])[\w+/=.~-]{16,}+"
)
_CODE_NEXT = re.compile(r"(?i)(?<![A-Za-z])((?:pass ?code|pin|otp|mfa|2fa)(?: code)?\s++)\d{4,}+")
_KEYED = re.compile(
    r"(?i)(?<![A-Za-z])((?:key|sig|auth|nonce|otp|pin|sid)"
    rf"{SEPARATOR})(?=[^\s\d]{{0,64}}\d)([\w+/=.~%-]{{12,}}+)"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)(\s++)([\w.~+/=-]{6,}+)")
_SPOKEN = re.compile(
    r"(?i)(?<![a-z])((?:password|passwort|parola|passcode|passphrase|token|secret|pin)\s++(?:is|was|ist|este|e)\s++)"
    r"(?=[^\s\d]{0,64}\d)[^\s,;]++"
)
_OF_CURL = re.compile(r"(?<![\w-])(-u|--user)([ =]\s*+)[^\s:]{1,256}:\S++")
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@:?#]{0,256}+(?::[^\s/@]{0,256}+)?@")


def _secret(match: re.Match[str]) -> str:
    name, value = match.groups()
    return name + in_quotes(value, "[secret]")


def _bearer(match: re.Match[str]) -> str:
    """A token, but not the next word of a sentence, as in `token expired` or `Basic Authentication`."""
    scheme, gap, value = match.groups()
    word = value.rstrip(".")
    is_word = word.isalpha() and (word.islower() or word.istitle()) and len(word) < _LONG_WORD
    return match.group() if is_word else f"{scheme}{gap}[token]"


def _secret_next(match: re.Match[str]) -> str:
    return f"{match.group(1)} [secret]"


RULES: tuple[Rule, ...] = (
    Rule("private_key", _PEM, "[secret]", ("-----begin",)),
    Rule("token", _JWT, "[token]", ("eyj",)),
    Rule(
        "key",
        _KEY,
        "[token]",
        (
            *("sk_", "sk-", "pk_", "pk-", "rk_", "rk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "ghp-", "github_pat"),
            *("glpat", "xox", "xapp", "whsec", "shpat", "npm_", "npm-", "hf_", "hf-", "dop_v1", "r8_", "r8-", "pypi"),
            *("gocspx", "lin_api", "ntn", "akia", "asia", "aiza", "ya29.", "sg.", "aaaa"),
        ),
    ),
    Rule("cookie", _COOKIE, r"\1[secret]", ("cookie",)),
    Rule("secret", _SECRET, _secret, _SECRET_HINTS),
    Rule("secret_next", _SECRET_NEXT, _secret_next, ("secret", "key", "token", "passw", "passp", "credential")),
    Rule("spoken", _SPOKEN, r"\1[secret]", ("passw", "passc", "passp", "parola", "token", "secret", "pin")),
    Rule("of_curl", _OF_CURL, r"\1\2[credentials]", ("-u", "--user")),
    Rule("code_next", _CODE_NEXT, r"\1[secret]", ("pass", "pin", "otp", "fa")),
    Rule("keyed", _KEYED, r"\1[secret]", ("key", "sig", "auth", "nonce", "otp", "pin", "sid")),
    Rule("bearer", _BEARER, _bearer, ("bearer", "basic", "token")),
    Rule("credentials", _CREDENTIALS, "[credentials]@", ("://",)),
)
"""In this order: what is more specific comes first."""
