"""Command lines typed wrongly: a sentence with place and value, the way to the help, exit code 2, no parser's words."""

import pytest

from schemas.errors import ExitCode
from tests.support.studies import write_study


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("prune --older-than banana", "--older-than: 'banana': write a number."),
        ("prune --older-than -1", "--older-than: "),
        ("plan s --pilot 0", "--pilot: '0': it must be 1 or more."),
        ("plan s --pilot few", "--pilot: 'few': write a whole number."),
        ("plan s --budget nan", "--budget: "),
        ("resume r --budget inf", "--budget: 'inf': it must be 1000000000"),
        ("finetune submit t --model m --month-usd inf", "--month-usd: 'inf': it must be 1000000000"),
        ("run s --priority 1000", "--priority: '1000': it must be 100 or less."),
        ("queue reorder q1 0", "PLACE: '0': it must be 1 or more."),
        ("emulator --profile aws", "--profile: 'aws' is not one of 'openai', 'azure_v1', 'azure'."),
        ("plan s --pilto 5", "No such option: --pilto"),
        ("queue reorder q1", "Missing argument 'place'."),
        ("statsu", "No such command 'statsu'."),
    ],
)
def test_wrong_value_is_said_in_words_with_the_way_to_the_help(nightpoll, line, said):
    done = nightpoll(*line.split())

    assert done.code == ExitCode.WRONG_INPUT
    assert said in done.err
    assert "Input should be" not in done.err
    assert "--help` shows what it takes." in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("line", ["", "queue", "models", "finetune", "batch"])
def test_group_without_a_command_shows_its_help_and_no_empty_error(nightpoll, line):
    done = nightpoll(*line.split())

    assert done.code == ExitCode.WRONG_INPUT
    assert "Usage: " in done.out
    assert done.err == ""


@pytest.mark.parametrize("command", ["check", "plan", "run", "queue add"])
def test_wrong_path_of_a_study_is_one_error(nightpoll, tmp_path, command):
    done = nightpoll(*command.split(), tmp_path / "nowhere.yaml")

    assert done.code == ExitCode.WRONG_INPUT
    assert done.err.count("error") == 1
    assert "nowhere.yaml: There is no such file." in done.err


def test_missing_models_file_beside_a_good_study_is_still_said(nightpoll, tmp_path):
    study = write_study(tmp_path, "http://127.0.0.1:9/v1", n_respondents=8)
    (tmp_path / "models.yaml").unlink()

    said = nightpoll("plan", study).err
    assert "models.yaml: There is no such file." in said
    assert "nightpoll init DIR" in said


@pytest.mark.parametrize("command", ["plan", "queue add", "run"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--deadline banana", "'banana' is no deadline."),
        ("--deadline 25:00", "'25:00' is no deadline."),
        ("--deadline 2020-01-01T06:30", "2020-01-01 06:30+00:00 has passed; name a moment to come."),
        ("--timezone Europe/Berlin", "error --timezone: nothing is said that is meant in this zone."),
        ("--deadline 06:30 --timezone Mars/Base", "error --timezone: there is no time zone 'Mars/Base'"),
        ("--deadline 06:30 --timezone EST", "error --timezone: EST never has summer time, whatever the clocks do."),
    ],
)
def test_deadline_and_zone_are_refused_alike_by_every_command(nightpoll, tmp_path, command, options, said):
    study = write_study(tmp_path, "http://127.0.0.1:9/v1", n_respondents=8)

    done = nightpoll(*command.split(), study, *options.split())

    assert done.code == ExitCode.WRONG_INPUT
    assert said in done.err
