"""`finetune check`: the models file's window, what could not be looked for, repairs with nothing left."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from finetuning.preparing.prepare import PrepareOptions, prepare
from storage.store import Store
from tests.support.cli_runs import CommandLine

ENTRY = """\
  {name}:
    provider: openai
    model: {model}
    context_window_tokens: {window}
    tuning: {{usd_per_million_tokens: 5}}
    deployments: [{{name: d, base_url: "http://127.0.0.1:9/v1", auth: none, rpm: 60}}]
"""


def line(n: int, words: int = 1) -> str:
    messages = [{"role": "user", "content": f"{n} " + "word " * words}, {"role": "assistant", "content": str(n % 2)}]
    return json.dumps({"messages": messages}) + "\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Path) -> Path:
    """A folder with a file of 20 examples, the last of some 200 tokens."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.jsonl").write_text("".join(line(n, 200 if n == 19 else 1) for n in range(20)), encoding="utf-8")
    return tmp_path


def models(folder: Path, *entries: tuple[str, str, int]) -> None:
    text = "".join(ENTRY.format(name=name, model=model, window=window) for name, model, window in entries)
    (folder / "models.yaml").write_text("models:\n" + text, encoding="utf-8")


def said(nightpoll: CommandLine, *words: str) -> tuple[int, dict[str, Any]]:
    done = nightpoll("finetune", "check", *words, "--json")
    return done.code, json.loads(done.out)


def codes(document: dict[str, Any]) -> list[str]:
    return [problem["code"] for problem in document["problems"]]


def test_window_and_price_are_the_only_models(here: Path, nightpoll: CommandLine) -> None:
    models(here, ("mini", "gpt-4.1-mini", 100))

    code, found = said(nightpoll, "t.jsonl")

    assert (code, found["window_tokens"], found["model"]) == (9, 100, "gpt-4.1-mini")
    assert [p["where"] for p in found["problems"] if p["code"] == "over_window"] == ["t.jsonl:20"]
    assert found["training_usd"] == pytest.approx(found["tokens"] * found["epochs"] * 5e-6)


@pytest.mark.parametrize("name", ["big", "gpt-4.1"])
def test_window_is_that_of_the_named_entry_or_model_id(here: Path, nightpoll: CommandLine, name: str) -> None:
    models(here, ("mini", "gpt-4.1-mini", 100), ("big", "gpt-4.1", 1000))

    code, found = said(nightpoll, "t.jsonl", "--model", name)

    assert (code, found["window_tokens"]) == (0, 1000)


def test_unknown_window_says_how_to_give_it(here: Path, nightpoll: CommandLine) -> None:
    models(here, ("mini", "gpt-4.1-mini", 100), ("big", "gpt-4.1", 1000))

    code, found = said(nightpoll, "t.jsonl")

    told = next(problem for problem in found["problems"] if problem["code"] == "window_unknown")
    assert (code, found["window_tokens"], told["level"]) == (0, None, "note")
    assert "--window TOKENS" in told["hint"]
    assert "context_window_tokens" in told["hint"]
    assert said(nightpoll, "t.jsonl", "--window", "50")[1]["window_tokens"] == 50


def test_window_of_prepared_files_is_that_of_the_arms_model(here: Path, nightpoll: CommandLine, run: Store) -> None:
    made = prepare(run, "r", "basic", here / "out", options=PrepareOptions(), now=datetime(2026, 11, 1, tzinfo=UTC))
    models(here, (str(made.entry_name), str(made.model), 30), ("other", "gpt-4.1", 1000))

    by_file = said(nightpoll, "out/training.jsonl")[1]
    by_run = said(nightpoll, "t.jsonl", "--run", "r", "--arm", "basic")[1]

    assert (by_file["window_tokens"], by_file["model"]) == (30, made.model)
    assert "over_window" in codes(by_file)
    assert "leakage_unknown" not in codes(by_file)
    assert by_run["model"] == made.model


def test_repair_without_a_usable_line_shows_the_report_and_writes_nothing(here: Path, nightpoll: CommandLine) -> None:
    (here / "bad.jsonl").write_text('{"messages": [}\n{"text": "x"}\n', encoding="utf-8")

    people = nightpoll("finetune", "check", "bad.jsonl", "--fix", "mended.jsonl")
    code, found = said(nightpoll, "bad.jsonl", "--fix", "mended.jsonl")

    assert people.code == code == 9
    assert "bad.jsonl:1" in people.err
    assert "0 examples" in people.out
    assert "no line is usable: no file was written" in people.out
    assert {"not_json", "no_messages", "too_few"} <= set(codes(found))
    assert found["fixed"] == ["no line is usable: no file was written."]
    assert not (here / "mended.jsonl").exists()


def test_repair_says_that_the_copy_passes_or_what_is_left_for_a_person(here: Path, nightpoll: CommandLine) -> None:
    keyed = "".join(line(n).replace('"content"', '"time": 1, "content"') for n in range(20))
    (here / "keyed.jsonl").write_text(keyed, encoding="utf-8")
    (here / "mails.jsonl").write_text(keyed + line(30).replace("word", "a@b.co") * 2, encoding="utf-8")

    whole = nightpoll("finetune", "check", "keyed.jsonl", "--fix", "whole.jsonl")
    code, found = said(nightpoll, "mails.jsonl", "--fix", "rest.jsonl")

    assert (whole.code, "whole.jsonl: passes the check" in whole.out) == (9, True)
    assert "20 lines freed from keys" in whole.out
    assert nightpoll("finetune", "check", "whole.jsonl").code == 0
    assert (code, found["left"]) == (9, {"email": 2})
    told = nightpoll("finetune", "check", "mails.jsonl", "--fix", "again.jsonl").out
    assert "errors that are left for you: email 2" in told.replace("\n", " ")


def test_own_words_are_counted_and_not_shown(here: Path, nightpoll: CommandLine) -> None:
    words = [{"role": "user", "content": "Question: What worries you?"}, {"role": "assistant", "content": ""}]
    lines = [json.dumps({"messages": [words[0], {**words[1], "content": f"worry {n} of mine"}]}) for n in range(30)]
    (here / "own.jsonl").write_text("\n".join(lines), encoding="utf-8")

    people, (_, found) = nightpoll("finetune", "check", "own.jsonl"), said(nightpoll, "own.jsonl")

    assert "30 different answers, not shown" in people.out
    assert "of mine" not in people.out + people.err + json.dumps(found)
    assert (found["answers"], list(found["own_words"].values())) == ({}, [30])
