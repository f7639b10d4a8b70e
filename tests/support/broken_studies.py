"""Broken studies, generated kind by kind from the small study: what is wrong, and words that the screen must hold."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.support.small_study import MODELS, STUDY, TEMPLATE


class BrokenStudy(NamedTuple):
    """A study with one mistake.

    Attributes:
        name: of the mistake.
        words: what, where and hint, as the screen must hold them.
        study: text of study.yaml.
        models: text of models.yaml; None: no such file.
        template: text of persona.j2; None: no such file.
    """

    name: str
    words: tuple[str, ...]
    study: str | bytes = STUDY
    models: str | None = MODELS
    template: str | None = TEMPLATE


def broken_studies() -> list[BrokenStudy]:
    """All of them; names are distinct."""
    return [
        *_misspelt_keys(),
        *_missing_keys(),
        *_wrong_kinds(),
        *_unknown_variables(),
        *_rules(),
        *_codes(),
        *_not_yaml(),
        *_models(),
        *_templates(),
    ]


def _with(old: str, new: str, text: str = STUDY) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


def _line(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


def _misspelt_keys() -> Iterator[BrokenStudy]:
    """Every key of the study once with two letters swapped: named, with its line and the right spelling."""
    for key in (
        *("survey", "respondent_id", "weight", "missing", "refused", "split", "validation", "persona", "fields"),
        *("phrases", "template", "questions", "text", "answers", "scale", "arms", "strategy", "parameters"),
        *("examples", "match"),
    ):
        wrong = key[0] + key[2] + key[1] + key[3:]
        text = _with(f"{key}:", f"{wrong}:")
        words = ("study.yaml:", wrong, f"Did you mean `{key}`?")
        yield BrokenStudy(f"misspelt {key}", words, text)


def _missing_keys() -> Iterator[BrokenStudy]:
    cuts = {
        "study": ("study: small\n", ""),
        "respondent_id": ("respondent_id: ID, ", ""),
        "file": ("file: small.csv, ", ""),
        "fields": ("  fields: [AGE, SEX]\n", ""),
        "strategy": ("basic: {model: mini, strategy: basic}", "basic: {model: mini}"),
        "model": ("basic: {model: mini, strategy: basic}", "basic: {strategy: basic}"),
    }
    for key, (old, new) in cuts.items():
        yield BrokenStudy(f"without {key}", (key, "study.yaml"), _with(old, new))


def _wrong_kinds() -> Iterator[BrokenStudy]:
    wrong = {
        "share that is a word": ("test: 0.2", "test: some", "a number", 5),
        "share above one": ("test: 0.2", "test: 1.2", "less than 1", 5),
        "shares that leave nothing": ("test: 0.2, validation: 0.1", "test: 0.6, validation: 0.4", "for training", 5),
        "seed with a fraction": ("seed: 42", "seed: 4.2", "whole number", 5),
        "survey that is a text": (
            "survey: {file: small.csv, respondent_id: ID, weight: W}",
            "survey: a.csv",
            "keys",
            2,
        ),
        "fields that are one name": ("fields: [AGE, SEX]", "fields: AGE", "a list", 7),
        "no fields": ("fields: [AGE, SEX]", "fields: []", "at least one", 7),
        "codes that are one number": ("refused: [99]", "refused: 99", "a list", 4),
        "a kind of missing that is none": ("refused: [99]", "forgotten: [99]", "unknown key", 4),
        "scale that is none": ("scale: ordinal", "scale: interval", "nominal", 11),
        "answers without labels": ("answers: {1: Well, 2: So so, 3: Badly}", "answers: [1, 2, 3]", "keys", 11),
        "answer that is a number": ("1: Well", "1: 10", "quotes", 11),
        "code that is a word": ("1: Well", "one: Well", "whole number", 11),
        "too many examples": ("examples: 2", "examples: 200", "at most 50", 16),
        "strategy that is none": ("strategy: few_shot", "strategy: fewshot", "few_shot", 16),
        "arm with a name that is none": ("  basic: {", "  my arm: {", "letters, digits", 14),
        "study with a name that is none": ("study: small", "study: a/b", "letters, digits", 1),
        "file and files": ("file: small.csv", "file: small.csv, files: [a.csv]", "either `file`", 2),
    }
    for name, (old, new, word, line) in wrong.items():
        yield BrokenStudy(name, (f"study.yaml:{line}", word), _with(old, new))


def _unknown_variables() -> Iterator[BrokenStudy]:
    places = {
        "respondent id": ("respondent_id: ID", "respondent_id: IDD", "IDD", "ID"),
        "weight": ("weight: W", "weight: WW", "WW", "W"),
        "stratum": ("weight: W", "strata: AGEE", "AGEE", "AGE"),
        "cluster": ("weight: W", "cluster: AGEE", "AGEE", "AGE"),
        "missing": ("default: {refused: [99]}", "MOODD: {refused: [99]}", "MOODD", "MOOD"),
        "persona": ("fields: [AGE, SEX]", "fields: [AGE, SEX, SEXX]", "SEXX", "SEX"),
        "phrases": ("phrases: {SEX:", "phrases: {SEXX:", "SEXX", "SEX"),
        "match": ("match: [SEX, AGE]", "match: [SEX, AGEE]", "AGEE", "AGE"),
        "filter": ("weight: W", 'filter: "AGEE > 30"', "AGEE", "AGE"),
        "question": ("  NEWS: {", "  NEWSS: {", "NEWSS", "NEWS"),
    }
    for place, (old, new, wrong, right) in places.items():
        yield BrokenStudy(f"unknown variable as {place}", ("study.yaml", wrong, right), _with(old, new))
    for key in ("subgroups: [AGEE]", "intersections: [[SEX, AGEE]]", "rich: [AGEE]"):
        words = ("study.yaml", "AGEE", "AGE")
        yield BrokenStudy(f"unknown variable under {key}", words, STUDY + f"evaluate: {{{key}}}\n")
    boxes = "fields: [AGE, SEX, BOX]\n  derive: {BOX: {selected: [NEWSS]}}"
    yield BrokenStudy("unknown box", ("NEWSS", "NEWS"), _with("fields: [AGE, SEX]", boxes))


def _rules() -> Iterator[BrokenStudy]:
    rules = {
        "one equals sign": ("AGE = 30", "`==`"),
        "signs of another language": ("AGE > 30 & SEX == 1", "`and`"),
        "no value": ("AGE >", "it ends"),
        "open bracket": ("(AGE > 30", "`)`"),
        "no variable": ("30 < AGE", "name of a variable"),
        "text against numbers": ('AGE == "old"', "numbers"),
        "nobody left": ("AGE > 200", "keeps none of 30"),
        "open quotation mark": ("AGE == 'x", "not closed"),
        "order of a nominal question": ("NEWS > 1", "in ["),
        "far too deep": ("not " * 60 + "AGE > 1", "nested too deeply"),
    }
    for name, (rule, word) in rules.items():
        text = _with("weight: W}", f"filter: {_quoted(rule)}}}")
        yield BrokenStudy(f"filter with {name}", ("study.yaml:2", word), text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _codes() -> Iterator[BrokenStudy]:
    mood, news = "scale: ordinal}", "answers: {1: Yes, 2: NO}}"
    codes = {
        "order without a code": (mood, "scale: ordinal, order: [1, 3]}", ("order", "2 is absent", ":11")),
        "order with a stranger": (mood, "scale: ordinal, order: [1, 2, 3, 4]}", ("order", "4 is no answer", ":11")),
        "order with a twin": (mood, "scale: ordinal, order: [1, 2, 3, 3]}", ("order", "twice", ":11")),
        "cut at the end": (mood, "scale: ordinal, cut: 3}", ("cut", "nothing above", ":11")),
        "cut that is no code": (mood, "scale: ordinal, cut: 7}", ("cut", "1, 2, 3", ":11")),
        "cut of a nominal question": (news, "answers: {1: Yes, 2: NO}, cut: 1}", ("cut", "ordinal", ":12")),
        "order of a nominal question": (news, "answers: {1: Yes, 2: NO}, order: [2, 1]}", ("order", "ordinal", ":12")),
        "show that forgets": (news, "answers: {1: Yes, 2: NO}, show: [1]}", ("show", "2 is absent", ":12")),
        "answer that was not listed": (news, "answers: {1: Yes}}", ("values without a label", "2", ":12")),
        "two answers of one name": (news, "answers: {1: Yes, 2: Yes}}", ("Several answers", "Yes", ":12")),
        "range that runs backwards": ("refused: [99]", 'refused: ["9..3"]', ("backwards", ":4")),
        "code of two kinds": ("refused: [99]", "refused: [99], dont_know: [99]", ("99", "one of them", ":4")),
        "field listed twice": ("fields: [AGE, SEX]", "fields: [AGE, SEX, AGE]", ("AGE", "twice", ":7")),
        "question without text": ('text: "How are you?", ', "", ("text", "wording", ":11")),
        "refusal among the answers": ("3: Badly", "3: Refused", ("Refused", "missing.MOOD", ":11")),
        "missing code among the answers": (
            "default: {refused: [99]}",
            "MOOD: {refused: [3]}",
            ("3", "Keep one", ":11"),
        ),
        "examples that show the answer": ("match: [SEX, AGE]", "match: [MOOD]", ("MOOD", "answer", ":16")),
    }
    for name, (old, new, words) in codes.items():
        yield BrokenStudy(name, ("study.yaml", *words), _with(old, new))


def _not_yaml() -> Iterator[BrokenStudy]:
    texts: dict[str, tuple[str | bytes, str]] = {
        "nothing": ("", "study.yaml"),
        "a list": ("- study\n- survey\n", "study.yaml"),
        "a sentence": ("Please run my survey.\n", "study.yaml"),
        "an open brace": (_with("split: {", "split: {{"), "study.yaml:"),
        "a tab": (_with("  default:", "\tdefault:"), "study.yaml:"),
        "an anchor": (_with("{refused: [99]}", "&x {refused: [99]}"), "study.yaml:4"),
        "a tag": (_with("study: small", "study: !!python/name:os.system small"), "study.yaml:1"),
        "one key twice": (STUDY + "study: again\n", "study.yaml:17"),
        "Latin-1": (_with("Well", "Wéll").encode("latin-1"), "UTF-8"),
        "twenty-five brackets": ("study: " + "[" * 25 + "]" * 25 + "\n", "study.yaml:1"),
        "a megabyte": (STUDY + "# " + "x" * 400_000 + "\n", "study.yaml"),
    }
    for name, (text, word) in texts.items():
        yield BrokenStudy(f"study.yaml that is {name}", (word,), text)


def _models() -> Iterator[BrokenStudy]:
    wrong = {
        "unknown model": ("  mini:", "  maxi:", ("mini", "study.yaml:14")),
        "provider that is none": ("provider: openai", "provider: opnai", ("models.yaml:3", "openai")),
        "address without encryption": ("http://127.0.0.1:9/v1", "http://example.com/v1", ("https", "models.yaml:8")),
        "address that is none": ("http://127.0.0.1:9/v1", "here", ("models.yaml:8", "base_url")),
        "no limit of requests": (", rpm: 600", "", ("rpm", "models.yaml:8")),
        "limit of zero": ("rpm: 600", "rpm: 0", ("greater than 0", "models.yaml:8")),
        "negative price": ("input: 0.40", "input: -1", ("at least 0", "models.yaml:6")),
        "misspelt parameter": ("temperature: 0", "temprature: 0", ("temprature", "temperature", "models.yaml:5")),
        "dated API without its date": ("provider: openai", "provider: azure", ("api_version", "models.yaml:2")),
        "no deployments": ("deployments:\n      - {", "deployment:\n      - {", ("deployments", "models.yaml:7")),
        "a key written down": ("auth: none", "auth: key, api_key: abc", ("api_key_env", "models.yaml:8")),
    }
    for name, (old, new, words) in wrong.items():
        yield BrokenStudy(f"models.yaml with {name}", words, models=_with(old, new, MODELS))
    yield BrokenStudy("no models.yaml", ("models.yaml", "no such file"), models=None)


def _templates() -> Iterator[BrokenStudy]:
    texts = {
        "an unknown field": ("You are {{ AEG }}.\n", ("persona.j2:1", "AGE")),
        "an open brace": ("{{ AGE }} {{ SEX }}\n{{ AGE }\n", ("persona.j2:2",)),
        "a block over two lines": ("{% if AGE %}\n{{ SEX }}\n{% endif %}\n", ("persona.j2:1", "on the line")),
        "a filter that is none": ("{{ AGE | nosuch }} {{ SEX }}\n", ("persona.j2:1", "nosuch")),
        "a division by text": ("{{ AGE / 2 }} {{ SEX }}\n", ("persona.j2:1", "|int")),
        "a way out of the sandbox": ("{{ AGE.__class__.__mro__ }} {{ SEX }}\n", ("persona.j2:1",)),
    }
    for name, (text, words) in texts.items():
        yield BrokenStudy(f"template with {name}", words, template=text)
    yield BrokenStudy("no template", ("persona.j2", "study.yaml:9"), template=None)
