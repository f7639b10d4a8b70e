import numpy as np
import openpyxl
import pytest

from evaluation.job import evaluate_run
from evaluation.reading.load import load_run
from evaluation.reporting.toplines import LABEL, safe_text, toplines, write_toplines
from tests.support.runs_folder import ArmRows, RunFolder, variable

N = 400
RNG = np.random.default_rng(6)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    truth = RNG.integers(1, 4, N)
    folder = RunFolder(
        questions=[variable("Q", [1, 2, 3], labels={1: "=1+1", 2: "@cmd", 3: "plain"})],
        truth={"Q": truth},
        arms={"a": {"Q": ArmRows(np.where(RNG.random(N) < 0.5, truth, 2))}},
        fields={"F": [1] * N},
        groups={"G": np.where(np.arange(N) < 10, 3, RNG.integers(1, 3, N)).tolist()},
        weights=RNG.gamma(2, 0.5, N),
    )
    return folder.write(tmp_path_factory.mktemp("store"))


def test_toplines_agree_with_the_metrics(store, tmp_path):
    rows = evaluate_run(store, "run-1").rows
    found = [t for t in write_toplines(tmp_path / "t.xlsx", load_run(store, "run-1")) if not t.variable]

    for arm, attribute in (("human", "human"), ("a", "synthetic")):
        metrics = [r.value for r in rows if (r.arm, r.metric, r.question_id, r.weighted) == (arm, "share", "Q", True)]
        assert [getattr(t, attribute) for t in found] == pytest.approx(metrics)
    human = [r for r in rows if (r.arm, r.metric, r.weighted) == ("human", "share", True) and r.question_id and r.level]
    for t, row in zip(found, human, strict=True):
        assert t.n == row.n
        assert t.n_eff == pytest.approx(row.n_eff)
        assert 2 * t.margin == pytest.approx(row.interval.high - row.interval.low, rel=0.02)


def test_workbook_holds_text_that_is_no_formula(store, tmp_path):
    write_toplines(tmp_path / "t.xlsx", load_run(store, "run-1"))

    book = openpyxl.load_workbook(tmp_path / "t.xlsx")

    assert book.sheetnames == ["Toplines", "Banners"]
    assert book["Toplines"]["A1"].value == LABEL
    assert {cell.data_type for sheet in book for row in sheet for cell in row} <= {"s", "n"}
    assert [book["Toplines"].cell(row, 3).value for row in (3, 4, 5)] == ["'=1+1", "'@cmd", "plain"]


def test_small_group_is_a_row_without_figures(store):
    small = [t for t in toplines(load_run(store, "run-1")) if t.group == "G 3"]

    assert len(small) == 3
    assert all((t.human, t.synthetic, t.n, t.margin) == (None, None, None, None) for t in small)


@pytest.mark.parametrize("text", ["=A1", "+1", "-1", "@x", "\tx"])
def test_formula_like_text_is_quoted(text):
    assert safe_text(text) == f"'{text}"
