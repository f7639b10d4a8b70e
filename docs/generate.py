"""Writes the reference pages from the schemas; with --check says which no longer agree, and changes nothing.

python -m docs.generate [--check]
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from docs.key_tables import cells, key_sections, table
from schemas import models, settings, study, tables

FOLDER = Path(__file__).parent
NOTE = "<!-- Made by `make docs` from {source}. Change it there. -->\n\n"


def study_page() -> str:
    """Every key of study.yaml."""
    return (
        NOTE.format(source="schemas/study.py")
        + "# study.yaml\n\nOne file describes a study. Unknown keys are errors. `NAME` stands for a name of your own "
        "or of a variable.\n\n" + key_sections(study.Study) + _to_come(study.NOT_BUILT_YET)
    )


def models_page() -> str:
    """Every key of models.yaml."""
    return (
        NOTE.format(source="schemas/models.py")
        + "# models.yaml\n\nWhich models there are, where they are served and at which quotas. Keys are named by "
        "environment variable, never written down. The file is the one that `NIGHTPOLL_MODELS` names, else the one "
        "beside the study.\n\n" + key_sections(models.ModelsFile) + _to_come(models.MODELS_NOT_BUILT_YET)
    )


def _to_come(keys: dict[str, str]) -> str:
    if not keys:
        return "\n"
    refused = table(["key", "feature"], [[f"`{key}`", what] for key, what in keys.items()])
    return f"\n\n## Keys to come\n\nRefused by name, never ignored.\n\n{refused}\n"


def settings_page() -> str:
    """Every environment variable."""
    fields = settings.Settings.model_fields
    rows = [[f"`NIGHTPOLL_{name.upper()}`", *cells(field)] for name, field in fields.items()]
    return (
        NOTE.format(source="schemas/settings.py")
        + "# Settings\n\nRead from the environment, then from `.env` in the working folder. Keys of model services "
        "have the names that models.yaml gives them.\n\n"
        + table(["variable", "type", "default", "meaning"], rows)
        + "\n"
    )


RESULTS = {
    "predictions.parquet": (tables.PREDICTIONS, "The result: exactly one row per task."),
    "evaluation/metrics.parquet": (tables.METRICS, "One row per figure."),
    "responses/part-*.parquet": (tables.RESPONSES, "One row per request, as it came back; parts are never changed."),
    "tasks.parquet": (tables.TASKS, "One row per respondent, question, arm and repeat."),
    "plan.parquet": (tables.PLAN, "One row per distinct request; a row group holds whole shards."),
}


def results_page() -> str:
    """Every column of every table in a run."""
    sections = [f"## {name}\n\n{what}\n\n{_columns(schema)}" for name, (schema, what) in RESULTS.items()]
    return (
        NOTE.format(source="schemas/tables.py")
        + "# Columns\n\nEvery table of a run's folder. Units are in the names; times are UTC; shares lie between 0 and "
        "1. A column that may be null says so. Format number of all tables: "
        f"{tables.FORMAT_NO}, in their metadata under `{tables.FORMAT_KEY.decode()}`.\n\n"
        + "\n\n".join(sections)
        + "\n"
    )


def _columns(schema: pa.Schema) -> str:
    rows = [
        [f"`{field.name}`", str(field.type), "yes" if field.nullable else "", field.metadata[b"doc"].decode()]
        for field in schema
    ]
    return table(["column", "type", "null", "meaning"], rows)


def commands_page() -> str:
    """Every command's help, from the command line's own definition."""
    app = importlib.import_module("cli.main").app
    text: str = importlib.import_module("docs.command_pages").command_sections(app)
    return NOTE.format(source="cli/") + "# Commands\n\n" + text


Pages = dict[str, Callable[[], str]]
"""File name -> what makes its text."""


def pages() -> Pages:
    """All pages; the commands' one as soon as there is a command line."""
    made = {
        "study-reference.md": study_page,
        "models-reference.md": models_page,
        "settings.md": settings_page,
        "results.md": results_page,
    }
    if importlib.util.find_spec("cli.main") is not None:
        made["commands.md"] = commands_page
    return made


def outdated(wanted: Pages, folder: Path = FOLDER) -> list[str]:
    """Names of pages that differ from what the schemas say."""
    return [name for name, make in wanted.items() if _read(folder / name) != make()]


def write(wanted: Pages, folder: Path = FOLDER) -> None:
    """The pages, over what is there."""
    for name, make in wanted.items():
        (folder / name).write_text(make(), encoding="utf-8")


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main(arguments: list[str]) -> int:
    """Exit code 0, or 1 if --check finds a page that is out of date."""
    if arguments != ["--check"]:
        write(pages())
        return 0
    if old := outdated(pages()):
        sys.stderr.write(f"out of date: {', '.join(f'docs/{name}' for name in old)}; run `make docs`\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
