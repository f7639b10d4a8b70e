"""Redis behind TLS, with a user who may do what is needed and no more."""

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from storage.runs import load_state
from tests.support import forks
from tests.support.fleet import running_fleet, study_of
from tests.support.tls_proxy import tls_proxy
from workers import connection

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.accept]

ACL = forks.REPO / "docs" / "operations" / "users.acl"
PASSWORD = "s3cret/with+signs"
QUOTED = "s3cret%2Fwith%2Bsigns"


def test_run_goes_through_tls_as_a_user_of_few_rights() -> None:
    with running_fleet(n_workers=0) as fleet, tls_proxy(fleet.folder, fleet.server.socket) as (port, certificate):
        boss = connection.plain(fleet.server.url)
        for _, name, *rules in map(str.split, ACL.read_text("utf-8").replace("PASSWORD", PASSWORD).splitlines()):
            if name != "default":  # that one stays for looking on and ending it
                boss.execute_command("ACL", "SETUSER", name, *rules)
        url = f"rediss://nightpoll:{QUOTED}@localhost:{port}/0?ssl_cert_reqs=required&ssl_ca_certs={certificate}"
        fleet.environ["NIGHTPOLL_REDIS_URL"] = url
        study_of(fleet, n_respondents=12)
        fleet.start_worker()

        fleet.open(fleet.folder / "study" / "study.yaml")
        fleet.until_finished()

        client = connection.checked(url)
        assert load_state(fleet.store, "run").exit_code == 0
        assert fleet.bought_twice() == 0
        assert PASSWORD not in fleet.log_text()
        assert QUOTED not in fleet.log_text()
        _may_not(client)


def _may_not(client: Redis) -> None:
    for command in (
        ("FLUSHALL",),
        ("CONFIG", "GET", "*"),
        ("KEYS", "*"),
        ("GET", "other"),
        ("SHUTDOWN",),
        ("ACL", "LIST"),
    ):
        with pytest.raises(NoPermissionError):
            client.execute_command(*command)
