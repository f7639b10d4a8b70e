"""The emulator over real HTTP: one process per group of tests."""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal

import httpx2
import pytest

from tests.support.emulator import TestEmulator, running_emulator
from tests.support.until import until

NO_TLS = False  # plain HTTP: reading the trust store would cost each call 80 ms
ASK = "You are a man.\n\nQuestion: How is the economy?\n1. Good\n2. Fair\n3. Poor\nAnswer with the number only."


@pytest.fixture(scope="module")
def emulator() -> Iterator[TestEmulator]:
    with running_emulator(seed=5) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_faults_left(emulator: TestEmulator) -> Iterator[None]:
    yield
    emulator.set_faults()


def post(emulator: TestEmulator, call_id: str, *, prompt: str = ASK, **more) -> httpx2.Response:
    body = {"model": "gpt-4.1-mini", "temperature": 0, "messages": [{"role": "user", "content": prompt}]} | more
    headers = {"X-Client-Request-Id": call_id, "Authorization": "Bearer any"}
    return httpx2.post(f"{emulator.base_url}/chat/completions", json=body, headers=headers, timeout=20, verify=NO_TLS)


def purchase(emulator: TestEmulator, call_id: str) -> list[dict]:
    return [line for line in emulator.purchase_lines() if line["id"] == call_id]


def test_answer_names_the_underlying_model_and_the_emulator(emulator):
    body = post(emulator, "plain").json()

    assert body["model"] == "gpt-4.1-mini-2025-04-14"
    assert body["system_fingerprint"].startswith("fp_emulator")
    assert body["choices"][0]["message"]["content"] in {"1", "2", "3"}


def test_identical_prompts_get_identical_answers(emulator):
    texts = {post(emulator, f"same{n}").json()["choices"][0]["message"]["content"] for n in range(3)}

    assert len(texts) == 1


def test_bill_is_the_sum_of_usage_times_price(emulator):
    usages = [post(emulator, f"bill{n}", prompt=ASK + "x" * n).json()["usage"] for n in range(5)]

    lines = [purchase(emulator, f"bill{n}")[0] for n in range(5)]
    expected = [
        (Decimal("0.4") * u["prompt_tokens"] + Decimal("1.6") * u["completion_tokens"]) / 1_000_000 for u in usages
    ]
    assert [Decimal(line["cost_usd"]) for line in lines] == expected
    total = emulator.purchases()
    assert Decimal(total["bill_usd_exact"]) == sum(Decimal(line["cost_usd"]) for line in emulator.purchase_lines())


def test_purchases_are_counted_by_client_id(emulator):
    post(emulator, "twice")
    post(emulator, "twice")

    assert emulator.purchases()["by_id"]["twice"] == 2
    assert emulator.purchases()["repeated"] >= 1


@pytest.mark.parametrize(("fault", "status"), [("error_500", 500), ("error_503", 503), ("insufficient_quota", 429)])
def test_refused_call_buys_nothing(emulator, fault, status):
    emulator.set_faults(**{fault: 1})

    assert post(emulator, fault).status_code == status
    assert purchase(emulator, fault) == []


def test_connection_dropped_before_the_work_buys_nothing(emulator):
    emulator.set_faults(drop_before=1)

    with pytest.raises(httpx2.TransportError):
        post(emulator, "before")
    assert purchase(emulator, "before") == []


def test_connection_dropped_after_the_work_is_bought_and_not_delivered(emulator):
    emulator.set_faults(drop_after=1)

    with pytest.raises(httpx2.TransportError):
        post(emulator, "after")
    (line,) = purchase(emulator, "after")
    assert (line["delivered"], line["status"], line["fault"]) == (False, 0, "drop_after")


def test_malformed_json_is_bought_and_cannot_be_read(emulator):
    emulator.set_faults(malformed_json=1)

    response = post(emulator, "malformed")

    assert response.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        response.json()
    assert purchase(emulator, "malformed")[0]["delivered"] is False


@pytest.mark.parametrize(
    ("fault", "content", "reason"),
    [
        ("empty_content", "", "stop"),
        ("null_content", None, "stop"),
        ("filter_answer", None, "content_filter"),
        ("truncated", "", "length"),
        ("refusal", None, "stop"),
        ("filter_prompt", None, "stop"),
    ],
)
def test_spoiled_answers_are_billed(emulator, fault, content, reason):
    emulator.set_faults(**{fault: 1})

    choice = post(emulator, f"spoiled {fault}").json()["choices"][0]

    assert (choice["message"]["content"], choice["finish_reason"]) == (content, reason)
    assert (choice["message"]["refusal"] is not None) == (fault in ("refusal", "filter_prompt"))
    assert len(purchase(emulator, f"spoiled {fault}")) == 1


