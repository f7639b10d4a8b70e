import pytest

from emulator.answering.seeds import draws
from emulator.faults import Fault, Faults, parse_faults, read_faults
from schemas.errors import SettingsError


def test_pick_lays_the_draw_against_the_shares_in_order():
    faults = Faults(error_500=0.25, slow=0.5)

    assert [faults.pick(u) for u in (0.2, 0.3, 0.74, 0.76)] == [Fault.ERROR_500, Fault.SLOW, Fault.SLOW, None]


def test_every_fault_is_a_field_that_can_be_certain():
    assert all(Faults(**{fault.value: 1.0}).pick(0.999) is fault for fault in Fault)


def test_share_of_faults_over_many_calls_is_the_probability():
    faults = Faults(drop_after=0.1)
    struck = sum(faults.pick(draws("call", 7, f"id{n}", 1).first) is not None for n in range(5000))

    assert struck == pytest.approx(500, abs=80)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("error_500: 2", "at most 1", id="share above 1"),
        pytest.param("eror_500: 0.1", "unknown key", id="unknown fault"),
        pytest.param("error_500: 0.6\nslow: 0.6", "more than 1", id="sum above 1"),
        pytest.param("- error_500", "no mapping", id="list"),
        pytest.param("error_500: [", "cannot be read", id="no yaml"),
    ],
)
def test_wrong_faults_file_is_refused_in_one_line(tmp_path, text, says):
    (tmp_path / "faults.yaml").write_text(text)

    with pytest.raises(SettingsError, match=says) as caught:
        read_faults(tmp_path / "faults.yaml")
    assert "faults.yaml" in str(caught.value)


def test_faults_are_read_from_json_and_yaml(tmp_path):
    (tmp_path / "f.json").write_text('{"error_503": 0.5, "slow_s": 2}')
    (tmp_path / "f.yaml").write_text("error_503: 0.5\nslow_s: 2\n")

    assert read_faults(tmp_path / "f.json") == read_faults(tmp_path / "f.yaml") == Faults(error_503=0.5, slow_s=2)


def test_faults_that_are_no_mapping_are_refused():
    with pytest.raises(SettingsError):
        parse_faults(None, where="PUT")
