"""What `prompt` shows: the exact messages of one request, its parameters and tokens."""

import json
from dataclasses import asdict

from cli.views.console import out
from cli.views.show import show_messages
from producer.prompting.prompt_preview import PromptPreview


def show_prompt(found: PromptPreview) -> None:
    """The request for people."""
    show_messages(found.messages)
    for number, messages in enumerate(found.later, start=2):
        out.print()
        out.print(
            f"turn {number}, after the answer:" if messages else f"turn {number}: the same once more", markup=False
        )
        show_messages(messages)
    out.print()
    lines = {
        "request": found.request_id,
        "model": f"{found.model_name} ({found.model_id})",
        "parameters": json.dumps(dict(found.parameters)),
        "answer": found.answer_format,
        "tokens": f"{found.prompt_tokens} in the prompt, at most {found.max_tokens} with the answer",
    }
    for name, text in lines.items():
        out.print(f"{name:12} {text}", markup=False)
    if found.has_relaxed_examples:
        out.print("The examples do not share all `match` variables with this respondent.")


def prompt_document(found: PromptPreview) -> dict[str, object]:
    """The request for --json."""
    return asdict(found) | {"parameters": dict(found.parameters)}
