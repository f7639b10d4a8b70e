from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.batch.pack import MAX_BYTES, MAX_LINES, BatchLimits, pack
from schemas.errors import OversizedRequestError


def check(sizes, limits: BatchLimits, ranges: list[range]) -> None:
    """Every index once and in order, limits kept, and no file that could have been joined to the one before."""
    assert [i for each in ranges for i in each] == list(range(len(sizes)))
    files = [[sizes[i] for i in each] for each in ranges]
    for file in files:
        assert len(file) <= limits.max_lines
        assert sum(n for n, _ in file) <= limits.max_bytes
        assert limits.max_tokens is None or len(file) == 1 or sum(t for _, t in file) <= limits.max_tokens
    for file, following in pairwise(files):
        joined = [*file, following[0]]
        fits = len(joined) <= limits.max_lines and sum(n for n, _ in joined) <= limits.max_bytes
        fits = fits and (limits.max_tokens is None or sum(t for _, t in joined) <= limits.max_tokens)
        assert not fits


@pytest.mark.parametrize("max_tokens", [None, 1, 2, 3])
def test_all_small_inputs_are_cut_whole_in_order_and_within_limits(max_tokens):
    kinds = [(1, 0), (1, 2), (2, 1), (3, 3)]
    for n, max_lines, max_bytes in product(range(6), (1, 2, 3), (3, 4, 6)):
        limits = BatchLimits(max_lines, max_bytes, max_tokens)
        for sizes in product(kinds, repeat=n):
            check(sizes, limits, pack(sizes, limits))


@given(
    sizes=st.lists(st.tuples(st.integers(1, 50), st.integers(0, 60)), max_size=60),
    max_lines=st.integers(1, 20),
    max_bytes=st.integers(50, 300),
    max_tokens=st.none() | st.integers(1, 200),
)
def test_any_input_is_cut_whole_in_order_and_within_limits(sizes, max_lines, max_bytes, max_tokens):
    limits = BatchLimits(max_lines, max_bytes, max_tokens)

    check(sizes, limits, pack(sizes, limits))


def test_limits_are_those_of_the_services():
    ranges = pack([(1_000, 100)] * 120_000, BatchLimits())

    assert [len(each) for each in ranges] == [50_000, 50_000, 20_000]
    assert [len(each) for each in pack([(5_000, 0)] * 50_000, BatchLimits())] == [40_000, 10_000]
    assert (MAX_LINES, MAX_BYTES) == (50_000, 200_000_000)


def test_nothing_makes_no_file():
    assert pack([], BatchLimits()) == []


def test_line_larger_than_a_file_is_refused():
    with pytest.raises(OversizedRequestError, match="11 bytes"):
        pack([(5, 0), (11, 0)], BatchLimits(max_bytes=10))


def test_request_with_more_tokens_than_the_limit_gets_a_file_of_its_own():
    assert pack([(1, 1), (1, 9), (1, 1)], BatchLimits(max_tokens=5)) == [range(1), range(1, 2), range(2, 3)]


@pytest.mark.parametrize("limits", [(0, 1, None), (1, 0, None), (1, 1, 0)])
def test_limits_nothing_fits_into_are_refused(limits):
    with pytest.raises(ValueError, match="at least 1"):
        BatchLimits(*limits)
