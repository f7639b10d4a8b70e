"""Question groups and memory: what does not go together is refused by name."""

import pytest

from producer.check import check
from tests.support.kinds_study import write_kinds_study

ARM = "strategy: basic, memory: true"


@pytest.mark.parametrize(
    ("arm", "groups", "code"),
    [
        pytest.param(ARM, "", "memory_without_groups", id="no groups"),
        pytest.param(ARM, "groups: {a: [MOOD]}", "group_too_small", id="one question"),
        pytest.param(ARM, "groups: {a: [MOOD, MODD]}", "unknown_question", id="unknown"),
        pytest.param(ARM, "groups: {a: [MOOD, PAY], b: [PAY, NEWS]}", "question_in_two_groups", id="two groups"),
        pytest.param(ARM, "groups: {a: [MOOD, MOOD]}", "duplicate_question", id="twice"),
        pytest.param(ARM + ", format: json", "groups: {a: [MOOD, PAY]}", "memory_together", id="json"),
        pytest.param(ARM + ", permutations: 2", "groups: {a: [MOOD, PAY]}", "orders_together", id="permutations"),
        pytest.param("strategy: few_shot, memory: true", "groups: {a: [MOOD, PAY]}", "memory_together", id="few_shot"),
    ],
)
def test_memory_that_cannot_be_is_refused_by_name(tmp_path, arm, groups, code):
    path = write_kinds_study(tmp_path, "http://127.0.0.1:9/v1", arms={"a": arm}, extra=groups + "\n")

    assert code in {problem.code for problem in check(path, environ={}).errors}


def test_battery_in_a_group_stands_for_its_items(tmp_path):
    path = write_kinds_study(tmp_path, "http://127.0.0.1:9/v1", arms={"a": ARM}, extra="groups: {a: [TRUST, PAY]}\n")

    checked = check(path, environ={})

    assert checked.errors == []
    assert checked.study.groups == {"a": ["TR1", "TR2", "PAY"]}
