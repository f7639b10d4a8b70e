"""Recoding, bands, joined labels, numbers as they are told."""

import pandas as pd
import pytest
from pydantic import ValidationError

from schemas.derive import Derive
from survey.codes.missing import read_missing_rules
from survey.files import read_survey
from survey.personas.derive import DerivedField
from survey.personas.derive_values import band_names, derive_values, written
from survey.prepare import prepare
from tests.support.survey_files import make_study, write_trap_sav


@pytest.fixture(scope="module")
def traps(tmp_path_factory):
    return read_survey(write_trap_sav(tmp_path_factory.mktemp("values") / "traps.sav"))


def derived(data, **spec):
    rules, _ = read_missing_rules(make_study(missing={"default": {"refused": [99]}}).missing, data.variables)
    return derive_values("NEW", Derive.model_validate(spec), data.frame, data.variables, rules)


def texts(data, **spec):
    found = derived(data, **spec)
    assert isinstance(found, DerivedField), found
    return [None if pd.isna(code) else found.variable.labels[code] for code in found.answers.codes]


def test_codes_and_ranges_become_groups_in_the_order_written(traps):
    spec = {"recode": "ECON", "1": "fine", "2..3": "not fine"}

    assert texts(traps, **spec) == [
        *("fine", "not fine", "not fine", None, "fine"),
        *("not fine", None, "not fine", "not fine", "not fine"),
    ]
    assert derived(traps, **spec).variable.codes == [1, 2]


def test_missing_code_that_is_recoded_by_name_is_told(traps):
    spec = {"recode": "ECON", "1..3": "an opinion", "99": "would not say"}

    assert texts(traps, **spec)[3] == "would not say"
    assert texts(traps, **spec)[6] is None


def test_code_without_a_group_is_an_error_that_names_it(traps):
    (problem,) = derived(traps, recode="ECON", **{"1": "fine", "3": "bad"})

    assert problem.code == "recode_incomplete"
    assert "2 'Fair'" in problem.what


def test_text_is_recoded_by_its_values(traps):
    spec = {"recode": "STATE", "codes": {"TX": "south", "CA": "west", "NY": "east"}}

    assert texts(traps, **spec)[:3] == ["south", "west", None]


def test_numbers_are_cut_into_bands_and_missing_ones_stay_missing(traps):
    found = derived(traps, bands="AGE", at=[30, 50, 65])

    assert texts(traps, bands="AGE", at=[30, 50, 65])[:5] == ["under 30", "30 to 49", "65 or more", "65 or more", None]
    assert (found.variable.scale, found.variable.codes) == ("ordinal", [1, 2, 3, 4])
    assert list(found.variable.labels.values()) == ["under 30", "30 to 49", "50 to 64", "65 or more"]


def test_number_at_a_cut_belongs_to_the_band_above(traps):
    assert texts(traps, bands="AGE", at=[41], names=["young", "old"])[1] == "old"


@pytest.mark.parametrize(
    ("at", "whole", "names"),
    [
        ([18, 19, 30], True, ["under 18", "18", "19 to 29", "30 or more"]),
        ([1.5, 2], False, ["under 1.5", "1.5 to under 2", "2 or more"]),
        ([10], True, ["under 10", "10 or more"]),
    ],
)
def test_bands_are_named_by_their_ends(at, whole, names):
    assert band_names(at, whole=whole) == names


def test_labels_are_joined_and_a_missing_one_is_left_out(traps):
    found = texts(traps, labels=["REGION", "ECON"], join=", ")

    assert found[:4] == ["North, Good", "South, Fair", "North, Poor", "South"]
    assert found[6] == "North"


def test_number_is_told_rounded_with_thousands(traps):
    assert texts(traps, number="INCOME", write="{} thousand")[:4] == ["10 thousand", "20 thousand", "30 thousand", None]


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (1234567.0, {"thousands": ","}, "1,234,567"),
        (1234567.0, {"thousands": " ", "round_to": 1000}, "1 235 000"),
        (41.0, {}, "41"),
        (0.5, {"decimals": 1}, "0.5"),
        (-1200.0, {"thousands": ","}, "-1,200"),
    ],
)
def test_numbers_are_written_as_asked(value, spec, text):
    assert written(value, Derive.model_validate({"number": "X"} | spec)) == text


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({}, "exactly one of"),
        ({"recode": "A", "1": "x", "bands": "B", "at": [1]}, "exactly one of"),
        ({"recode": "A"}, "needs codes"),
        ({"bands": "A"}, "needs `at`"),
        ({"bands": "A", "at": [30, 20]}, "that rise"),
        ({"bands": "A", "at": [30], "names": ["one"]}, "needs 2 texts"),
        ({"number": "A", "write": "no place"}, "once"),
        ({"recode": "A", "1": "x", "joins": "y"}, "joins"),
    ],
)
def test_definition_that_means_nothing_is_refused(spec, says):
    with pytest.raises(ValidationError, match=says):
        Derive.model_validate(spec)


@pytest.mark.parametrize("spec", [{"recode": "EKON", "1": "x"}, {"labels": ["EKON"]}, {"number": "EKON"}])
def test_unknown_source_is_told_with_the_nearest_name(traps, spec):
    (problem,) = derived(traps, **spec)

    assert problem.code == "unknown_variable"
    assert "ECON" in problem.hint


def test_text_in_bands_is_an_error(traps):
    (problem,) = derived(traps, bands="STATE", at=[1])

    assert problem.code == "derive_type"


def test_derived_fields_of_every_kind_stand_in_a_study(traps):
    study = make_study(
        persona={
            "fields": ["AGE3", "ECON2", "PLACE", "PAY"],
            "derive": {
                "AGE3": {"bands": "AGE", "at": [30, 60]},
                "ECON2": {"recode": "ECON", 1: "fine", "2..3": "not fine"},
                "PLACE": {"labels": ["STATE", "REGION"], "join": ", "},
                "PAY": {"number": "INCOME", "write": "US$ {},000"},
            },
        },
        questions={"PARTY": {"text": "Which party?", "answers": {1: "Rep", 2: "Dem"}}},
        missing={"default": {"refused": [99]}, "PARTY": {"refused": [9]}},
    )

    prepared = prepare(study, traps)

    assert prepared.codebook.fields["PLACE"].labels[1] == "TX, North"
    assert prepared.respondents["AGE3"].isna().sum() == 1
