from collections import Counter

import pytest

from emulator.answering.prompt import read
from emulator.answering.respondent import answer

ASK = "Question: How is the economy?\n1. Excellent\n2. Good\n3. Only fair\n4. Poor\nAnswer with the number only."
FACTS = ("You are a man.", "You are a woman.")
SCHOOL = ("You left school early.", "You hold a doctorate.", "You went to college.")


def asked(persona: str = "You are a man.", ask: str = ASK):
    return read([{"role": "user", "content": f"{persona}\n\n{ask}"}])


def say(what, *, seed=1, model="m", temperature=0.0, key="k"):
    return answer(what, seed=seed, model=model, temperature=temperature, sampling_key=key)


def people(n: int):
    return [f"{FACTS[at % 2]}\nYou are {18 + at % 70} years old.\n{SCHOOL[at % 3]}" for at in range(n)]


def test_temperature_zero_always_gives_the_same_code():
    assert len({say(asked(), key=str(key)).text for key in range(20)}) == 1
    assert say(asked()).text in {"1", "2", "3", "4"}


def test_answers_vary_between_personas_and_between_seeds():
    answers = Counter(say(asked(person)).text for person in people(200))

    assert len(answers) >= 3
    assert Counter(say(asked(person), seed=2).text for person in people(200)) != answers


def test_persona_carries_signal_beyond_the_noise():
    by_school = [Counter(say(asked(p)).text for p in people(600) if school in p) for school in SCHOOL]
    shares = [[counts[code] / counts.total() for code in "1234"] for counts in by_school]

    apart = max(abs(a - b) for a, b in zip(shares[0], shares[1], strict=True))
    assert apart > 0.1


def test_options_count_by_label_and_not_by_place():
    swapped = "Question: How is the economy?\n1. Poor\n2. Excellent\nNumber only."
    straight = "Question: How is the economy?\n2. Poor\n1. Excellent\nNumber only."
    first, second = say(asked(ask=swapped)), say(asked(ask=straight))

    assert set(first.chances) == set(second.chances)


def test_sampling_draws_by_key_and_follows_the_chances():
    said = [say(asked(), temperature=1.0, key=f"call{n}") for n in range(2000)]
    counts = Counter(one.text for one in said)

    assert say(asked(), temperature=1.0, key="call3").text == said[3].text
    for code, chance in said[0].chances.items():
        assert counts[code] / 2000 == pytest.approx(chance, abs=0.04)


def test_reasoned_answer_ends_in_one_answer_line():
    said = say(asked(ask=ASK + "\nThen write ANSWER: <number>"))

    assert said.text.splitlines()[-1].removeprefix("ANSWER: ") in {"1", "2", "3", "4"}
    assert said.text.count("ANSWER:") == 1
    assert len(said.text.split()) > 10


def test_examples_pull_towards_their_answer():
    turns = [{"role": "user", "content": ASK}, {"role": "assistant", "content": "4"}] * 3
    with_examples = read([*turns, {"role": "user", "content": f"You are a man.\n\n{ASK}"}])

    assert say(with_examples).chances["4"] > 0


def test_prompt_without_options_gets_a_short_text():
    said = say(read([{"role": "user", "content": "Hello?"}]))

    assert said.chances == {}
    assert 0 < len(said.text) < 100
