"""What a service repeats of a prompt is taken out of its errors, and what it says of its own stays."""

import pytest

from providers.echoes import texts_of, without_echo
from providers.error_bodies import shown, shown_code

SENT = texts_of(
    {"messages": [{"content": "You are 34 years old.\nYou live in Zanzibar-7."}, {"content": "How do you feel today?"}]}
)


def test_texts_of_a_request_are_those_of_a_chat_or_of_a_prompt():
    assert texts_of({"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}) == "a\nb"
    assert texts_of({"prompt": "You live in Zanzibar"}) == "You live in Zanzibar"


@pytest.mark.parametrize(
    "message",
    [
        "Refused: You live in Zanzibar-7. How do you feel today?",
        "Refused: YOU LIVE IN zanzibar-7",
        '{"prompt": "You are 34 years old.\\nYou live in Zanzibar-7."} was blocked',
        "blocked term Zanzibar-7",
        "blocked term 'zanzibar-7'",
        "near `live in` of the prompt",
    ],
)
def test_echo_of_the_prompt_is_taken_out(message):
    left = without_echo(message, SENT).casefold()

    assert "zanzibar" not in left
    assert "live in" not in left
    assert "…" in left


@pytest.mark.parametrize(
    "message",
    [
        "Unsupported value: 'temperature' does not support 0 with this model.",
        "The model `gpt-4.1-mini` does not exist or you do not have access to it.",
        "Rate limit reached for gpt-4o in organization org-1 on tokens per min. Limit: 10, please try again in 6ms.",
        "You exceeded your current quota, please check your plan and billing details.",
        "Use 'max_completion_tokens' instead.",
    ],
)
def test_words_of_the_service_stay(message):
    assert without_echo(message, SENT) == message


def test_without_the_request_at_hand_every_quoted_sentence_goes():
    assert shown("line 3: 'You live in Zanzibar' is no 'role'") == "line 3: '…' is no 'role'"


def test_masked_key_of_any_maker_goes():
    assert shown("key Zq7-Le*****ars= refused", sent="x") == "key [removed] refused"


@pytest.mark.parametrize(
    ("code", "expected"),
    [("rate_limit_exceeded", "rate_limit_exceeded"), ("messages[0].content", "messages[0].content")]
    + [(code, "") for code in ("You live in Zanzibar", "", "429", "a" * 80, "x\ny", "sk-abcdefgh")],
)
def test_code_is_a_short_word_or_nothing(code, expected):
    assert shown_code(code) == expected
