from typing import Any

import pytest

from providers.service import base_url, call_path, origin, problems, service_identity, wire_name
from schemas.errors import StudyError
from schemas.models import Deployment, Model


def make_model(*deployments: Deployment, provider: str = "openai") -> Model:
    version = "2024-10-21" if provider == "azure" else None
    return Model(provider=provider, model="gpt-4.1-mini", api_version=version, deployments=list(deployments))


def at(url: str, name: str = "east", **changes: Any) -> Deployment:
    return Deployment(**({"name": name, "base_url": url, "api_key_env": "K", "rpm": 60} | changes))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://API.OpenAI.com/v1", "https://api.openai.com:443"),
        ("http://localhost:8000/v1/", "http://localhost:8000"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_origin_is_scheme_host_and_port(url, expected):
    assert origin(url) == expected


@pytest.mark.parametrize("url", ["", "api.openai.com/v1", "ftp://h", "https://", "http://h:port/v1"])
def test_origin_of_a_broken_address_is_a_problem(url):
    (problem,) = problems(make_model(at(url)), where="models.yaml:3")

    assert (problem.code, problem.where) == ("bad_base_url", "models.yaml:3")


def test_identity_is_provider_and_origin():
    assert service_identity(make_model(at("https://h/v1"))) == "openai:https://h:443"


def test_identity_is_the_shared_one_where_deployments_declare_it():
    model = make_model(at("https://a", identity="same"), at("https://b", "west", identity="same"))

    assert service_identity(model) == "same"


def test_deployments_of_one_origin_need_no_shared_identity():
    model = make_model(at("https://h/one"), at("https://H:443/two", "west"))

    assert service_identity(model) == "openai:https://h:443"


@pytest.mark.parametrize("identity", [None, "only-one"])
def test_deployments_of_different_services_without_one_identity_are_a_problem(identity):
    model = make_model(at("https://a", identity=identity), at("https://b", "west"))

    with pytest.raises(StudyError, match="different services") as caught:
        service_identity(model)

    assert [problem.code for problem in caught.value.problems] == ["mixed_services"]


@pytest.mark.parametrize(
    ("deployment", "code"),
    [
        pytest.param(at("https://user:secret@h/v1"), "bad_base_url", id="password"),
        pytest.param(at("https://h/v1?key=secret"), "bad_base_url", id="query"),
        pytest.param(at("https://h", api_key_env=None), "no_key_variable", id="no-key-variable"),
        pytest.param(at("http://h/v1"), "plain_http", id="key-in-clear"),
    ],
)
def test_a_doubtful_deployment_is_named_without_its_address(deployment, code):
    (problem,) = problems(make_model(deployment))

    assert problem.code == code
    assert "'east'" in problem.what
    assert "secret" not in str(problem)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost/v1", "https://h"])
def test_a_local_or_encrypted_address_is_fine(url):
    assert problems(make_model(at(url))) == []


def test_two_deployments_of_one_name_are_a_problem():
    (problem,) = problems(make_model(at("https://h"), at("https://h")))

    assert problem.code == "duplicate_deployment"


@pytest.mark.parametrize(
    ("provider", "url", "expected", "path"),
    [
        ("openai", "https://h", "https://h/v1", "/chat/completions"),
        ("openai", "https://h/api/v1/", "https://h/api/v1", "/chat/completions"),
        ("azure_v1", "https://h/", "https://h/openai/v1", "/chat/completions"),
        ("azure", "https://h/", "https://h/openai", "/deployments/a%2Fb/chat/completions"),
        ("azure", "https://h/openai/", "https://h/openai", "/deployments/a%2Fb/chat/completions"),
    ],
)
def test_address_and_path_follow_the_provider(provider, url, expected, path):
    deployment = at(url, deployment="a/b")
    model = make_model(deployment, provider=provider)

    assert (base_url(model, deployment), call_path(model, deployment)) == (expected, path)


def test_wire_name_is_the_model_id_unless_the_deployment_has_a_name():
    named, unnamed = at("https://h", deployment="mini"), at("https://h")

    assert [wire_name(make_model(each), each) for each in (named, unnamed)] == ["mini", "gpt-4.1-mini"]
