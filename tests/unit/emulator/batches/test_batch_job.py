from math import inf

import pytest

from emulator.batches.batch_faults import BatchFaults
from emulator.batches.batch_input import Examined, InputError
from emulator.batches.batch_job import Job, Timetable, timetable
from emulator.files.spool import Segment

DAY_S = 86_400.0


def make_table(n: int = 100, *, deadline_at: float = inf, **changes) -> Timetable:
    faults = BatchFaults(**changes.pop("faults", {}))
    times = {"validating_s": 10.0, "working_s": 1000.0, "finalizing_s": 5.0} | changes
    examined = Examined((Segment(0, 1),) * n, "m", 10, "", times.pop("errors", ()))
    token_failure = times.pop("token_failure", None)
    return timetable(
        examined, created_at=0.0, deadline_at=deadline_at, faults=faults, token_failure=token_failure, **times
    )


def make_job(table: Timetable, n: int = 100) -> Job:
    examined = Examined((Segment(0, 1),) * n, "m", 10, "", ())
    return Job("batch_1", 1, "file-1", "/x", None, None, 0.0, DAY_S, examined, table, BatchFaults(), 10, 0.0)


def states(job: Job, moments: list[float]) -> list[str]:
    found = []
    for now in moments:
        while True:
            if job.status == "in_progress":
                job.n_done = job.timetable.due_lines(now)
            if not job.step(now):
                break
        found.append(job.status)
    return found


def test_batch_passes_through_its_states_at_their_moments():
    job = make_job(make_table())

    found = states(job, [9, 10, 510, 1009, 1010, 1014, 1015])

    assert found == ["validating", *["in_progress"] * 3, *["finalizing"] * 2, "completed"]
    assert job.stamps == {"in_progress": 10, "finalizing": 1010, "completed": 1015}
    assert job.reserved_tokens == 0


def test_lines_fall_due_evenly():
    table = make_table()

    assert [table.due_lines(now) for now in (0, 10, 20, 510, 1010, 2000)] == [0, 0, 1, 50, 100, 100]


def test_state_waits_for_lines_that_are_late():
    job = make_job(make_table())
    states(job, [10])
    job.n_done = 99

    assert not job.step(2000)


def test_deadline_ends_the_work_with_what_is_done_by_then():
    job = make_job(make_table(working_s=2 * DAY_S, deadline_at=DAY_S))

    assert states(job, [DAY_S - 1, DAY_S + 5]) == ["in_progress", "expired"]
    assert job.n_done == 49


def test_without_a_deadline_the_work_goes_on():
    job = make_job(make_table(working_s=2 * DAY_S))

    assert states(job, [DAY_S + 5, 2 * DAY_S + 15]) == ["in_progress", "completed"]


@pytest.mark.parametrize(
    ("changes", "at", "code"),
    [
        pytest.param({"errors": (InputError("empty_file", "", None),)}, 10, "empty_file", id="input"),
        pytest.param({"faults": {"failed": "boom", "failed_after_s": 300}}, 300, "boom", id="fault, later"),
        pytest.param({"faults": {"failed": "boom"}}, 0, "boom", id="fault, at once"),
        pytest.param({"token_failure": InputError("tokens", "", None)}, 10, "tokens", id="queued tokens"),
    ],
)
def test_batch_fails_when_and_why_it_is_due(changes, at, code):
    job = make_job(make_table(**changes))

    states(job, [at])

    assert (job.status, job.stamps["failed"], job.failure[0].code) == ("failed", at, code)


def test_expired_share_is_worked_off_and_no_more():
    job = make_job(make_table(faults={"expired_share": 0.3}))

    assert states(job, [400]) == ["expired"]
    assert (job.n_done, job.stamps["finalizing"]) == (30, 310)


def test_batch_without_lines_due_expires_at_once_after_validation():
    job = make_job(make_table(faults={"expired_share": 0.0}))

    assert states(job, [10, 15]) == ["finalizing", "expired"]
