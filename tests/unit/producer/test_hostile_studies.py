"""Study and models files of somebody who means harm: refused in little time, with a place, without a traceback."""

import os
import resource
import time

import pytest

from cli import main
from schemas.errors import ExitCode
from tests.support.small_study import MODELS, STUDY, TEMPLATE, write_study

MOST_S = 5.0
MOST_BYTES = 400 << 20
MARK = "hidden-7731"


def with_key(key: str) -> str:
    return STUDY + key


def with_rule(rule: str) -> str:
    return with_key(f'  r: {{route: [{{when: "{rule}", arm: basic}}, {{arm: cot}}]}}\n')


HOSTILE: dict[str, dict[str, object]] = {
    "billion laughs": {"study": "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]\n"},
    "alias of itself": {"study": "a: &a\n  b: *a\n"},
    "merge key": {"study": STUDY.replace("MOOD: {", "MOOD: {<<: {text: x}, ")},
    "tag of Python": {"study": STUDY.replace("study: small", "study: !!python/object/apply:os.system ['touch owned']")},
    "tag of Python, new": {"study": STUDY.replace("study: small", "study: !!python/name:os.system")},
    "tag of a binary": {"study": STUDY.replace("study: small", "study: !!binary c21hbGw=")},
    "own tag": {"study": STUDY.replace("study: small", "study: !include /etc/passwd")},
    "directive": {"study": "%TAG ! tag:x,2000:\n---\n" + STUDY},
    "deep lists": {"study": "study: " + "[" * 20_000},
    "deep maps": {"study": "a: " * 1 + "{a: " * 5_000 + "1" + "}" * 5_000},
    "deep indent": {"study": "".join("  " * n + "a:\n" for n in range(600))},
    "huge": {"study": STUDY + "# " + "x" * 400_000},
    "huge number": {"study": STUDY.replace("examples: 2", "examples: " + "9" * 5_000)},
    "huge exponent": {"study": STUDY.replace("examples: 2", "examples: 1e999999")},
    "many repeats": {"study": STUDY.replace("strategy: basic}", "strategy: repeats, repeats: 999999999}")},
    "NUL": {"study": STUDY + "x: \0\n"},
    "not UTF-8": {"study": b"\xff\xfe\x00study: small"},
    "Latin-1": {"study": STUDY.replace("small", "sm\xe4ll").encode("latin-1")},
    "UTF-16": {"study": STUDY.encode("utf-16")},
    "empty": {"study": ""},
    "a second document": {"study": STUDY + "---\n" + STUDY},
    "survey outside": {"study": STUDY.replace("file: small.csv", "file: ../../../../../../etc/passwd")},
    "survey is a folder": {"study": STUDY.replace("file: small.csv", "file: /")},
    "survey is endless": {"study": STUDY.replace("file: small.csv", "file: endless.csv")},
    "survey is a pipe": {"study": STUDY.replace("file: small.csv", "file: pipe.csv")},
    "import is endless": {"study": with_key("  e: {import: endless.csv}\n")},
    "template is endless": {"study": STUDY.replace("persona.j2", "/dev/zero")},
    "template is a folder": {"study": STUDY.replace("persona.j2", "..")},
    "NUL in a path": {"study": STUDY.replace("file: small.csv", 'file: "a\\0b.csv"')},
    "name that leaves": {"study": STUDY.replace("study: small", "study: ../../small")},
    "name with a control": {"study": STUDY.replace("study: small", 'study: "a\\e[2Jb"')},
    "arm that leaves": {"study": STUDY.replace("  basic:", "  ../basic:")},
    "arm with a direction mark": {"study": STUDY.replace("  basic:", '  "ba\\u202esic":')},
    "arm with a control": {"study": STUDY.replace("  basic:", '  "a\\e]0;owned\\a":')},
    "question that leaves": {"study": STUDY.replace("  NEWS:", "  ../../NEWS:")},
    "question, very long": {"study": STUDY.replace("  NEWS:", "  " + "N" * 5_000 + ":")},
    "expression that calls": {"study": with_rule("__import__('os')")},
    "expression, deep": {"study": with_rule("(" * 3000 + "AGE > 1" + ")" * 3000)},
    "expression, long": {"study": with_rule("AGE > 1 and " * 9000 + "AGE > 1")},
    "models with a tag": {"models": MODELS.replace("provider: openai", "provider: !!python/name:os.system")},
    "address in the clear": {"models": MODELS.replace("http://127.0.0.1:9/v1", "http://example.org/v1")},
    "address of a file": {"models": MODELS.replace("http://127.0.0.1:9/v1", "file:///etc/passwd")},
    "address like loopback": {"models": MODELS.replace("http://127.0.0.1:9/v1", "http://127.0.0.1.example.org/v1")},
    "address with loopback in its login": {"models": MODELS.replace("http://127.0.0.1:9/v1", "http://127.0.0.1@e.org/")},
    "key in an address": {"models": MODELS.replace("127.0.0.1:9/v1", f"127.0.0.1:9/v1?api_key={MARK}")},
    "header in a key's name": {"models": MODELS.replace("auth: none", f'api_key_env: "A\\r\\nX: {MARK}"')},
    "models are endless": {"models": None, "at": "/dev/zero"},
    "template with a bomb": {"template": TEMPLATE + '{{ "{:>999999999}".format(AGE) }}\n'},
}  # fmt: skip


@pytest.mark.parametrize("parts", [pytest.param(parts, id=name) for name, parts in HOSTILE.items()])
def test_hostile_study_is_refused_in_little_time_and_shows_nothing(tmp_path, monkeypatch, capsys, parts):
    given = {key: value for key, value in parts.items() if key != "at" and not isinstance(value, bytes)}
    path = write_study(tmp_path, **given)
    (tmp_path / "endless.csv").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.csv")
    if isinstance(parts.get("study"), bytes):
        path.write_bytes(parts["study"])
    if "at" in parts:
        monkeypatch.setenv("NIGHTPOLL_MODELS", parts["at"])
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    code = main.run(["check", str(path)])

    said = capsys.readouterr()
    assert code == ExitCode.WRONG_INPUT, said
    assert time.process_time() - began < MOST_S
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST_BYTES
    for sign in ("Traceback", "unexpected error", "root:", MARK, "\x1b", "\x07", "\u202e"):
        assert sign not in said.out + said.err
    assert not (tmp_path / "owned").exists()


def test_the_study_they_were_made_from_is_fine(tmp_path):
    assert main.run(["check", str(write_study(tmp_path))]) == 0
