"""Fine-tuning with its records in a bucket: another host sees the job, its results and the registered version."""

import json

import pytest

from storage.store import open_store
from storage.tuning_records import list_ledgers, load_registry, results_path
from tests.support.cli_runs import CommandLine
from tests.support.emulator import running_emulator
from tests.support.object_services import s3_service
from tests.support.studies import write_study
from tests.support.tunings import ARM, FAST


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A bucket and a service; the study beside its models file."""
    with (
        s3_service(tmp_path / "log") as service,
        running_emulator(profile="azure_v1", batch_speed=FAST) as shop,
    ):
        here = service.environ() | {
            "NIGHTPOLL_STORE": service.uri,
            "NIGHTPOLL_CACHE": str(tmp_path / "here"),
            "ARM_TOKEN": "t",
        }
        for name, value in here.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("finetuning.deployments.serving.LOOK_EVERY_S", 0.2)
        monkeypatch.setattr("finetuning.deployments.deploy.LOOK_EVERY_S", 0.05)
        monkeypatch.setattr("finetuning.jobs.submit.LOOK_EVERY_S", 0.05)
        study = write_study(tmp_path / "s", shop.base_url, n_respondents=60, provider="azure_v1")
        models = study.with_name("models.yaml")
        tuning = (
            f"    tuning: {{account: {ARM.removesuffix('/deployments')}, arm_url: '{shop.origin}',"
            " token_env: ARM_TOKEN, usd_per_million_tokens: 5}\n"
        )
        models.write_text(models.read_text().replace("    deployments:\n", tuning + "    deployments:\n", 1))
        monkeypatch.setenv("NIGHTPOLL_MODELS", str(models))
        yield study


@pytest.mark.accept
def test_job_on_a_bucket_is_prepared_trained_deployed_and_seen_by_another_host(place, tmp_path, capsys):
    nightpoll, out = CommandLine(capsys), tmp_path / "files"
    for words in (
        ("finetune", "prepare", place, "--arm", "basic", "--out", out),
        ("finetune", "check", out / "training.jsonl", "--model", "mini"),
        ("finetune", "submit", out / "training.jsonl", "--model", "mini", "--yes"),
    ):
        said = nightpoll(*words)
        assert said.code == 0, f"{words}: {said.err}{said.out}"
    elsewhere = open_store("s3://surveys/lab", tmp_path / "elsewhere")
    (job,) = list_ledgers(elsewhere)
    for words in (
        ("finetune", "watch", job.key, "--every", "0.05"),
        ("finetune", "deploy", job.key, "--name", "tuned", "--register", "moods"),
        ("finetune", "list"),
        ("finetune", "undeploy", job.key),
        ("models", "list"),
        ("prune", "--older-than", "1", "--yes"),
    ):
        said = nightpoll(*words)
        assert said.code == 0, f"{words}: {said.err}{said.out}"

    (seen,) = list_ledgers(elsewhere)
    (version,) = load_registry(elsewhere).models["moods"].versions
    assert seen.state == "succeeded"
    assert seen.key == job.key
    assert version.entry.deployments[0].deployment == "tuned"
    assert elsewhere.exists(results_path(job.key))
    assert json.loads(nightpoll("models", "list", "--json").out)
    assert not (tmp_path / "runs").exists()
