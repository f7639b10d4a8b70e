"""NPORS out again: synthetic answers beside the humans', nothing of the original lost."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from producer.load import load_study
from survey.export import SyntheticColumn, new_names, write_survey
from survey.files import read_survey
from survey.prepare import prepare
from survey.respondents import respondent_ids
from tests.support.runs_folder import variable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def exported(npors_sav, tmp_path_factory):
    data = read_survey(npors_sav)
    study = load_study(ROOT / "examples" / "npors2024" / "study.yaml").study
    prepared = prepare(study, data)
    ids = respondent_ids(data.frame["RESPID"])
    codes = {one: 1 + i % 4 for i, one in enumerate(ids) if i % 10}
    columns = [SyntheticColumn(prepared.codebook.questions["ECON1MOD"], "few-shot", codes)]
    folder = tmp_path_factory.mktemp("export")
    paths = {kind: folder / f"npors.{kind}" for kind in ("sav", "dta")}
    names = {kind: write_survey(path, data, ids, columns).added for kind, path in paths.items()}
    return data, paths, names, codes, ids


def test_sav_keeps_every_label_code_and_weight(exported, npors_sav):
    data, paths, _, _, _ = exported
    before = pyreadstat.read_sav(str(npors_sav), user_missing=True)
    after = pyreadstat.read_sav(str(paths["sav"]), user_missing=True)

    old = before[1].column_names
    assert after[1].column_names[: len(old)] == old
    assert {n: after[1].variable_value_labels.get(n, {}) for n in old} == {
        n: before[1].variable_value_labels.get(n, {}) for n in old
    }
    again = read_survey(paths["sav"])
    assert {n: again.variables[n].labels for n in old} == {n: data.variables[n].labels for n in old}
    assert {n: again.variables[n].label for n in old} == {n: data.variables[n].label for n in old}
    for name in old:
        pd.testing.assert_series_equal(again.frame[name], data.frame[name])


def test_synthetic_variable_is_labelled_and_says_what_it_is(exported):
    data, paths, names, codes, ids = exported
    again = read_survey(paths["sav"])
    (name,) = names["sav"]

    assert name == "ECON1MOD_few_shot"
    assert again.variables[name].labels == {c: t for c, t in data.variables["ECON1MOD"].labels.items() if c != 99}
    assert "model-generated" in again.variables[name].label
    expected = np.array([codes.get(one, np.nan) for one in ids])
    np.testing.assert_array_equal(again.frame[name].to_numpy("float64", na_value=np.nan), expected)


def test_dta_reads_back_with_labels_and_weights(exported):
    data, paths, names, _, _ = exported

    frame, meta = pyreadstat.read_dta(str(paths["dta"]))

    assert meta.variable_value_labels["ECON1MOD"][1] == data.variables["ECON1MOD"].labels[1]
    assert names["dta"][0] in frame.columns
    np.testing.assert_allclose(frame["WEIGHT"], data.frame["WEIGHT"].to_numpy("float64"))


def test_names_fit_the_format_and_never_collide():
    long = variable("Q" * 30, [1])
    columns = [SyntheticColumn(long, "arm-one", {}), SyntheticColumn(long, "arm-two", {})]

    names = new_names(["q" * 30 + "_a"], columns, "dta")

    assert len({name.casefold() for name in [*names, "q" * 30 + "_a"]}) == 3
    assert all(len(name) <= 32 for name in names)
