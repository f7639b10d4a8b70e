from hypothesis import given
from hypothesis import strategies as st

from emulator.answering import tokens


@given(st.text(max_size=80))
def test_pieces_joined_are_the_text_again(text):
    assert "".join(tokens.pieces(text)) == text


def test_a_code_is_one_token_and_prose_about_one_per_word():
    assert tokens.count("3") == 1
    assert tokens.count("You are a 41 year old woman from Ohio.") == 10


def test_prompt_counts_texts_roles_and_reply():
    assert tokens.prompt_count(["Hello there", "Hi"]) == (2 + 3) + (1 + 3) + 3


def test_quota_estimate_rounds_four_characters_a_token_up():
    assert [tokens.quota_estimate([text]) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]


def test_text_of_content_parts_is_joined():
    message = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}

    assert tokens.message_text(message) == "a\nb"
    assert tokens.message_text({"role": "assistant", "content": None}) == ""
