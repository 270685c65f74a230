"""Which names of values say that what they name is about a person: `patientName`, `date_of_birth`, `emails`.

Invariant: a word counts as a whole only, alone or joined with words of its like (`lastname`, `homeaddress`): `usage`,
`page` and `message` hold `age` and are harmless, and the name of a thing (`fileName`, `host_name`) is nobody's.
"""

from __future__ import annotations

import re

_LONGEST = 256
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_LETTERS = re.compile(r"[^a-z]+")

_THINGS = re.compile(
    r"(?:^|_)(?:file|folder|host|path|event|feature|flag|app|application|browser|os|class|function|method|module|"
    r"package|project|plan|product|model|codec|font|video|audio|image|media|page|screen|view|column|table|field|tag|"
    r"service|server|domain|plugin|library|component|param|parameter|property|attribute|action|button|role|job|queue|"
    r"metric|experiment|variant|route|stage|step|type|status|state|error|exception|brand|language|country|timezone|"
    r"theme|track|channel|player|engine)_?names?(?=_|$)"
)
_WHOSE = (
    "first|last|full|given|family|middle|maiden|display|nick|legal|preferred|user|patient|client|customer|doctor|"
    "physician|nurse|contact|emergency|mother|father|parent|child|person|member|owner|home|work|office|billing|"
    "shipping|mailing|postal|street|email|phone|mobile|sender|recipient|author|account|guardian|spouse|remote|source"
)
_WHAT = (
    r"names?|forenames?|surnames?|sur_names?|nicknames?|initials|e?_?mails?|address(?:es)?|streets?|city|cities|zips?|"
    r"post(?:al)?_?codes?|zip_?codes?|birth[a-z]*+|date_?of_?birth|dobs?|ages?|genders?|sex|diagnos[ie]s|patients?|"
    r"contacts?|(?:tele)?phones?|mobiles?|faxe?s?|next_?of_?kin|ssns?|cnps?|ibans?|mrns?|passports?|"
    r"latitudes?|longitudes?|lat|lon|lng|latlng|coords?|coordinates?|gps|geolocation|ips?|prenume|nume|adres[ae]|telefon"
)
_PERSONAL = re.compile(
    rf"(?:^|_)(?:(?:{_WHOSE})_?){{0,3}}(?:{_WHAT})"
    r"(?:_?(?:address(?:es)?|numbers?|nos?|nrs?|lines?|codes?|ids?|data|info|details?|records?|lists?|values?))?"
    r"(?:_|$)"
)


def parted(name: str) -> str:
    """The name with its words apart: `userId` is `user_Id`."""
    return _HUMPS.sub("_", name[:_LONGEST])


def is_personal_name(name: str) -> bool:
    """Whether what is called so is about a person."""
    plain = _NO_LETTERS.sub("_", parted(name).lower())
    return _PERSONAL.search(_THINGS.sub("", plain)) is not None
