"""31 imbalanced classes with two-digit codes and label texts, learned and read through log-probabilities.

The services list 20 alternatives of a chat's token and 5 of a completion's, so that covered_mass is below 1.
"""

import csv
from collections.abc import Iterator

import numpy as np
import pytest

from tests.support.batch_runs import SPEED
from tests.support.cli_runs import CommandLine
from tests.support.fleet import Fleet, running_fleet
from tests.support.many_classes import CODES, GROUPS, true_shares, write_survey
from tests.support.tuning_go import as_user, done, models_yaml, tune

SMALLEST = 1e-15
"""Floor of a probability inside a logarithm, as in the evaluation."""

pytestmark = [pytest.mark.e2e, pytest.mark.accept]


@pytest.fixture(scope="module", params=["one token", "two tokens"])
def digits(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def fleet(digits: str) -> Iterator[Fleet]:
    manner = {"split_digits": digits == "two tokens"}
    with running_fleet(n_workers=1, emulator={"batch_speed": SPEED, "manner": manner}) as fleet:
        yield fleet


def test_distribution_over_31_codes_is_learned_and_read(
    fleet: Fleet, digits: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_user(fleet, monkeypatch)
    command, folder = CommandLine(capsys), fleet.folder / "study"
    head, path = write_survey(folder), folder / "study.yaml"
    (folder / "models.yaml").write_text(models_yaml(fleet, provider="openai"), encoding="utf-8")
    monkeypatch.setenv("NIGHTPOLL_MODELS", str(folder / "models.yaml"))
    for family in ("chat", "completion"):
        path.write_text(head + f"  {family}: {{model: {family}, strategy: logprobs}}\n", encoding="utf-8")
        tune(command, path, arm=family, name=f"{family}-places")
    arms = "".join(
        f"  {family}: {{model: {family}-places, strategy: logprobs, respondents: test}}\n"
        for family in ("chat", "completion")
    )
    path.write_text(head + arms, encoding="utf-8")
    done(command("run", path, "--run-id", "run", "--yes"))

    with (folder / "many.csv").open(encoding="utf-8") as file:
        group_of = {row["ID"]: int(row["WORK"]) - 1 for row in csv.DictReader(file)}
    rows = fleet.rows()
    found = {f: _figures([r for r in rows if r["arm"] == f], group_of) for f in ("chat", "completion")}
    done(command("reread", "run", "--reader", "2"))
    by_first = {f: [r for r in fleet.rows() if r["arm"] == f] for f in ("chat", "completion")}
    for family, one_token in by_first.items():
        read = [row for row in one_token if row["probabilities"]]
        found[family]["read by reader 2"] = len(read) / len(one_token)
        if read:
            found[family]["its log_loss"] = _figures(read, group_of)["log_loss"]
    with capsys.disabled():
        for family, told in found.items():
            print(f"\n{digits}, {family}: " + ", ".join(f"{name} {value:.3f}" for name, value in told.items()))

    assert {row["status"] for row in rows} == {"answered"}
    chat, old = found["chat"], found["completion"]
    assert old["covered"] < chat["covered"] < 1.0
    assert chat["log_loss"] < chat["marginal"]
    assert chat["log_loss"] < chat.get("its log_loss", np.inf)
    assert chat["tv"] < 0.15
    assert old["tv"] < 0.3


def _figures(rows: list[dict], group_of: dict[str, int]) -> dict[str, float]:
    """Covered mass, log loss (nats), that of the groups' true shares and of everybody's, TV of mean and true shares."""
    p = np.array([[dict(row["probabilities"])[code] for code in CODES] for row in rows])
    truth = np.array([CODES.index(row["truth"]) for row in rows])
    group = np.array([group_of[row["respondent_id"]] for row in rows])
    true, n = true_shares(), np.arange(len(rows))
    overall = true[group].mean(axis=0)
    of_groups = [0.5 * abs(p[group == g].mean(axis=0) - true[g]).sum() for g in range(len(GROUPS))]
    assert p.sum(axis=1) == pytest.approx(1)
    return {
        "covered": float(np.mean([row["covered_mass"] for row in rows])),
        "least covered": float(min(row["covered_mass"] for row in rows)),
        "log_loss": float(-np.log(np.maximum(p[n, truth], SMALLEST)).mean()),
        "truth": float(-np.log(true[group, truth]).mean()),
        "marginal": float(-np.log(overall[truth]).mean()),
        "tv": 0.5 * float(abs(p.mean(axis=0) - overall).sum()),
        "tv by group": float(np.mean(of_groups)),
    }
