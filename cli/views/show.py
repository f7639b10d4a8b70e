"""What `show` and `errors` show: rows of predictions, one task with its exact prompt, failures by reason."""

import json
from typing import Any

from cli.prediction_rows import Reason, Rows, answered_texts, request_row
from cli.views.console import out
from cli.views.safe_text import first_line, safe
from cli.views.text_table import print_table
from producer.prompting.turns import Turns
from storage.store import Store

SHOWN_ID_CHARS = 10

_ROW_HEADERS = ["task", "respondent", "question", "arm", "truth", "answer", "status", "text"]
_REASON_HEADERS = ["status", "reason", "tasks", "example task", "example"]
_TOLD_APART = frozenset({"answer_text"})


def show_rows(found: Rows) -> None:
    """Rows as a table, with how many there are."""
    if not found.rows:
        out.print("No task matches.")
        return
    print_table("", _ROW_HEADERS, [_cells(row) for row in found.rows])
    if found.n_matching > len(found.rows):
        out.print(f"{len(found.rows):,} of {found.n_matching:,} tasks; -n shows more.")


def show_reasons(found: list[Reason]) -> None:
    """Reasons as a table, one example each."""
    if not found:
        out.print("Every task has an answer.")
        return
    rows = [
        [
            reason.status,
            reason.error_code if reason.error_code is not None else "",
            f"{reason.n_tasks:,}",
            reason.example["task_id"][:SHOWN_ID_CHARS],
            _example_text(reason.example),
        ]
        for reason in found
    ]
    print_table("", _REASON_HEADERS, rows, right=[2])


def show_task(document: dict[str, Any]) -> None:
    """One task: its row, the prompt as it was sent, the answer as it came."""
    for name, value in document["prediction"].items():
        if value is not None and name not in _TOLD_APART:
            out.print(f"{name:20} {safe(str(value))}", markup=False)
    request = document["request"]
    if request is not None:
        _show_calls(request["messages"], request["calls"])
        out.print(f"\nparameters: {json.dumps(request['parameters'])}", markup=False)
    text = document["prediction"]["answer_text"]
    if text is not None:
        _titled("answer", text)


def _show_calls(first: list[dict[str, str]], calls: list[dict[str, Any]]) -> None:
    """Each turn: what it adds to the turn before, and what was answered; the last answer is told at the end."""
    show_messages(first)
    for turn, call in enumerate(calls):
        before = calls[turn - 1]["messages"] if turn else call["messages"]
        messages = call["messages"]
        goes_on = messages[: len(before)] == before
        if turn:
            show_messages(messages[len(before) + 1 :] if goes_on and len(messages) > len(before) else messages)
        if turn < len(calls) - 1 and call["answer"] is not None:
            _titled(f"answer {turn + 1}", call["answer"])


def show_messages(messages: list[dict[str, str]]) -> None:
    """Messages as they are sent."""
    for message in messages:
        _titled(message["role"], message["content"])


def task_document(store: Store, run_id: str, prediction: dict[str, Any]) -> dict[str, Any]:
    """A task's row with the request that served it; `request` is null for imported predictions."""
    request_id = prediction["request_id"]
    row = None if request_id is None else request_row(store, run_id, request_id)
    if row is None:
        return {"prediction": prediction, "request": None}
    turns = Turns.from_json(row["turns"])
    return {
        "prediction": prediction,
        "request": {
            "request_id": request_id,
            "model": row["model"],
            "messages": turns.first,
            "calls": _calls(turns, answered_texts(store, run_id, request_id)) if turns.later else [],
            "parameters": json.loads(row["parameters"]),
            "answer_format": row["answer_format"],
            "prompt_tokens": row["prompt_tokens"],
        },
    }


def _calls(turns: Turns, texts: list[str]) -> list[dict[str, Any]]:
    """What was sent in each turn that went out, and the answer; null where none came."""
    n = min(turns.n, len(texts) + 1)
    return [
        {"messages": turns.messages(texts[:turn]), "answer": texts[turn] if turn < len(texts) else None}
        for turn in range(n)
    ]


def reason_document(reason: Reason) -> dict[str, Any]:
    """A reason for --json."""
    return {
        "status": reason.status,
        "reason": reason.error_code,
        "tasks": reason.n_tasks,
        "example": reason.example,
    }


def _cells(row: dict[str, Any]) -> list[str]:
    truth = _told(row, "truth") or row["truth_status"]
    answer = _told(row, "answer")
    status = row["status"] if row["error_code"] is None else f"{row['status']} ({row['error_code']})"
    names = [row["task_id"][:SHOWN_ID_CHARS], row["respondent_id"], row["question_id"], row["arm"]]
    return [*map(safe, names), truth, answer, status, first_line(row["answer_text"], limit=50)]


def _told(row: dict[str, Any], who: str) -> str:
    """A human or predicted answer of any kind: code and label, number, codes ticked; "" if there is none."""
    if row[who] is not None:
        return _code(row[who], row[f"{who}_label"])
    number, codes = row.get(f"{who}_number"), row.get(f"{who}_codes")
    if number is not None:
        return f"{number:g}"
    return "" if codes is None else ", ".join(map(str, codes)) or "none ticked"


def _code(code: int, label: str | None) -> str:
    return f"{code} {safe(label)}" if label else str(code)


def _example_text(example: dict[str, Any]) -> str:
    text = first_line(example["answer_text"])
    return text if text else first_line(example["error_message"])


def _titled(title: str, text: str) -> None:
    out.print(f"\n[{title}]", style="bold", markup=False)
    out.print(safe(text), markup=False)
