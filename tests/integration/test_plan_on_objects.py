"""`plan` where the store is a bucket: the plan itself lies on this host, earlier answers do not."""

import json

from storage.store import open_store
from tests.support.cli_runs import CommandLine, land, open_run
from tests.support.object_services import s3_service
from tests.support.studies import write_study


def test_plan_on_a_bucket_counts_what_an_earlier_run_answered(tmp_path, monkeypatch, capsys):
    study = write_study(tmp_path / "s", "http://127.0.0.1:9/v1", n_respondents=12, reuse="study")
    here = open_run(study, tmp_path / "runs")
    land(here, "r", lambda _: {"system_fingerprint": None})
    with s3_service(tmp_path / "log") as service:
        environ = {"NIGHTPOLL_STORE": service.uri, "NIGHTPOLL_CACHE": str(tmp_path / "copies")}
        for name, value in (service.environ() | environ).items():
            monkeypatch.setenv(name, value)
        store = open_store(service.uri, tmp_path / "there")
        for file in sorted(p for p in here.path("r").rglob("*") if p.is_file() and not p.name.startswith(".")):
            store.put_if_absent(file.relative_to(here.root).as_posix(), file.read_bytes())
        said = CommandLine(capsys)("plan", study, "--json")

    assert said.code == 0, said.err
    assert json.loads(said.out)["reused"] == 24
    assert not list((tmp_path / "copies").glob("*/.nightpoll/staging/*"))
