import base64
import random

import pytest

from schemas.secret_text import looks_secret, names_a_secret, shortened

KEY = "sk-abcdefghijklmnopqrstuvwx"


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        "0123456789abcdef0123456789abcdef",
        f"Bearer {KEY}",
        "https://user:pass@host/v1",
        "https://host/v1?api-key=1",
        "https://host/file?sv=1&sig=abc",
    ],
)
def test_text_that_holds_a_key_is_seen(text):
    assert looks_secret(text)


def test_random_base64_of_a_key_s_length_is_seen():
    rng = random.Random(1)

    keys = [base64.b64encode(rng.randbytes(63)).decode() for _ in range(500)]

    assert all(looks_secret(key) for key in keys)


@pytest.mark.parametrize(
    "text",
    [
        "How would you rate economic conditions in your community today?",
        "https://my-very-long-resource-name-2024.openai.azure.com/openai/v1",
        "https://host/openai?api-version=2024-10-21",
        "Deployment-GPT4-mini-2024-07-18-EastUS-Prod",
        "AZURE_OPENAI_API_KEY_EAST_US_2_PRODUCTION",
        "BIDENT1_GEOSTRATA_WITH_A_VERY_LONG_NAME_1",
        "risk-management-question-2024",
    ],
)
def test_ordinary_text_is_no_key(text):
    assert not looks_secret(text)


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        *[(name, True) for name in ("api_key", "API-KEY", "password", "token")],
        *[(name, False) for name in ("api_key_env", "max_tokens", "prompt_cache_key", "MONKEY")],
    ],
)
def test_key_is_taken_for_a_secret_by_its_whole_name(name, is_secret):
    assert names_a_secret(name) is is_secret


def test_shortened_value_never_holds_a_key():
    assert KEY not in shortened(KEY)
    assert KEY not in shortened({"a": KEY})
    assert len(shortened("word " * 100)) <= 42
