import random

import pytest

from producer.planning.pilot import pilot_positions
from schemas.errors import UserInputError

IDS = [f"r{i}" for i in range(400)]


def sample(n, ids=IDS, seed=1):
    return {ids[i] for i in pilot_positions(ids, n, seed=seed)}


def test_smaller_pilot_lies_inside_the_larger_one():
    assert sample(50) < sample(100) < sample(399) < sample(None) == set(IDS)
    assert len(sample(50)) == 50


def test_pilot_keeps_the_given_order():
    positions = pilot_positions(IDS, 60, seed=1)

    assert positions == sorted(positions)


def test_pilot_does_not_depend_on_the_order_of_the_file():
    shuffled = random.Random(3).sample(IDS, len(IDS))

    assert sample(50, shuffled) == sample(50)


def test_pilot_depends_on_the_seed():
    assert sample(50, seed=2) != sample(50, seed=1)


def test_pilot_larger_than_the_survey_is_everyone():
    assert sample(1000) == set(IDS)


def test_pilot_of_nobody_is_refused():
    with pytest.raises(UserInputError):
        pilot_positions(IDS, 0, seed=1)