def test_empty_choices_carry_usage(emulator):
    emulator.set_faults(empty_choices=1)
    body = post(emulator, "no choices").json()

    assert body["choices"] == []
    assert body["usage"]["prompt_tokens"] > 0


def test_faults_strike_a_call_as_often_as_allowed(emulator):
    emulator.set_faults(error_500=1, per_call=1)

    assert [post(emulator, "once").status_code for _ in range(2)] == [500, 200]


def test_faults_strike_only_prompts_that_contain_the_text(emulator):
    emulator.set_faults(error_500=1, only_containing="poison")

    assert post(emulator, "clean").status_code == 200
    assert post(emulator, "poisoned", prompt="poison " + ASK).status_code == 500


def test_faults_end_after_the_first_arrivals(emulator):
    emulator.set_faults(error_503=1, first_arrivals=2)

    assert [post(emulator, f"burst{n}").status_code for n in range(3)] == [503, 503, 200]


def test_wrong_faults_at_run_time_are_refused_with_the_reason(emulator):
    response = httpx2.put(f"{emulator.admin_url}/faults", json={"eror": 1})

    assert response.status_code == 400
    assert "error_500" in response.json()["error"]


def test_slow_call_is_open_and_is_bought_though_the_caller_hangs_up(emulator):
    emulator.set_faults(slow=1, slow_s=4)

    with pytest.raises(httpx2.TimeoutException):
        httpx2.post(
            f"{emulator.base_url}/chat/completions",
            json={"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": ASK}]},
            headers={"X-Client-Request-Id": "impatient"},
            timeout=1,
        )
    assert emulator.purchases()["open_ids"] == ["impatient"]
    until(lambda: bool(purchase(emulator, "impatient")))
    assert purchase(emulator, "impatient")[0]["delivered"] is False
    assert emulator.purchases()["open"] == 0


def test_revoked_keys_are_refused_in_mid_run_and_can_be_restored(emulator):
    emulator.revoke_keys()
    refused = post(emulator, "revoked")
    emulator.restore_keys()

    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
    assert post(emulator, "restored").status_code == 200


def test_unknown_model_and_unknown_path_are_not_found(emulator):
    assert post(emulator, "u", model="gpt-99").json()["error"]["code"] == "model_not_found"
    assert httpx2.post(f"{emulator.base_url}/nothing", json={}).json()["error"]["type"] == "invalid_request_error"


def test_body_that_is_no_json_is_a_400(emulator):
    response = httpx2.post(f"{emulator.base_url}/chat/completions", content=b"{")

    assert response.status_code == 400


def test_answer_is_cut_at_the_token_limit(emulator):
    body = post(emulator, "cut", prompt=ASK + "\nEnd with ANSWER: <number>", max_completion_tokens=5).json()

    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 5
    assert "ANSWER" not in body["choices"][0]["message"]["content"]


def test_reasoning_tokens_are_billed_and_can_eat_the_whole_limit(emulator):
    body = {"model": "o4-mini", "temperature": None}
    full = post(emulator, "thinks", **body).json()
    starved = post(emulator, "starved", **body, max_completion_tokens=8).json()

    assert full["usage"]["completion_tokens_details"]["reasoning_tokens"] > 8
    assert starved["choices"][0]["message"]["content"] == ""
    assert starved["choices"][0]["finish_reason"] == "length"
    assert starved["usage"]["completion_tokens_details"]["reasoning_tokens"] == 8


def test_log_probabilities_of_a_code_add_up_over_all_options(emulator):
    choice = post(emulator, "lp", logprobs=True, top_logprobs=5).json()["choices"][0]
    (token,) = choice["logprobs"]["content"]

    assert token["token"] == choice["message"]["content"]
    assert sum(2.718281828459045 ** one["logprob"] for one in token["top_logprobs"]) == pytest.approx(1)


def test_more_choices_are_billed_together(emulator):
    body = post(emulator, "n", n=3, temperature=1).json()

    assert len(body["choices"]) == 3
    assert body["usage"]["completion_tokens"] == 3


def test_request_larger_than_the_context_is_refused(emulator):
    response = post(emulator, "long", model="gpt-4o-mini", max_tokens=128_000)

    assert response.json()["error"]["code"] == "context_length_exceeded"


def test_config_shows_settings_without_keys(emulator):
    shown = httpx2.get(f"{emulator.admin_url}/config").json()

    assert (shown["profile"], shown["seed"]) == ("openai", 5)
    assert "keys" not in shown


async def test_many_calls_at_once_are_all_answered(emulator):
    before = emulator.stats()["purchased"]
    body = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": ASK}]}
    async with httpx2.AsyncClient(timeout=20) as client:
        url = f"{emulator.base_url}/chat/completions"
        replies = await asyncio.gather(*(client.post(url, content=json.dumps(body)) for _ in range(64)))

    assert {reply.status_code for reply in replies} == {200}
    assert emulator.stats()["purchased"] - before == 64
