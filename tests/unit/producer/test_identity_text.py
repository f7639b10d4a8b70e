import pytest

from producer.identity_text import RequestIdentity, TaskIdentity
from schemas.identity import canonical_json, request_id, task_id

TURNS = [[{"role": "user", "content": 'He said "no" – café\n\u2028 1.'}]]
PARAMETERS = {"temperature": 0, "logit_bias": {"9": 1.5, "10": -1}, "max_completion_tokens": 8}


@pytest.mark.parametrize("is_deterministic", [True, False])
def test_digest_is_the_request_id_of_the_schemas(is_deterministic):
    identity = RequestIdentity(
        service="openai:https://x:443", model_id='m"1', parameters=PARAMETERS, is_deterministic=is_deterministic
    )

    key = identity.digest(canonical_json(TURNS), respondent_id="rö1", repeat=2)

    assert key.hex() == request_id(
        service="openai:https://x:443",
        model_id='m"1',
        turns=TURNS,
        parameters=PARAMETERS,
        respondent_id=None if is_deterministic else "rö1",
        repeat=None if is_deterministic else 2,
    )


@pytest.mark.parametrize("change", [{"respondent_id": "r2"}, {"repeat": 1}])
def test_sampled_request_belongs_to_its_respondent_and_repeat(change):
    sampled = RequestIdentity(service="s", model_id="m", parameters={}, is_deterministic=False)
    shared = RequestIdentity(service="s", model_id="m", parameters={}, is_deterministic=True)
    base = {"respondent_id": "r1", "repeat": 0}

    assert sampled.digest("[]", **base) != sampled.digest("[]", **(base | change))
    assert shared.digest("[]", **base) == shared.digest("[]", **(base | change))


def test_task_id_is_that_of_the_schemas():
    ids = TaskIdentity(study="s-1", arm='a "b"', question_id="Qä")

    expected = task_id(study="s-1", arm='a "b"', question_id="Qä", respondent_id="r,1", repeat=3)
    assert ids.task_id(canonical_json("r,1"), 3) == expected
