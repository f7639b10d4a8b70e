"""The split by respondent."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from survey.split import split_of

ids = st.text(min_size=1, max_size=10)


def test_split_of_known_ids_never_changes():
    splits = [split_of(42, str(n), 0.2, 0.1) for n in range(8)]

    assert splits == ["train", "train", "validation", "validation", "train", "train", "train", "test"]


def test_shares_are_as_asked_for():
    counts = Counter(split_of(1, str(n), 0.2, 0.1) for n in range(20_000))

    assert abs(counts["test"] / 20_000 - 0.2) < 0.01
    assert abs(counts["validation"] / 20_000 - 0.1) < 0.01


@given(st.integers(), ids, st.floats(0, 0.4), st.floats(0, 0.5))
def test_another_validation_share_leaves_the_test_split_alone(seed, respondent, test, validation):
    is_test = split_of(seed, respondent, test, 0.0) == "test"

    assert (split_of(seed, respondent, test, validation) == "test") == is_test


@given(st.integers(), ids)
def test_a_larger_test_share_keeps_the_smaller_one_inside(seed, respondent):
    if split_of(seed, respondent, 0.2, 0) == "test":
        assert split_of(seed, respondent, 0.5, 0) == "test"


def test_another_seed_gives_another_split():
    one, other = ([split_of(seed, str(n), 0.5, 0) for n in range(50)] for seed in (1, 2))

    assert one != other


def test_no_held_out_share_leaves_everyone_in_training():
    assert {split_of(3, str(n), 0, 0) for n in range(100)} == {"train"}
