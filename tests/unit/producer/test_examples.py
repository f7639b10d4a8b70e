import pytest

from producer.prompting.examples import ExampleIndex, MatchKeys

#        position: 0       1       2       3       4          5
CODES = [(1, 1), (1, 1), (1, 1), (1, 2), (2, 2), (1, None)]


def choose(position, *, candidates=(0, 1, 2, 3, 4, 5), wanted=1, codes=CODES, seed="r"):
    index = ExampleIndex(candidates, MatchKeys.of(codes, len(codes[0])), wanted=wanted)
    return index.choose(position, seed=("s", seed))


def test_examples_share_all_match_variables_where_enough_do():
    chosen = choose(0, wanted=2)

    assert set(chosen.positions) == {1, 2}
    assert (chosen.n_matched, chosen.is_relaxed) == (2, False)


def test_last_match_variable_is_dropped_first_when_matches_are_too_few():
    chosen = choose(3, wanted=2)

    assert set(chosen.positions) <= {0, 1, 2, 5}
    assert (chosen.n_matched, chosen.is_relaxed) == (1, True)


def test_everyone_trained_on_serves_when_no_variable_can_be_kept():
    chosen = choose(4, wanted=2)

    assert len(set(chosen.positions) - {4}) == 2
    assert chosen.n_matched == 0


def test_missing_value_matches_nothing_not_even_another_missing_value():
    codes = [(None,), (None,), (1,)]

    assert choose(0, candidates=(1, 2), codes=codes).n_matched == 0


@pytest.mark.parametrize("seed", [str(i) for i in range(40)])
def test_nobody_is_an_example_for_themselves(seed):
    assert 0 not in choose(0, wanted=2, seed=seed).positions


def test_someone_outside_the_training_split_draws_from_all_matches():
    assert set(choose(0, candidates=(1, 2), wanted=2).positions) == {1, 2}


def test_fewer_examples_than_wanted_are_all_shown_and_count_as_relaxed():
    chosen = choose(0, candidates=(0, 3), wanted=3)

    assert (chosen.positions, chosen.is_relaxed) == ((3,), True)


def test_choice_depends_on_the_seed_only():
    codes = [(1,)] * 50
    draws = [choose(0, candidates=range(50), wanted=3, codes=codes, seed=str(i)).positions for i in range(20)]

    assert draws[0] == choose(0, candidates=range(50), wanted=3, codes=codes, seed="0").positions
    assert len(set(draws)) > 15


def test_every_candidate_is_drawn_about_equally_often():
    codes = [(1,)] * 11
    counts = dict.fromkeys(range(1, 11), 0)
    for i in range(3000):
        for position in choose(0, candidates=range(11), wanted=2, codes=codes, seed=str(i)).positions:
            counts[position] += 1

    assert all(500 < n < 700 for n in counts.values())


def test_without_match_variables_nothing_is_relaxed():
    index = ExampleIndex([0, 1, 2], MatchKeys.of([()] * 3, 0), wanted=2)

    assert index.choose(0, seed=("s",)).is_relaxed is False
