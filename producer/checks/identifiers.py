"""Persona fields that say who somebody is: names, e-mail and postal addresses, phone numbers, words of their own.

Each respondent's persona goes to the service, so a study with such a field is refused unless `privacy.allow` names it.
A field is known by its name or label and by what it holds: a question such as "Do you have a mobile phone?" with two
answers is no phone number (docs/design/privacy.md).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from schemas.codebook import CodedVariable
from schemas.errors import Problem
from schemas.study import Study
from schemas.yaml_source import Source
from survey.prepare import Prepared

FEWEST = 20
"""With fewer answers than this, that they all differ says nothing."""
MOSTLY_OWN = 0.5
"""Share of respondents with a value that nobody else has, from which on a text is their own."""
HARDLY_ANY = 0.02
"""Share of texts with an e-mail address or a phone number in them from which on the field holds such."""
WORDS_OF_A_SENTENCE = 4
MOST_OPTIONS = 60
"""So many different values may a list of answers have, whatever the field is called."""

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]{2,}")
_PHONE = re.compile(r"(?<![\w.])(?:\+|00)?\(?\d{1,4}\)?(?:[ ./-]?\(?\d{2,5}\)?){2,5}(?!\w)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}|(?:19|20)\d{6}")
_STREET = re.compile(
    r"\b\d{1,5}[a-z]? [\w.' -]+ (?:st|street|ave|avenue|rd|road|blvd|lane|ln|drive|dr|way|court|ct)\b"
    r"|\b[\w-]+(?:stra(?:ß|ss)e|str\.|weg|gasse|platz) \d{1,4}\b"
    r"|\d+号",
    re.IGNORECASE,
)
_NAMES: dict[str, re.Pattern[str]] = {
    "a name": re.compile(
        r"(?:^|_)(?:(?:full|first|last|family|sur|fore|given|middle|nick|maiden|resp(?:ondent)?s?|person)_?names?|name)$"
        r"|\b(?:full|first|last|family|given) name\b|surname|vorname|nachname|姓名|名字"
    ),
    "an e-mail address": re.compile(r"e_?-?mail|邮箱|邮件地址"),
    "a phone number": re.compile(
        r"(?:phone|telephone|mobile|cell|fax)_?(?:no|nr|num|number)s?\b|^(?:phone|telephone|mobile|fax|tel)\d?$"
        r"|telefon|电话|手机号"
    ),
    "an address": re.compile(
        r"(?:^|_)(?:address|street|addr|ip_?addr(?:ess)?)\d?(?:$|_)|\b(?:postal|home|street) address|地址"
    ),
    "a number of a person": re.compile(
        r"(?:^|_)(?:ssn|passport\w*|national_?id|social_?security\w*|tax_?id)(?:$|_)|身份证"
    ),
    "a place on the map": re.compile(r"(?:^|_)(?:lat|latitude|lon|lng|longitude|gps\w*|coordinates?)(?:$|_)"),
    "a date of birth": re.compile(r"(?:^|_)(?:dob|birth_?da(?:te|y)|date_?of_?birth)(?:$|_)|\bdate of birth|出生日期"),
}


class Content(NamedTuple):
    """What a field holds.

    Attributes:
        texts: of respondents who answered, as a prompt would say them; one each.
        is_text: they are words of the file, not codes with labels.
        own: share of respondents with a value that nobody else has.
        n_different: values.
    """

    texts: "pd.Series[str]"
    is_text: bool
    own: float
    n_different: int


def identifier_problems(study: Study, source: Source, prepared: Prepared) -> Iterator[Problem]:
    """An error for each persona field that says who somebody is, and for a name in `privacy.allow` that is none."""
    for position, name in enumerate(study.persona.fields):
        if name in study.privacy.allow or name not in prepared.codebook.fields:
            continue
        found = _kind(name, prepared.codebook.fields[name], prepared.respondents[name], study)
        if found:
            what = f"the persona field {name} looks like {found}: every prompt would tell the service who somebody is."
            hint = (
                "Take it out of `persona.fields`, or derive what matters (a region, an age band). If it is none, or "
                f"telling it is meant and permitted: `privacy: {{allow: [{name}]}}`."
            )
            yield Problem(what, source.where(f"persona.fields.{position}"), hint, code="direct_identifier")
    for position, name in enumerate(study.privacy.allow):
        if name not in study.persona.fields:
            what = f"`privacy.allow` names {name}, which is no field of the persona."
            yield Problem(what, source.where(f"privacy.allow.{position}"), "Take it out.", code="unknown_field")


def _kind(name: str, variable: CodedVariable, codes: "pd.Series[int]", study: Study) -> str:
    """What the field looks like; "" if it is none."""
    if name == study.survey.respondent_id:
        return "the respondent's id"
    content = _content(variable, codes)
    if not len(content.texts):
        return ""
    found = _by_pattern(content)
    return found if found else _by_name(name, variable, content) or _by_being_own(content)


def _by_name(name: str, variable: CodedVariable, content: Content) -> str:
    is_a_list = content.n_different <= MOST_OPTIONS and content.own < MOSTLY_OWN and not content.is_text
    if variable.kind == "single" or is_a_list:
        return ""
    named = f"{name}\n{variable.text}".casefold()
    words = [re.sub(r"[\s.-]+", "_", part.strip()) for part in named.split("\n")]
    return next((kind for kind, pattern in _NAMES.items() if any(map(pattern.search, (words[0], named)))), "")


def _content(variable: CodedVariable, codes: "pd.Series[int]") -> Content:
    known = codes.dropna().astype("int64")
    counts = known.map(known.value_counts())
    texts = known.map(lambda code: variable.labels.get(int(code), str(code))).astype("str")
    own = float((counts == 1).mean()) if len(known) else 0.0
    return Content(texts, variable.kind == "text", own, int(known.nunique()))


def _by_pattern(content: Content) -> str:
    texts = content.texts
    for kind, pattern in (("an e-mail address", _EMAIL), ("an address", _STREET), ("a phone number", _PHONE)):
        hits = texts.map(lambda text, pattern=pattern: bool(pattern.search(_undated(text))))
        if kind == "a phone number":
            hits &= texts.map(lambda text: sum(c.isdigit() for c in text) in range(8, 16))
        if hits.mean() >= HARDLY_ANY and (content.is_text or content.own >= MOSTLY_OWN):
            return kind
    return ""


def _by_being_own(content: Content) -> str:
    texts = content.texts
    if len(texts) < FEWEST or content.own < MOSTLY_OWN:
        return ""
    if content.is_text:
        words = float(texts.str.split().str.len().median())
        return "a free text" if words >= WORDS_OF_A_SENTENCE else "a text of each respondent's own"
    digits = float(texts.str.replace(r"\D", "", regex=True).str.len().median())
    return "a number of each respondent's own" if digits >= 5 and content.own >= 0.9 else ""


def _undated(text: str) -> str:
    return _DATE.sub(" ", text)
