import json
from math import exp

import pytest

from emulator.answering.answers import Answer, Usage, _cut
from emulator.answering.manner import RAMBLING_TEXT, Manner, biased, first_tokens
from emulator.answering.prompt import read
from emulator.answering.respondent import answer
from emulator.answering.tokens import pieces
from emulator.wire.bodies import completion
from emulator.wire.parameters import read_order

ASK = "You are a nurse.\n\nQuestion: How is it?\n1. Good\n2. Fair\n3. Poor\n"
NUMBER = "Answer with the number only."
SHARES = 'Answer with one line of JSON, in percent: {"1": 60, "2": 40}'


def say(instruction: str = NUMBER, **manner: object):
    asked = read([{"role": "user", "content": ASK + instruction}])
    return answer(asked, seed=1, model="m", temperature=0, sampling_key="k", manner=Manner(**manner))


def test_bias_moves_its_share_to_the_first_option_and_cancels_over_rotations():
    p, b = [0.5, 0.3, 0.2], 0.1
    assert biased(p, b) == pytest.approx([0.6, 0.25, 0.15])

    rotations = [biased(p[k:] + p[:k], b) for k in range(3)]
    mean = [sum(rotations[k][(i - k) % 3] for k in range(3)) / 3 for i in range(3)]
    assert mean == pytest.approx(p, abs=1e-12)


def test_bias_is_cut_at_zero_and_keeps_sum_one():
    assert sum(biased([0.99, 0.01, 0.0], 0.5)) == pytest.approx(1)
    assert biased([1.0], 0.5) == [1.0]


def test_tokens_split_codes_and_keep_stray_words():
    tokens = first_tokens({"1": 0.75, "2": 0.25}, Manner(off_codebook=0.1, spaced_share=0.2))

    assert sum(tokens.values()) == pytest.approx(1)
    assert (tokens["1"], tokens[" 1"]) == pytest.approx((0.54, 0.135))
    assert tokens["I"] + tokens["As"] == pytest.approx(0.1)


def test_reported_logprobs_are_the_chances_of_the_answer():
    said = say(off_codebook=0.2)
    order = read_order(
        {"messages": [{"role": "user", "content": ASK}], "logprobs": True, "top_logprobs": 20}, "chat", "m"
    )
    choice = _cut(said, 0, order, pieces)
    body = completion(
        Answer((choice,), Usage(1, 0, 1, 0)),
        answer_id="a", created=0, snapshot="m", seed=1, azure=False, logprobs=20,
    )  # fmt: skip

    entry = body["choices"][0]["logprobs"]["content"][0]
    reported = {token["token"]: exp(token["logprob"]) for token in entry["top_logprobs"]}
    assert entry["token"] == said.text
    assert {code: reported[code] / 0.8 for code in "123"} == pytest.approx(said.chances)


def test_rambling_answer_holds_nothing_to_read():
    said = say(style="rambling")

    assert said.text == RAMBLING_TEXT
    assert not any(char.isdigit() or char in "{:" for char in said.text)
    assert say("Write ANSWER: <number>", style="rambling").text == RAMBLING_TEXT
    assert said.texts == {"Honestly,": 1.0}


def test_stated_distribution_is_the_chances_in_percent():
    said = say(SHARES)

    assert {code: share / 100 for code, share in json.loads(said.text).items()} == pytest.approx(said.chances, abs=1e-6)
