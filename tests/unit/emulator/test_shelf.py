from math import inf

from emulator.files.shelf import Shelf
from emulator.files.spool import Segment, Spool
from emulator.service_time import ServiceTime, TimeOrder


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def make_shelf(speed: float = 1.0) -> tuple[Shelf, Hand]:
    clock = Hand()
    return Shelf(ServiceTime(speed, clock=clock, wall=lambda: 1000.0)), clock


def test_file_is_pending_first_and_gone_after_its_expiry():
    shelf, clock = make_shelf()
    file = shelf.add([Segment(0, 3)], filename="a", purpose="batch", pending_s=2, expires_after_s=10)

    found = []
    for clock.now_s in (0, 1.9, 2, 9.9, 10):
        kept = shelf.find(file.id)
        found.append(None if kept is None else kept.status(shelf.time.now()))

    assert found == ["pending", "pending", "processed", "processed", None]
    assert shelf.all() == []
    assert not shelf.delete(file.id)


def test_service_time_starts_with_the_wall_clock_and_runs_faster():
    shelf, clock = make_shelf(speed=3600)
    clock.now_s = 2.0

    assert shelf.time.now() == 1000.0 + 7200.0
    assert shelf.time.real_s(86_400) == 24.0


def test_files_are_listed_by_purpose_in_order_of_arrival():
    shelf, _ = make_shelf()
    names = [("a", "batch"), ("b", "fine-tune"), ("c", "batch")]
    for name, purpose in names:
        shelf.add([], filename=name, purpose=purpose)

    assert [file.filename for file in shelf.all("batch")] == ["a", "c"]


def test_spool_gives_back_lines_and_where_they_lie():
    spool = Spool()
    spool.append(b"before\n")
    segment = spool.append(b"one\n\n" + b"x" * 3_000_000 + b"\nlast")

    found = list(spool.lines(segment))

    assert [len(line) for _, line in found] == [3, 0, 3_000_000, 4]
    assert all(spool.read(place) == line for place, line in found)


def test_service_time_stands_still_jumps_ahead_and_goes_on_without_going_back():
    shelf, clock = make_shelf(speed=10)
    clock.now_s = 5.0
    shelf.time.obey(TimeOrder(speed=0))
    clock.now_s = 50.0
    still = shelf.time.now()
    shelf.time.obey(TimeOrder(skip_s=60))
    jumped = shelf.time.now()
    shelf.time.obey(TimeOrder(speed=2))
    clock.now_s = 51.0

    assert (still, jumped, shelf.time.now()) == (1050.0, 1110.0, 1112.0)
    assert shelf.time.real_s(10) == 5.0


def test_stretch_of_time_that_stands_still_never_ends():
    shelf, _ = make_shelf()
    shelf.time.obey(TimeOrder(speed=0))

    assert shelf.time.real_s(1) == inf
