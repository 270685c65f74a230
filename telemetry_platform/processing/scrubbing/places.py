"""Where things are: folders of users, resources of persons, what a URL asks for.

Invariant: the name of a file, of a host and of a route stays, so that an error can be found; the value of a query never
does, since a form puts there whatever was typed.
"""

from __future__ import annotations

import re

from telemetry_platform.processing.scrubbing.rule import Rule

_FOLDER = re.compile(
    r"(?i)([/\\](?:Users|home|homes|Documents and Settings|Volumes)[/\\]++)"
    # A name with spaces ends at the next separator; without one within 64 characters, at the first space.
    r"(?:[^/\\:'\"\n]{1,64}+(?=[/\\])|[^/\\\s:'\"]++)"
)
_DISK = re.compile(r"((?<![^\s\"'(=])/(?:run/)?media/)[^/\s\"']{1,64}(?=/[^/\s])")
_TILDE = re.compile(r"(?<![\w/~.])~[A-Za-z][\w.-]{0,63}(?=/)")
_RESOURCE = re.compile(
    r"(?i)(/(?:patients?|pacien[tț]i?|patienten|clients?|customers?|members?|persons?|people|accounts?|profiles?|staff|"
    r"doctors?|subjects?)/)(?=[^/\s?#\"']{0,64}[\d.])[^/\s?#\"'()]{1,128}"
)
_DATA_URL = re.compile(r"""(?i)(?<![a-z])(data:[\w.+/-]{0,64}(?:;[\w=-]{1,32}){0,4},)[^\s"'<>)]++""")
_QUERY = re.compile(r"""([?&#;][\w.%\[\]-]{1,64}+=)[^\s&#;"'<>]++""")

# A point with less than three decimals is a whole town.
_POINT = re.compile(
    r"(?i)(?<![a-z])((?:gps|geo|geolocation|coordinates?|coords|latlng|location)[\"']?[ :=(\[]{1,4})"
    r"-?\d{1,3}\.\d{3,20}[ ,;]{1,3}-?\d{1,3}\.\d{3,20}"
)

RULES: tuple[Rule, ...] = (
    Rule("folder", _FOLDER, r"\1[user]", ("users", "home", "settings", "volumes")),
    Rule("disk", _DISK, r"\1[user]", ("/media/",)),
    Rule("tilde", _TILDE, "~[user]", ("~",)),
    Rule("point", _POINT, r"\1[address]", ("gps", "geo", "coord", "latlng", "location")),
    Rule("resource", _RESOURCE, r"\1[id]", ("/",)),
)
QUERIES: tuple[Rule, ...] = (
    Rule("data_url", _DATA_URL, r"\1[value]", ("data:",)),
    Rule("query", _QUERY, r"\1[value]", ("=",)),
)
