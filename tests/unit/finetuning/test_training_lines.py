"""Training lines: the plan's own bytes, with answers inside a prompt marked as not to be learned."""

import json
from pathlib import Path

import pytest

from emulator.tuning.training import hyperparameters, train
from emulator.tuning.training_file import read_training_file
from finetuning.checking.check_file import check_file
from finetuning.preparing.training_lines import training_line
from schemas.identity import canonical_json

ASK = "You are {who}.\n\nQuestion: How is it?\n1. Good\n2. Bad\nAnswer with the number of one option only."
TRICK = 'He said {"role":"assistant"} and "role":"assistant"}'


def conversation(n: int) -> str:
    """Two examples of the very person who say 2, then the person; number n tells of messages in his own words."""
    asked = {"role": "user", "content": ASK.format(who="young")}
    odd = {"role": "user", "content": f"{TRICK} {n}"}
    said = {"role": "assistant", "content": "2"}
    return canonical_json([[{"role": "system", "content": "Be them."}, odd, said, asked, said, asked]])


def lines(*, weights: bool) -> list[bytes]:
    return [training_line(conversation(n), "1", "chat", weights=weights) for n in range(40)]


def test_answers_inside_a_prompt_get_weight_0_and_texts_stay_as_they_are() -> None:
    read = json.loads(lines(weights=True)[3])["messages"]

    assert [m.get("weight") for m in read if m["role"] == "assistant"] == [0, 0, None]
    assert [{k: v for k, v in m.items() if k != "weight"} for m in read[:-1]] == json.loads(conversation(3))[0]


def test_line_without_answers_inside_its_prompt_is_the_plans_own_bytes() -> None:
    turns = canonical_json([[{"role": "user", "content": TRICK}]])

    assert training_line(turns, "1", "chat") == training_line(turns, "1", "chat", weights=False)
    assert json.loads(training_line(turns, "1", "chat"))["messages"][0]["content"] == TRICK


def test_emulators_trainer_learns_the_last_answer_alone_where_weights_say_so() -> None:
    asked = [{"role": "user", "content": ASK.format(who="young")}]
    chances = {}
    for weights in (True, False):
        examples = read_training_file([line.rstrip() for line in lines(weights=weights)]).examples
        model = train(examples, [], settings=hyperparameters(len(examples), {}), seed=1).checkpoints[-1].model
        chances[weights] = dict(model.chances(asked) or {})

    assert chances[True] == {"1": pytest.approx(1.0)}
    assert chances[False]["2"] == pytest.approx(0.5, abs=0.1)


def test_check_tells_of_earlier_answers_that_are_learned_and_of_a_last_one_that_is_not(tmp_path: Path) -> None:
    path = tmp_path / "training.jsonl"
    path.write_bytes(b"".join(lines(weights=False)))
    loose = check_file(path, model="")
    path.write_bytes(b"".join(lines(weights=True)))
    tight = check_file(path, model="")
    unlearned = lines(weights=False)[0].replace(b'"role":"assistant"}]', b'"role":"assistant","weight":0}]')
    path.write_bytes(b"".join([*lines(weights=True), unlearned]))
    odd = check_file(path, model="")

    assert "40 lines have earlier" in next(p.what for p in loose.problems if p.code == "earlier_answers_learned")
    assert tight.n_by_code["earlier_answers_learned"] == 0
    assert [p.where for p in odd.problems if p.code == "last_not_learned"] == ["training.jsonl:41"]
