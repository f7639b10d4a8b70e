"""kill -9 between the turns of requests in batches: what was bought is not bought again."""

import os
from collections.abc import Iterator

import pytest

from tests.support.batch_desk import BatchDesk, batch_desk
from tests.support.dying import die_at
from tests.support.emulator import TestEmulator, running_emulator
from workers.batch import harvest as batch_harvest

N = 24
N_TURNS = 3


@pytest.fixture(scope="module")
def service() -> Iterator[TestEmulator]:
    with running_emulator(batch_speed=2000.0) as running:
        yield running


def killed(desk: BatchDesk, point: str, died, *, without_turns: bool = False) -> None:
    """Work in a process of its own that kills itself at the point, or leaves no answers of turns."""
    child = os.fork()
    if child == 0:
        die_at(point, died)
        if without_turns:
            batch_harvest.write_turns = lambda *_: None
        try:
            desk.work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert died.exists()


def counts(service: TestEmulator) -> tuple[int, int, int]:
    """Batches made, those with the requests of an earlier one, answers sold."""
    made = service.batches()
    return made["created"], made["same_requests"], service.purchases()["total"]


@pytest.mark.parametrize(
    ("point", "without_turns", "gained"),
    [
        pytest.param("part:before", False, (3, 0, N_TURNS * N), id="turn_not_landed", marks=pytest.mark.accept),
        pytest.param("part:after", False, (3, 0, N_TURNS * N), id="turn_landed_and_not_noted"),
        pytest.param("ledger=closed:after", False, (3, 0, N_TURNS * N), id="before_the_next_round"),
        pytest.param("ledger=closed:after", True, (4, 1, (N_TURNS + 1) * N), id="protection_taken_out"),
    ],
)
def test_kill_between_turns_buys_again_only_where_answers_of_turns_are_not_kept(
    service, tmp_path, point, without_turns, gained
):
    before = counts(service)
    desk = batch_desk(tmp_path, service, arms=["cot3"], salt=f"{point}{without_turns}", lines=N)
    killed(desk, point, tmp_path / "died", without_turns=without_turns)

    desk.work()

    assert tuple(now - then for now, then in zip(counts(service), before, strict=True)) == gained
    assert {row["attempts"] for row in desk.parts()} == {N_TURNS}
    assert len(desk.rows()) == N
