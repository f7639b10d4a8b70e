import pytest

from providers.tokens import UNKNOWN_MARGIN, TokenCounter, encoding_of


@pytest.mark.parametrize(
    ("model_id", "name", "margin"),
    [
        *((each, "o200k_base", 0.0) for each in (
            "gpt-4o", "gpt-4o-mini-2024-07-18", "gpt-4.1-nano", "gpt-5", "gpt-5.4-mini", "o1", "o3-mini", "o4-mini",
            "chatgpt-4o-latest", "ft:gpt-4o-mini-2024-07-18:org::abc", "gpt-4.1-mini-2025-04-14.ft-0123",
        )),
        *((each, "cl100k_base", 0.0) for each in (
            "gpt-4", "gpt-4-0613", "gpt-4-turbo", "gpt-3.5-turbo", "gpt-35-turbo",
        )),
        *((each, "o200k_base", UNKNOWN_MARGIN) for each in ("gpt-6-luna", "llama-3", "o30", "gpt-40", "my-gpt-4")),
    ],
)  # fmt: skip
def test_model_id_names_its_vocabulary(model_id, name, margin):
    assert encoding_of(model_id) == (name, margin)


@pytest.mark.parametrize(
    ("model_id", "text", "expected"),
    [
        pytest.param("gpt-4o", "hello world", 2, id="o200k"),
        pytest.param("gpt-4", "hello world", 2, id="cl100k"),
        pytest.param("gpt-4o", "", 0, id="empty"),
        pytest.param("gpt-4", "antidisestablishmentarianism", 6, id="long-word"),
        pytest.param("gpt-4", "2 + 2 = 4", 7, id="numbers"),
        pytest.param("gpt-4", "お誕生日おめでとう", 9, id="japanese"),
    ],
)
def test_text_has_the_published_number_of_tokens(model_id, text, expected):
    assert TokenCounter(model_id).count(text) == expected


@pytest.mark.parametrize("text", ["<|endoftext|>", "a <|fim_prefix|> b", "\ud800", "\x00"])
def test_strange_text_is_counted_like_any_other(text):
    assert TokenCounter("gpt-4o").count(text) > 1 or len(text) == 1


def test_message_list_is_the_sum_of_its_texts_and_the_overhead():
    counter = TokenCounter("gpt-4o")
    texts = ["Answer as this person.", "Question: how are you?\n1. Fine"]
    messages = [{"role": "system", "content": texts[0]}, {"role": "user", "content": texts[1]}]

    assert counter.exact_chat_tokens(messages) == 3 + sum(3 + 1 + counter.count(text) for text in texts)


def test_name_in_a_message_costs_its_tokens_and_one_more():
    counter = TokenCounter("gpt-4o")
    plain = {"role": "system", "content": "Hello."}
    named = plain | {"name": "example"}

    assert counter.exact_chat_tokens([named]) - counter.exact_chat_tokens([plain]) == counter.count("example") + 1


def test_empty_message_list_still_opens_the_reply():
    assert TokenCounter("gpt-4o").exact_chat_tokens([]) == 3
