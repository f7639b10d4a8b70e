"""The commands on an object store: what they write and read lies there, and another host sees it."""

import json
import zipfile

import pytest

from storage.store import open_store
from tests.support.cli_runs import CommandLine
from tests.support.fleet import study_of
from tests.support.hosts import running_cluster
from tests.support.object_services import s3_service

pytestmark = pytest.mark.e2e


@pytest.fixture
def nightpoll(capsys):
    return CommandLine(capsys)


@pytest.mark.accept
def test_commands_work_on_s3_and_leave_nothing_in_the_folder_they_are_called_in(nightpoll, tmp_path):
    with s3_service(tmp_path / "log") as service, running_cluster(service, n_hosts=1) as cluster:
        study = study_of(cluster, n_respondents=12, shard_size=8)
        for words in (
            ("run", study, "--yes", "--run-id", "r1"),
            ("evaluate", "r1", "--report", "-"),
            ("export", "r1", tmp_path / "r1.zip", "--format", "archive"),
            ("export", "r1", tmp_path / "r1.csv", "--format", "csv"),
            ("show", "r1"),
            ("errors", "r1"),
            ("reread", "r1"),
            ("run", study, "--yes", "--run-id", "r2", "--detach", "--fresh"),
            ("cancel", "r2"),
            ("queue", "add", study, "--window", "22:00-06:30", "--timezone", "Europe/Berlin"),
            ("doctor", study),
        ):
            said = nightpoll(*words)
            assert said.code == 0 or (words[0], said.code) == ("cancel", 8), f"{words}: {said.err}{said.out}"
        runs = json.loads(nightpoll("list", "--json").out)
        entries = json.loads(nightpoll("queue", "list", "--json").out)
        pruned = nightpoll("prune", "--older-than", "1", "--yes")
        elsewhere = open_store(cluster.store.uri, tmp_path / "elsewhere")

        assert {run["run_id"] for run in runs["runs"]} == {"r1", "r2"}
        assert len(entries["entries"]) == 1
        assert pruned.code == 0
        assert b"</html>" in elsewhere.read_bytes("r1/evaluation/report.html")
        with zipfile.ZipFile(tmp_path / "r1.zip") as archive:
            assert {"r1/run.json", "r1/predictions.parquet"} <= set(archive.namelist())
        assert not (tmp_path / "runs").exists()
