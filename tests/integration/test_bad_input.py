"""Bad input through the real command line: one screen with what, where and what to do, the right exit code, no
traceback, and nothing left in the store."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.cli_runs import CommandLine, Said
from tests.support.small_study import MODELS, STUDY, write_study

REPO = Path(__file__).resolve().parents[2]
ANES = REPO / "examples" / "anes96"
LOOKS_LIKE_A_KEY = "sk-" + "abcdefghij" * 4


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTPOLL_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def nightpoll(store: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@dataclass(frozen=True)
class Bad:
    """A study with one thing wrong, and words that stderr must hold."""

    words: tuple[str, ...]
    study: tuple[str, str] | None = None
    models: tuple[str, str] | None = None
    template: str | None = None
    row: dict[str, object] | None = None

    def write(self, folder: Path) -> Path:
        """The study on disk."""
        more = {} if self.template is None else {"template": self.template}
        return write_study(
            folder,
            study=replaced(STUDY, self.study),
            models=replaced(MODELS, self.models),
            change=lambda row: row | (self.row or {}),
            **more,
        )


def replaced(text: str, change: tuple[str, str] | None) -> str:
    if change is None:
        return text
    assert text.count(change[0]) >= 1, f"the study has no {change[0]!r}"
    return text.replace(*change, 1)


BAD_STUDIES = {
    "unknown variable": Bad(("study.yaml:7", "SEXX", "SEX"), study=("fields: [AGE, SEX]", "fields: [AGE, SEXX]")),
    "unknown question": Bad(("MOOOD", "MOOD"), study=("  MOOD: {", "  MOOOD: {")),
    "duplicate respondent ids": Bad(("ID", "respondent_id"), row={"ID": 7}),
    "missing respondent ids": Bad(("ID", "respondent_id"), row={"ID": ""}),
    "weights that are negative": Bad(("W", "weight", "negative"), row={"W": -1}),
    "weights that are missing": Bad(("W", "weight"), row={"W": ""}),
    "order that is no permutation": Bad(
        ("MOOD", "order", "1, 2, 3"), study=("scale: ordinal}", "scale: ordinal, order: [1, 2]}")
    ),
    "template with an unknown field": Bad(("persona.j2:1", "AEG", "AGE"), template="You are {{ AEG }} years old.\n"),
    "template that breaks": Bad(("persona.j2:1",), template="You are {{ AGE.\n"),
    "secret in the models file": Bad(
        ("models.yaml", "api_key_env"), models=("auth: none", f"auth: key, api_key_env: {LOOKS_LIKE_A_KEY}")
    ),
    "secret in the study": Bad(("study.yaml", "key"), study=('text: "How are you?"', f'text: "{LOOKS_LIKE_A_KEY}"')),
    "unknown model": Bad(("study.yaml", "mni", "mini"), study=("basic: {model: mini", "basic: {model: mni")),
    "few-shot without training respondents": Bad(
        ("few_shot", "train"), study=("NEWS: {text", "NEWS: {text"), row={"NEWS": 99}
    ),
    "reasoning model with temperature": Bad(
        ("temperature", "models.yaml"), models=("model: gpt-4.1-mini", "model: gpt-4.1-mini\n    family: reasoning")
    ),
    "address without encryption": Bad(("https",), models=("http://127.0.0.1:9/v1", "http://example.com/v1")),
    "broken YAML": Bad(("study.yaml:",), study=("split: {", "split: {{")),
    "unknown key": Bad(("study.yaml", "weigth", "weight"), study=("weight: W", "weigth: W")),
    "key of a later feature": Bad(
        ("fallback", "fallback models"), study=("strategy: basic}", "strategy: basic, fallback: big}")
    ),
    "value of the wrong kind": Bad(("study.yaml:5", "test"), study=("test: 0.2", "test: a lot")),
    "few-shot match of an unknown variable": Bad(("SEXX",), study=("match: [SEX,", "match: [SEXX,")),
    "survey that is not there": Bad(("smal.csv", "study.yaml:2"), study=("file: small.csv", "file: smal.csv")),
    "file of an unknown type": Bad((".ods", ".sav"), study=("file: small.csv", "file: small.ods")),
    "label that reads like refused": Bad(("NEWS", "Refused", "missing"), study=("2: NO}", "2: Refused}")),
    "text question without labels": Bad(("MOOD", "answers"), study=(", answers: {1: Well, 2: So so, 3: Badly}", "")),
}


@pytest.mark.parametrize("bad", [pytest.param(bad, id=name) for name, bad in BAD_STUDIES.items()])
def test_wrong_study_is_told_by_check_and_stops_a_run(bad, nightpoll, store, tmp_path):
    study = bad.write(tmp_path / "study")

    for said in (nightpoll("check", study), nightpoll("run", study, "--yes")):
        assert_told(said, 2, *bad.words)
        assert LOOKS_LIKE_A_KEY not in said.out + said.err

    assert left_in(store) == []


def test_all_problems_are_told_at_once(nightpoll, tmp_path):
    study = write_study(
        tmp_path / "study",
        study=STUDY.replace("[AGE, SEX]", "[AGE, SEXX]").replace(
            "{model: mini, strategy: b", "{model: mni, strategy: b"
        ),
        template="You are {{ AEG }}.\n",
    )

    said = nightpoll("check", study)

    assert_told(said, 2, "SEXX", "mni", "AEG")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            ("PID: {scale: ordinal}", "PID: {scale: ordinal, answers: {0: Weak Democrat, 1: Strong Democrat}}"),
            ("PID", "Strong Democrat", "Weak Democrat"),
            id="labels that contradict the file",
        ),
    ],
)
def test_labels_that_cannot_be_right_are_told(change, words, nightpoll, store, tmp_path):
    nightpoll("init", tmp_path / "mine", "--template", "anes96")
    path = tmp_path / "mine" / "study.yaml"
    path.write_text(replaced(path.read_text("utf-8"), change), encoding="utf-8")

    assert_told(nightpoll("check", tmp_path / "mine"), 2, *words)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_truncated_sav_is_told(share, nightpoll, store, tmp_path):
    nightpoll("init", tmp_path / "mine", "--template", "anes96")
    whole = (ANES / "anes96.sav").read_bytes()
    (tmp_path / "mine" / "anes96.sav").write_bytes(whole[: int(share * len(whole))])

    assert_told(nightpoll("check", tmp_path / "mine"), 2, "anes96.sav")
    assert_told(
        nightpoll("inspect", tmp_path / "mine" / "anes96.sav", "--write-study", tmp_path / "s.yaml"), 2, "anes96.sav"
    )
    assert not (tmp_path / "s.yaml").exists()


@pytest.mark.parametrize("command", ["plan", "list", "evaluate", "show"])
def test_store_under_a_file_is_told(command, nightpoll, tmp_path, monkeypatch):
    (tmp_path / "a_file").write_text("not a folder")
    monkeypatch.setenv("NIGHTPOLL_STORE", str(tmp_path / "a_file" / "store"))
    study = write_study(tmp_path / "study")

    said = nightpoll(*{"plan": ("plan", study), "list": ("list",)}.get(command, (command, "r")))

    assert_told(said, 6, "a_file", "not a folder", "NIGHTPOLL_STORE")


def test_models_file_that_is_not_there_is_told(nightpoll, tmp_path):
    study = write_study(tmp_path / "study", models=None)

    assert_told(nightpoll("check", study), 2, "models.yaml", "no such file")


def test_study_that_is_not_there_is_told(nightpoll, tmp_path):
    for command in (("check",), ("plan",), ("run", "--yes")):
        assert_told(nightpoll(*command, tmp_path / "none.yaml"), 2, "none.yaml", "no such file")


@pytest.mark.parametrize(
    ("name", "value"),
    [("NIGHTPOLL_WORKERS", "many"), ("NIGHTPOLL_SLOTS", "0"), ("NIGHTPOLL_DRAIN_S", "-1")],
)
def test_wrong_setting_is_told_without_its_value(name, value, nightpoll, monkeypatch):
    monkeypatch.setenv(name, value)

    assert_told(nightpoll("list"), 2, name)


def test_run_id_that_leaves_the_store_is_told(nightpoll):
    assert_told(nightpoll("show", "../outside"), 2, "cannot be a run id")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("plan", "study.yaml", "--pilot", "0"), id="pilot of nobody"),
        pytest.param(("plan", "study.yaml", "--pilot", "few"), id="pilot that is no number"),
        pytest.param(("init", "x", "--template", "gss"), id="unknown template"),
        pytest.param(("check",), id="no study"),
        pytest.param(("check", "study.yaml", "--jason"), id="unknown option"),
        pytest.param(("nosuchcommand",), id="unknown command"),
        pytest.param(("emulator", "--profile", "anthropic"), id="unknown profile"),
        pytest.param(("evaluate",), id="no run"),
    ],
)
def test_wrong_arguments_are_told(arguments, nightpoll, store):
    said = nightpoll(*arguments)

    assert_told(said, 2)
    assert left_in(store) == []


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--respondent", "0", ("--respondent", "no respondent 0")),
        ("--question", "MODO", ("--question", "MOOD")),
        ("--arm", "bsic", ("--arm", "basic")),
    ],
)
def test_prompt_of_nobody_is_told(option, value, words, nightpoll, tmp_path):
    options = {"--respondent": "100", "--question": "MOOD", "--arm": "basic"} | {option: value}
    arguments = [part for pair in options.items() for part in pair]

    assert_told(nightpoll("prompt", write_study(tmp_path / "study"), *arguments), 2, *words)


@pytest.mark.e2e
def test_process_ends_with_the_exit_code_and_a_clean_screen(tmp_path):
    BAD_STUDIES["unknown variable"].write(tmp_path / "study")
    environ = os.environ | {"PYTHONPATH": str(REPO), "NIGHTPOLL_STORE": str(tmp_path / "store")}
    command = [sys.executable, "-m", "cli.main", "check", "study"]

    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=60)

    assert_told(Said(done.returncode, done.stdout, done.stderr), 2, "SEXX", "SEX")
    assert left_in(tmp_path / "store") == []


def assert_told(said: Said, code: int, *words: str) -> None:
    """One screen: the exit code, every word, nothing of Python."""
    assert said.code == code, said
    missing = [word for word in words if word not in said.err and word.lower() not in said.err.lower()]
    assert missing == [], said.err
    assert said.err.strip()
    for trace in ("Traceback", "unexpected error", "Exception", 'File "'):
        assert trace not in said.err
    assert len(said.err.splitlines()) < 24


def left_in(store: Path) -> list[str]:
    """What stands in the store besides our own folder, and plans that were not thrown away."""
    if not store.exists():
        return []
    staging = store / ".nightpoll" / "staging"
    plans = [f"staging/{path.name}" for path in staging.iterdir()] if staging.exists() else []
    return [path.name for path in store.iterdir() if path.name != ".nightpoll"] + plans
