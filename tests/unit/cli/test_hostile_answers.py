"""Texts of models, services and survey files in terminals, reports and sheets: shown, and never acted on."""

import json
import re

import openpyxl
import pandas as pd
import pytest

from cli.views.console import err, out
from evaluation.job import evaluate_run
from evaluation.reporting.report import write_report
from tests.support.cli_runs import CommandLine, land, open_run
from tests.support.studies import write_study
from workers.predictions.compaction import compact

ESCAPES = {
    "title": "\x1b]0;owned\x07",
    "clear": "\x1b[2J\x1b[H",
    "colour": "\x1b[31mred",
    "C1": "\x9b2J",
    "link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;b3duZWQ=\x07",
    "back": "honest\x08\x08\x08\x08\x08\x08bad",
    "return": "honest\rbad",
    "turned": "a\u202ecba\u2066",
    "rich markup": "[red]x[/red][link=http://evil.example]y[/link]",
    "NUL": "a\0b",
}
MARKUP = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "end of script": "</script><script>alert(1)</script>",
    "comment": "<!--<script>",
    "entity": "&lt;script&gt;",
    "style": "</style><style>*{display:none}</style>",
    "template": "{{ 7 * 7 }}{% raw %}",
    "script in a link": "javascript:alert(1)",
}
FORMULAS = {
    "call": "=HYPERLINK(\"http://e.example\")", "plus": "+1+cmd|' /C calc'!A0", "minus": "-2+3+cmd|x", "at": "@SUM(1)",
    "tab": "\t=1+1", "spaces": "   =1+1", "wide": "＝1+1", "line": "\n=1+1",
}  # fmt: skip
TEXTS = [*ESCAPES.values(), *MARKUP.values(), *FORMULAS.values()]
STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    """Every hostile text as answers, model ids, fingerprints, error messages, labels and question texts."""
    folder = tmp_path_factory.mktemp("hostile")
    study = write_study(folder / "s", "http://127.0.0.1:9/v1", n_respondents=len(TEXTS) + 8)
    text = study.read_text().replace("Good", "Go<script>od").replace("feel today?", "feel =1+1 <b>today</b>?")
    study.write_text(text)
    store, left = open_run(study, folder / "store"), list(TEXTS)

    def answer(_: object) -> dict[str, object]:
        if not left:
            return {}
        one = left.pop()
        said = {"turns": [one], "served_model": one, "system_fingerprint": one, "finish_reason": one}
        if len(left) % 3 == 0:
            return said | {"outcome": "failed", "turns": [], "error_code": "rejected", "error_message": one}
        return said | (
            {"outcome": "refused", "error_code": "refusal", "error_message": one} if len(left) % 3 == 1 else {}
        )

    land(store, "r", answer)
    compact(store, "r")
    return store, study


@pytest.fixture
def nightpoll(run, capsys, monkeypatch):
    monkeypatch.setenv("NIGHTPOLL_STORE", str(run[0].root))
    return CommandLine(capsys)


@pytest.mark.parametrize("command", [("show", "r", "-n", 500), ("errors", "r"), ("list",)])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_nothing_that_a_command_says_steers_the_terminal(nightpoll, command, form):
    said = nightpoll(*command, *form)

    assert said.code == 0, said.err
    assert STEERS.findall(said.out + said.err) == []
    if form:
        json.loads(said.out)


def test_single_task_with_its_prompt_and_answer_steers_nothing(run, nightpoll):
    rows = pd.read_parquet(run[0].path("r/predictions.parquet"))

    for task in rows.loc[rows["served_model"].isin(list(ESCAPES.values())), "task_id"]:
        for form in ((), ("--json",)):
            said = nightpoll("show", "r", task, *form)
            assert said.code == 0
            assert STEERS.findall(said.out) == []


@pytest.mark.parametrize("text", TEXTS)
def test_console_prints_any_text_as_text(capsys, text):
    for console in (out, err):
        console.print(text, markup=False)

    said = capsys.readouterr()
    assert STEERS.findall(said.out + said.err) == []


def test_report_holds_no_markup_of_others(run):
    store, _ = run
    page = write_report(store, "r", evaluate_run(store, "r"), None).read_text()

    for text in (*MARKUP.values(), "Go<script>od", "<b>today</b>"):
        if "<" in text or '"' in text:
            assert text not in page
    assert "alert(1)" in page, "the answers are shown, so that this test sees them"


def test_csv_and_sheets_hold_no_formula(nightpoll, tmp_path):
    assert nightpoll("export", "r", tmp_path / "rows.csv", "--format", "csv").code == 0
    assert nightpoll("export", "r", tmp_path / "tops.xlsx", "--format", "toplines").code == 0

    cells = pd.read_csv(tmp_path / "rows.csv", dtype=str, keep_default_na=False)
    starts = [str(cell).lstrip() for column in cells for cell in cells[column]]
    formulas = [text for text in starts if text.startswith(("=", "+", "-", "@", "＝"))]
    assert [text for text in formulas if not re.fullmatch(r"[+-]?[\d.e+-]+", text)] == []
    assert {"'=1+1", "'@SUM(1)"} & set(starts) or any(text.startswith("'") for text in starts)
    book = openpyxl.load_workbook(tmp_path / "tops.xlsx")
    assert [c.coordinate for sheet in book for row in sheet for c in row if c.data_type == "f" or c.hyperlink] == []


def test_prompt_of_a_hostile_survey_steers_nothing(run, nightpoll):
    _, study = run
    study.write_text(study.read_text().replace("Do you trust", "Do \\e[2J\\u202e you trust"))

    said = nightpoll("prompt", study, "--respondent", 1003, "--question", "trust", "--arm", "basic")

    assert said.code == 0, said.err
    assert STEERS.findall(said.out + said.err) == []
