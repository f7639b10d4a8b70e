"""A storm of 429s from a service whose refusals count: how soon the quota is used again."""

import threading
import time

import pytest

from tests.support.fleet import running_fleet, study_of

RPM = 1200
STORM_S = 10.0
WITHIN_S = 30
OVER_S = 10


@pytest.mark.accept
@pytest.mark.timeout(400)
def test_quota_is_used_again_within_30_s_after_a_storm_of_refusals_that_count():
    service = {
        "latency": {"median_s": 0.05},
        "rpm": RPM,
        "count_rejected": True,
        "burst_requests": RPM * 105 // 6000 + 2,
    }
    with running_fleet(emulator=service) as fleet:
        fleet.open(study_of(fleet, n_respondents=800, rpm=RPM))
        fleet.until_bought(100)
        fleet.emulator.set_faults(rate_limited=1.0)
        threading.Event().wait(STORM_S)
        refused = fleet.emulator.stats()["statuses"]["429"]
        fleet.emulator.set_faults()
        ended_s = int(time.time()) + 1
        threading.Event().wait(WITHIN_S + 2)
        per_s = {int(s): n["admitted"] for s, n in fleet.emulator.stats()["per_second"].items()}

        admitted = [per_s.get(ended_s + i, 0) for i in range(WITHIN_S)]
        best = max(sum(admitted[i : i + OVER_S]) for i in range(WITHIN_S - OVER_S + 1))
        twice = fleet.bought_twice()

    assert refused >= 5
    assert twice == 0
    assert best >= 0.95 * RPM / 60 * OVER_S, admitted
