"""Figures that are no figures: endless bounds and prices cannot be written down or summed up, so they are refused."""

import pytest

from tests.support.studies import write_study


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("study.yaml", "\nsurvey:", "\nbudget: {run_usd: .inf}\nsurvey:", "(budget.run_usd): `run_usd` is inf"),
        ("study.yaml", "\nsurvey:", "\nbudget: {month_usd: .nan}\nsurvey:", "(budget.month_usd): `month_usd` is nan"),
        ("models.yaml", "rpm:", "tpm: .inf, rpm:", "tpm"),
    ],
)
def test_endless_figure_is_refused_where_it_stands(nightpoll, tmp_path, file, old, new, said):
    study = write_study(tmp_path, "http://127.0.0.1:9/v1", n_respondents=8)
    path = tmp_path / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    done = nightpoll("check", study)

    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
