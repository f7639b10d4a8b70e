import pytest

from evaluation.job import evaluate_run
from evaluation.reporting.summary import MOST_LINES, summary_lines
from tests.support.mixed_run import mixed_run


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    return evaluate_run(mixed_run().write(tmp_path_factory.mktemp("store")), "run-1")


def test_summary_has_a_line_an_arm_and_a_line_a_question(evaluated):
    lines = summary_lines(evaluated)

    assert [line.partition(":")[0] for line in lines] == ["good", "constant", "gaps", "sure", "Q1", "Q2", "Q3"]
    assert "plain logit" in lines[0]
    assert "gives everyone the same answer" in lines[1]


def test_summary_never_exceeds_twenty_lines(evaluated, monkeypatch):
    monkeypatch.setattr("evaluation.reporting.summary.MOST_LINES", 3)

    assert len(summary_lines(evaluated)) == 3
    assert "5 more lines" in summary_lines(evaluated)[-1]
    assert MOST_LINES == 20
