import pytest

from emulator.arguments import read_arguments
from schemas.errors import SettingsError


def test_options_override_the_config_file(tmp_path):
    (tmp_path / "c.yaml").write_text("profile: azure\nrpm: 60\nlatency: {median_s: 2, sigma: 0.3}\n")
    asked = read_arguments(["--config", str(tmp_path / "c.yaml"), "--rpm", "120", "--latency-ms", "0"], {})

    assert (asked.config.profile, asked.config.rpm) == ("azure", 120)
    assert (asked.config.latency.median_s, asked.config.latency.sigma) == (0.0, 0.3)


def test_deployments_replace_the_catalogue():
    config = read_arguments(["--deployment", "east=gpt-4.1-mini", "--deployment", "gpt-4o"], {}).config

    assert {name: served.model for name, served in config.served().items()} == {
        "east": "gpt-4.1-mini",
        "gpt-4o": "gpt-4o",
    }


def test_keys_come_from_the_named_variable_and_are_never_shown():
    config = read_arguments(["--key-env", "K"], {"K": "k-first, k-second"}).config

    assert [key.get_secret_value() for key in config.keys] == ["k-first", "k-second"]
    assert "k-first" not in repr(config)
    assert "k-first" not in config.model_dump_json()


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--deployment", "east=gpt-9"], "gpt-9"),
        (["--key-env", "NOT_SET"], "NOT_SET"),
        (["--rpm", "0"], "rpm"),
        (["--config", "no-such-file.yaml"], "no-such-file.yaml"),
    ],
)
def test_wrong_options_are_refused_by_name(argv, says):
    with pytest.raises(SettingsError) as caught:
        read_arguments(argv, {})

    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--rpm", "-3"], "command line: `rpm` is -3 and must be greater than 0."),
        (["--sigma", "-1"], "command line: `latency.sigma` is -1.0 and must be at least 0."),
        (["--batch-speed", "inf"], "command line: `batch_speed` is inf and must be a number that is finite."),
    ],
)
def test_value_out_of_bounds_is_refused_in_plain_words(argv, says):
    with pytest.raises(SettingsError) as caught:
        read_arguments(argv, {})

    assert str(caught.value) == says


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("latency: 5", "`latency` is 5 and must be keys and values {..}."),
        ("keys: 5", "`keys` is a value that is not shown and must be a list [..]."),
        ("rpn: 5", "unknown key `rpn`."),
    ],
)
def test_wrong_config_file_is_refused_in_plain_words(tmp_path, content, says):
    path = tmp_path / "c.yaml"
    path.write_text(content)

    with pytest.raises(SettingsError) as caught:
        read_arguments(["--config", str(path)], {})

    assert str(caught.value) == f"{path}: {says}"


@pytest.mark.parametrize("port", ["99999", "-1", "x"])
def test_port_that_is_none_is_refused(port, capsys):
    with pytest.raises(SystemExit):
        read_arguments([f"--port={port}"], {})

    assert f"'{port}' is no port: 0 to 65535" in capsys.readouterr().err


def test_batch_clock_is_an_option_and_the_rest_of_batches_a_file(tmp_path):
    (tmp_path / "c.yaml").write_text(
        "batch: {working_s: 5}\nbatch_faults: {lost_lines: 0.1, answers: {refusal: 0.2}}\n"
    )
    config = read_arguments(["--config", str(tmp_path / "c.yaml"), "--batch-speed", "8640"], {}).config

    assert (config.batch_speed, config.batch.working_s, config.batch_faults.lost_lines) == (8640, 5, 0.1)
    assert config.batch_faults.answers.refusal == 0.2
