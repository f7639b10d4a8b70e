"""Errors about whole files: the service's own words stay, what may come out of the file goes."""

import pytest

from providers.batch_objects import read_batch
from providers.error_bodies import shown_of_file
from providers.service_words import in_service_words
from providers.tuning_objects import read_event, read_job

PERSONA = "You are 34 years old. You live in Zanzibar-7. You are a Catholic woman who goes to church every week"
OPEN_ANSWER = "I do not trust the government, my brother lost his job and nobody helped"


@pytest.mark.parametrize(
    "message",
    [
        "The job failed due to an invalid training file. Line 4: Missing required parameter: messages",
        "Created fine-tuning job: ftjob-0cb1bb75b2a742f7b749b4266950cf0d",
        "Step 10/100: training loss=0.53, validation loss=0.61",
        "New fine-tuned model created: ft:gpt-4.1-mini-2025-04-14:emulator:demo:ckpt-step-15",
        "The model did not pass the safety evaluations that follow the training.",
        "Enqueued token limit reached for gpt-4.1-mini in organization org-emulator. Limit: 90,000 enqueued tokens.",
        "This line is not parseable as valid JSON.",
        "The custom_id b3-12.0 is used by an earlier line of this file.",
        "The file has 5 example(s), but must have at least 10 examples.",
        "Unterminated string starting at: line 1 column 35 (char 34)",
        "invalid_training_file: Example 12 has an assistant message with empty content",
        "lines 3, 5, 8 have duplicate prompts",
    ],
)
def test_words_of_services_about_files_stay(message: str) -> None:
    assert in_service_words(message) == message


@pytest.mark.parametrize("said", [PERSONA, PERSONA.upper(), OPEN_ANSWER])
@pytest.mark.parametrize(
    "message",
    ["{}", "Line 3: {} is no valid message", "Invalid content {}", "message: {}. Line 4 is invalid.", "blocked: {}"],
)
def test_unquoted_words_of_a_file_go(message: str, said: str) -> None:
    left = in_service_words(message.format(said)).casefold()

    for word in ("34 years", "zanzibar", "catholic", "woman", "church", "trust", "government", "brother", "helped"):
        assert word not in left


def test_single_name_inside_a_sentence_goes() -> None:
    assert in_service_words("blocked term Zanzibar-7 of line 3") == "blocked term … of line 3"
    assert in_service_words("the value zoë@example.org is invalid") == "the value … is invalid"


def test_message_of_which_nothing_is_left_says_so() -> None:
    assert shown_of_file(PERSONA) == "(what the service says may stand in the file and is not shown)"


def test_errors_and_events_of_files_batches_and_jobs_repeat_no_line() -> None:
    batch = read_batch(
        {
            "id": "b",
            "status": "failed",
            "errors": {"data": [{"code": "invalid_request", "line": 3, "message": PERSONA}]},
        }
    )
    job = read_job({"id": "j", "status": "failed", "error": {"code": "invalid_training_file", "message": PERSONA}})
    event = read_event({"id": "e", "message": f"Line 3: {PERSONA}"})

    told = f"{batch} {job} {event}"
    assert "Zanzibar" not in told
    assert "Catholic" not in told
    assert (batch.problems[0].code, batch.problems[0].line) == ("invalid_request", 3)
    assert "invalid_training_file" in str(job.error)
    assert event.message.startswith("Line 3: ")
