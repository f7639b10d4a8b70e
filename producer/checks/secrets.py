"""Checks that no key or password stands in a study or models file. What is found is never shown."""

from collections.abc import Iterator

from schemas.errors import Problem
from schemas.secret_text import looks_secret, names_a_secret
from schemas.yaml_source import Source

_HINT = "Put it into an environment variable, name that with `api_key_env`, and have the old one withdrawn."


def secret_problems(source: Source) -> Iterator[Problem]:
    """Every place of a file that holds a secret, or has a name that says so."""
    for key, name, value in _texts(source.data, "", ""):
        if looks_secret(value) or (names_a_secret(name) and value.strip()):
            what = "a key or password must never be written in a file."
            yield Problem(what, source.where(key), _HINT, code="secret_in_file")


def _texts(data: object, path: str, name: str) -> Iterator[tuple[str, str, str]]:
    """(dotted key, last name, text) of every text in plain data."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, f"{path}.{key}" if path else str(key), str(key))
    elif isinstance(data, list):
        for position, value in enumerate(data):
            yield from _texts(value, f"{path}.{position}", name)
    elif isinstance(data, str):
        yield path, name, data
