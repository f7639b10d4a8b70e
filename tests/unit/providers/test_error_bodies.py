import pytest

from providers.error_bodies import ServiceError, read_service_error, shown


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            b'{"error": {"message": "m", "code": 429}}', ServiceError(400, code="429", message="m"), id="number"
        ),
        pytest.param(
            b'{"error": {"code": null, "type": "t", "param": "p"}}', ServiceError(400, "", "t", "p"), id="nulls"
        ),
        pytest.param(b'{"error": "text"}', ServiceError(400, message="text"), id="text"),
        pytest.param(b'{"message": "m", "code": "c"}', ServiceError(400, code="c", message="m"), id="no-wrapper"),
        pytest.param(b'{"detail": "d"}', ServiceError(400, message="d"), id="detail"),
        pytest.param(b"[1]", ServiceError(400), id="list"),
        pytest.param(b"\xff down", ServiceError(400, message="\ufffd down"), id="no-json"),
        pytest.param(b"", ServiceError(400), id="empty"),
    ],
)
def test_error_object_is_read_in_every_shape(content, expected):
    assert read_service_error(400, content) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param("key sk-abc***wxyz is wrong", "key [removed] is wrong", id="masked-key"),
        pytest.param("sent Bearer abc.def", "sent [removed]", id="bearer"),
        pytest.param("api-key: 12345 refused", "[removed] refused", id="named-key"),
        pytest.param("id 0123456789abcdef0123456789ABCDEF x", "id [removed] x", id="hex"),
        pytest.param("token eyJhbGciOi.eyJzdWI.abc", "token [removed]", id="jwt"),
        pytest.param("mine is hunter2", "mine is [removed]", id="key-in-use"),
        pytest.param(f"bad value '{'word ' * 30}'", "bad value '…'", id="quoted-prompt"),
        pytest.param("two\nlines  here", "two lines here", id="one-line"),
        pytest.param(
            "deployment gpt-4.1-mini-2025-04-14 unknown", "deployment gpt-4.1-mini-2025-04-14 unknown", id="ids"
        ),
    ],
)
def test_message_is_shown_without_keys_prompts_and_line_breaks(message, expected):
    assert shown(message, ["hunter2", ""]) == expected


def test_message_is_cut_at_three_hundred_characters():
    assert len(shown("word " * 100)) == 300


_HEX = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(f"gpt-4.1-mini-2025-04-14.ft-{_HEX}", id="azure"),
        pytest.param(f"gpt-4.1-mini-2025-04-14.ft-{_HEX}-npors_of-2026", id="azure-suffix"),
        pytest.param(f"gpt-4.1-mini-2025-04-14.ft-{_HEX}:ckpt-step-120", id="azure-checkpoint"),
        pytest.param(f"ft:gpt-4o-mini-2024-07-18:org:{'s' * 64}:AbC12dEf", id="openai-long-suffix"),
        pytest.param(f"ftjob-{_HEX}", id="job"),
        pytest.param(f"file-{_HEX}", id="file"),
    ],
)
def test_ids_of_tuned_models_jobs_and_files_are_no_secrets(name):
    assert shown(f"New fine-tuned model created: {name}") == f"New fine-tuned model created: {name}"
    assert shown(f"The model Name:{name},Version:1 is unknown.").count(name) == 1


@pytest.mark.parametrize("key", [f"ft-{_HEX}", f"x.ft-{_HEX}***", f"x.ft-{_HEX}/{_HEX}", f"file-{_HEX}=="])
def test_what_only_begins_like_an_id_is_removed(key):
    assert _HEX not in shown(f"the key {key} is wrong")


def test_key_in_use_is_removed_from_inside_an_id():
    assert _HEX not in shown(f"model gpt.ft-{_HEX} unknown", [_HEX])
