import json

import pytest

from producer.prompting.conversation import Conversation
from producer.prompting.pieces import piece_of, plain
from producer.prompting.strategies import STRATEGIES, compose, question_text
from schemas.codebook import CodedVariable
from schemas.identity import canonical_json

QUESTION = CodedVariable(
    name="Q",
    text="How are\nthings?",
    codes=[1, 2, 3],
    labels={1: "Good", 2: "So so", 3: "Bad"},
    shown=[1, 3, 2],
)


def user_text(strategy, persona="You are 41."):
    return plain(compose(STRATEGIES[strategy], persona, QUESTION))[-1]["content"]


def test_basic_shows_persona_question_and_options_in_shown_order():
    assert user_text("basic") == (
        "You are 41.\n\nQuestion: How are things?\n1. Good\n3. Bad\n2. So so\n"
        "Answer with the number of one option only."
    )


def test_basic_without_a_persona_starts_with_the_question():
    assert user_text("basic", "").startswith("Question: ")


def test_chain_of_thought_asks_for_a_last_answer_line():
    assert "ANSWER: <number of one option>" in user_text("chain_of_thought").splitlines()[-1]
    assert STRATEGIES["chain_of_thought"].answer_format == "answer_line"


def test_few_shot_shows_examples_as_earlier_turns():
    messages = plain(compose(STRATEGIES["few_shot"], "You are 41.", QUESTION, [("You are 30.", 2), ("You are 50.", 1)]))

    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert [m["content"] for m in messages if m["role"] == "assistant"] == ["2", "1"]
    assert messages[1]["content"] == "You are 30.\n\n" + question_text(QUESTION, STRATEGIES["few_shot"].instruction)


def test_option_without_a_label_shows_its_code():
    bare = QUESTION.model_copy(update={"labels": {}})

    assert "1. 1\n3. 3" in question_text(bare, "x")


@pytest.mark.parametrize("persona", ["", "You are 41.", 'He said "no" \\ \t\u2028 café 東京 😀 \x07'])
def test_turns_put_together_from_pieces_are_the_canonical_json_of_the_messages(persona):
    messages = compose(STRATEGIES["few_shot"], persona, QUESTION, [(persona, 3)])

    assert Conversation(messages).canonical() == canonical_json([plain(messages)])
    assert json.loads(Conversation(messages).canonical()) == [plain(messages)]


def test_empty_piece_has_no_tokens():
    assert piece_of("", lambda _: 7).n_tokens == 0
