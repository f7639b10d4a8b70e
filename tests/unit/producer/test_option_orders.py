"""Orders of options: shuffled, reversed, rotated."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from producer.prompting.option_orders import balanced, option_orders
from schemas.study import Arm
from tests.support.plans import make_question


def orders(question=None, **keys):
    arm = Arm.model_validate({"model": "mini", "strategy": "basic", **keys})
    return option_orders(arm, make_question("Q", 4) if question is None else question)


def test_plain_arm_shows_the_question_s_own_order():
    assert orders().of("t") == ((1, 2, 3, 4),)


def test_reversed_arm_shows_everybody_the_scale_backwards():
    assert orders(reverse_options=True).of("t") == ((4, 3, 2, 1),)


def test_shuffle_depends_on_the_task_alone_and_gives_every_place_alike():
    plan = orders(shuffle_options=True)
    first = Counter(plan.of(f"task {n}")[0][0] for n in range(4000))

    assert plan.of("task 1") == plan.of("task 1")
    assert all(900 < n < 1100 for n in first.values())


def test_direction_shows_half_of_the_respondents_the_reverse():
    seen = Counter(orders(shuffle_options="direction").of(f"task {n}")[0] for n in range(1000))

    assert set(seen) == {(1, 2, 3, 4), (4, 3, 2, 1)}
    assert 440 < seen[1, 2, 3, 4] < 560


def test_code_that_is_fixed_stays_last_in_every_order():
    question = make_question("Q", 4).model_copy(update={"fixed_last": [2]})

    for keys in ({"shuffle_options": True}, {"reverse_options": True}, {"permutations": "rotate"}):
        assert all(order[-1] == 2 for n in range(50) for order in orders(question, **keys).of(f"t{n}"))


@given(st.integers(2, 9), st.integers(1, 4))
def test_rotations_show_every_code_equally_often_at_every_place(k, blocks):
    found = balanced(range(k), k * min(blocks, 2))

    for place in range(k):
        counts = Counter(order[place] for order in found)
        assert len(set(counts.values())) == 1
        assert len(counts) == k


def test_question_without_options_has_one_empty_order():
    numeric = make_question("Q").model_copy(update={"kind": "numeric", "codes": [], "shown": []})

    assert orders(numeric, permutations="rotate", shuffle_options=False).of("t") == ((),)
