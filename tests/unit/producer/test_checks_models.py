from datetime import date

import pytest

from producer.check import check
from producer.checks.models import is_loopback, retirement
from tests.support.plans import make_model
from tests.support.small_study import MODELS, STUDY, write_study

HERE = '{name: here, base_url: "http://127.0.0.1:9/v1", auth: none, rpm: 600, tpm: 60_000}'


def problems(folder, models, environ=None, study=STUDY):
    return check(write_study(folder, models=models, study=study), None, environ=environ or {}).problems


def deployments(*lines):
    return MODELS.replace(HERE, "\n      - ".join(lines))


def there(name="there", **keys):
    given = {"base_url": '"https://a.example/v1"', "auth": "none", "rpm": "600", "tpm": "60_000", **keys}
    return "{" + ", ".join([f"name: {name}", *(f"{key}: {value}" for key, value in given.items())]) + "}"


@pytest.mark.parametrize(
    ("lines", "code", "line"),
    [
        pytest.param([there(base_url='"http://a.example/v1"')], "not_https", 8, id="http-elsewhere"),
        pytest.param([there(base_url='"a.example"')], "bad_base_url", 8, id="no-address"),
        pytest.param([there(base_url='"https://a.example:x/v1"')], "bad_base_url", 8, id="no-port"),
        pytest.param([there(auth="key")], "no_key_variable", 8, id="no-key-variable"),
        pytest.param([there(), there()], "duplicate_deployment", 7, id="two-of-a-name"),
        pytest.param(
            [there("a"), there("b", base_url='"https://b.example/v1"')], "mixed_services", 7, id="two-services"
        ),
        pytest.param([there("a", pool="p"), there("b", pool="p", rpm="60")], "pool_limits", 9, id="pool-rpm"),
        pytest.param([there("a", pool="p"), there("b", pool="p", tpm="60")], "pool_limits", 9, id="pool-tpm"),
    ],
)
def test_wrong_deployment_is_told_with_its_line(tmp_path, lines, code, line):
    errors = [p for p in problems(tmp_path, deployments(*lines)) if p.level == "error"]

    assert [p.code for p in errors] == [code]
    assert errors[0].where.startswith(f"models.yaml:{line} (models.mini.deployments")


def test_equivalent_deployments_in_one_pool_are_fine(tmp_path):
    one = there("a", pool="p", identity="same")
    other = there("b", pool="p", identity="same", base_url='"https://b.example/v1"')

    assert problems(tmp_path, deployments(one, other)) == []


def test_pool_shared_by_two_models_has_one_limit(tmp_path):
    second = MODELS.split("models:\n")[1].replace("mini:", "other:").replace("rpm: 600", "rpm: 60")
    study = STUDY.replace("model: mini, strategy: basic", "model: other, strategy: basic")

    found = problems(tmp_path, MODELS + second, study=study)

    assert [(p.code, p.where) for p in found] == [("pool_limits", "models.yaml:15 (models.other.deployments.0.rpm)")]


def test_unset_key_variable_is_a_warning_and_a_set_one_is_none(tmp_path):
    models = deployments(there(auth="key", api_key_env="SOME_KEY"))

    unset = problems(tmp_path, models)
    is_set = problems(tmp_path, models, environ={"SOME_KEY": "x"})

    assert [(p.level, p.code) for p in unset] == [("warning", "key_variable_unset")]
    assert "SOME_KEY" in unset[0].what
    assert is_set == []


def test_model_without_a_price_is_a_warning(tmp_path):
    models = MODELS.replace("gpt-4.1-mini", "our-own-model").replace("    price: {input: 0.40, output: 1.60}\n", "")

    (problem,) = problems(tmp_path, models)

    assert (problem.level, problem.code) == ("warning", "no_price")
    assert problem.where == "models.yaml:2 (models.mini)"


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:9/v1", True),
        ("http://127.8.8.8", True),
        ("http://localhost:9", True),
        ("http://[::1]:9", True),
        ("http://localhost.example", False),
        ("http://10.0.0.1", False),
        ("http:///v1", False),
    ],
)
def test_only_addresses_of_this_machine_count_as_loopback(url, here):
    assert is_loopback(url) is here


def with_fallback(name, model="gpt-4.1-mini", family="chat"):
    spare = MODELS.split("models:\n")[1].replace("mini:", "spare:").replace("name: here", "name: spare")
    spare = spare.replace("model: gpt-4.1-mini\n", f"model: {model}\n    family: {family}\n")
    return MODELS.replace("    model: gpt", f"    fallback: {name}\n    model: gpt") + spare


@pytest.mark.parametrize(
    ("models", "codes"),
    [
        pytest.param(with_fallback("spare", model="gpt-4o"), [], id="another-model"),
        pytest.param(with_fallback("nobody", model="gpt-4o"), ["unknown_fallback"], id="unknown"),
        pytest.param(with_fallback("spare"), ["same_fallback"], id="same-model"),
        pytest.param(with_fallback("mini", model="gpt-4o"), ["same_fallback"], id="itself"),
        pytest.param(with_fallback("spare", "gpt-5", "reasoning"), ["fallback_family"], id="another-family"),
    ],
)
def test_fallback_is_another_model_of_the_models_file(tmp_path, models, codes):
    assert [p.code for p in problems(tmp_path, models) if p.level == "error"] == codes


def test_fallback_is_checked_and_kept_with_the_run_like_a_model_of_an_arm(tmp_path):
    study = write_study(tmp_path, models=with_fallback("spare", model="gpt-4o"))

    assert set(check(study, None, environ={}).models) == {"mini", "spare"}


@pytest.mark.parametrize(
    ("today", "code"),
    [
        pytest.param(date(2026, 11, 1), None, id="far off"),
        pytest.param(date(2026, 11, 22), "retires_soon", id="sixty days ahead"),
        pytest.param(date(2027, 1, 14), "retired", id="on the day"),
    ],
)
def test_shutdown_date_is_told_ahead_and_refused_after(today: date, code: str | None) -> None:
    model = make_model(retires_on=date(2027, 1, 14))

    found = [problem.code for problem in retirement("mini", model, "models.yaml:3", today=today)]

    assert found == ([] if code is None else [code])
