from dataclasses import replace

import pytest

from evaluation.flags import Evidence, flags_of

FINE = Evidence(
    n_eligible=500,
    n_codes_used=3,
    coverage=1.0,
    accuracy=0.6,
    entropy_ratio=0.9,
    modal_share=0.5,
    human_modal_share=0.45,
    majority_accuracy=0.45,
    logit_gain_low=0.02,
    tv=0.1,
    floor_p95=0.05,
)


def test_cell_in_order_has_no_flag():
    assert flags_of(FINE) == ()


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        pytest.param({"simulated": True}, "SIMULATED_SERVICE", id="emulator"),
        pytest.param({"in_sample": True}, "IN_SAMPLE", id="tuned on them"),
        pytest.param({"accuracy": 0.44}, "WORSE_THAN_MAJORITY", id="below majority"),
        pytest.param({"n_codes_used": 1}, "EQUALS_CONSTANT", id="one code"),
        pytest.param({"entropy_ratio": 0.49}, "COLLAPSED", id="little variety"),
        pytest.param({"modal_share": 0.96}, "COLLAPSED", id="one code nearly always"),
        pytest.param({"logit_gain_low": 0.0}, "NOT_BETTER_THAN_LOGIT", id="gain may be nothing"),
        pytest.param({"coverage": 0.97}, "LOW_COVERAGE", id="answers missing"),
        pytest.param({"n_eligible": 99}, "SMALL_CELL", id="few respondents"),
        pytest.param({"tv": 0.05}, "BELOW_FLOOR", id="like a resample"),
    ],
)
def test_one_change_earns_one_flag(changes, flag):
    assert flags_of(replace(FINE, **changes)) == (flag,)


def test_one_code_nearly_always_is_no_collapse_when_people_do_the_same():
    found = flags_of(replace(FINE, modal_share=0.97, human_modal_share=0.92))

    assert found == ()


def test_undefined_figures_earn_no_flag():
    nothing = replace(
        FINE, coverage=None, accuracy=None, entropy_ratio=None, modal_share=None, logit_gain_low=None, tv=None
    )

    assert flags_of(nothing) == ()
