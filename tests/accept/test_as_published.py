"""What each correction of the published study changes on the emulator: the figures of docs/design/as-published.md."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.support.batch_runs import SPEED
from tests.support.cli_runs import CommandLine
from tests.support.fleet import Fleet, running_fleet
from tests.support.npors_runs import npors_study
from tests.support.tuning_go import as_user, done, tune

pytestmark = [pytest.mark.accept, pytest.mark.e2e, pytest.mark.timeout(1800)]
RIGHT = "{{ METRO }}"
REVERSED = '{{ "Non-metropolitan" if METRO == "Metropolitan" else "Metropolitan" }}'
BY_ROW = "split: {by: row, replicates: the published study, test"


class Told(NamedTuple):
    """Figures of one arm on test rows, pooled over the questions, unweighted; nats are None for single answers."""

    n: int
    accuracy: float
    tv: float
    nats_below_marginal: float | None
    in_sample: float


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with running_fleet(n_workers=2, emulator={"batch_speed": SPEED}) as fleet:
        yield fleet


def test_each_correction_by_itself(
    fleet: Fleet, npors_sav: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_user(fleet, monkeypatch)
    command, study = CommandLine(capsys), npors_study(fleet, npors_sav)
    monkeypatch.setenv("NIGHTPOLL_MODELS", str(study.parent / "models.yaml"))
    persona = (study.parent / "persona.j2").read_text("utf-8")
    (study.parent / "reversed.j2").write_text(persona.replace(RIGHT, REVERSED), encoding="utf-8")
    text = study.read_text("utf-8").replace(
        "template: persona.j2", "template: persona.j2\n  templates: {reversed: reversed.j2}"
    )
    head = re.sub(r"^arms:\n(?:  .*\n)*", "", text, flags=re.MULTILINE)
    by_row = head.replace("split: {test", BY_ROW)
    assert by_row != head

    for name, before, keys in (
        ("right", head, ""),
        ("turned", head, ", persona: reversed"),
        ("by-row", by_row, ""),
    ):
        study.write_text(f"{before}arms:\n  mini: {{model: mini, strategy: logprobs{keys}}}\n", encoding="utf-8")
        tune(command, study, arm="mini", name=name)
    study.write_text(head + _arms(("base", "mini", ""), ("base_turned", "mini", ", persona: reversed"),
        ("tuned", "right", ""), ("asked_turned", "right", ", persona: reversed"),
        ("tuned_turned", "turned", ", persona: reversed")) + "  three: {model: mini, strategy: chain_of_thought, "
        "stages: 3, parameters: {max_completion_tokens: 600}, respondents: test}\n", encoding="utf-8")  # fmt: skip
    done(command("run", study, "--run-id", "run", "--yes"))
    study.write_text(by_row + _arms(("by_row", "by-row", "")), encoding="utf-8")
    done(command("run", study, "--run-id", "rows", "--yes"))

    rows = fleet.rows() + fleet.rows("rows")
    shares = _marginals(rows)
    told = {arm: _told([r for r in rows if r["arm"] == arm], shares) for arm in dict.fromkeys(r["arm"] for r in rows)}
    changed = {arm: _changed(rows, "base", arm) for arm in ("base_turned", "three")}
    changed |= {arm: _changed(rows, "tuned", arm) for arm in ("asked_turned", "tuned_turned")}
    with capsys.disabled():
        for arm, figures in told.items():
            print(f"\n{arm}: {figures} changed {changed.get(arm)}")

    assert told["tuned"].in_sample == 0.0
    assert told["by_row"].in_sample > 0.99
    assert changed["tuned_turned"] < 0.05 < changed["base_turned"]


def _arms(*arms: tuple[str, str, str]) -> str:
    lines = [f"  {arm}: {{model: {model}, strategy: logprobs, respondents: test{keys}}}\n" for arm, model, keys in arms]
    return "arms:\n" + "".join(lines)


def _marginals(rows: list[dict]) -> dict[str, dict[int, float]]:
    """Human shares of each question among the test respondents."""
    found: dict[str, dict[int, float]] = {}
    for question in {row["question_id"] for row in rows}:
        codes = [
            r["truth"] for r in rows if r["question_id"] == question and r["arm"] == "base" and r["truth"] is not None
        ]
        found[question] = {code: codes.count(code) / len(codes) for code in set(codes)}
    return found


def _told(rows: list[dict], shares: dict[str, dict[int, float]]) -> Told:
    known = [row for row in rows if row["truth"] is not None and row["status"] == "answered"]
    gaps, nats = [], []
    for question, human in shares.items():
        mine = [row for row in known if row["question_id"] == question]
        said = {
            code: float(np.mean([dict(r["probabilities"] or {r["answer"]: 1.0}).get(code, 0.0) for r in mine]))
            for code in human
        }
        gaps.append(0.5 * sum(abs(said[code] - share) for code, share in human.items()))
    for row in known:
        if row["probabilities"]:
            nats.append(
                np.log(dict(row["probabilities"])[row["truth"]]) - np.log(shares[row["question_id"]][row["truth"]])
            )
    return Told(
        len(known),
        round(float(np.mean([row["answer"] == row["truth"] for row in known])), 4),
        round(float(np.mean(gaps)), 4),
        round(float(np.mean(nats)), 4) if nats else None,
        round(float(np.mean([row["in_sample"] for row in rows])), 4),
    )


def _changed(rows: list[dict], before: str, after: str) -> float:
    """Share of answers that differ between two arms."""
    answers = {
        arm: {(r["respondent_id"], r["question_id"]): r["answer"] for r in rows if r["arm"] == arm}
        for arm in (before, after)
    }
    both = answers[before].keys() & answers[after].keys()
    return float(np.mean([answers[before][key] != answers[after][key] for key in both]))
