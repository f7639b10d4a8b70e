"""The reference pages agree with the schemas, and every key and column explains itself."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
from pydantic import BaseModel, Field

from docs import generate
from docs.command_pages import command_sections
from docs.key_tables import key_sections
from schemas import tables
from schemas.models import ModelsFile
from schemas.settings import Settings
from schemas.study import Study


class Inner(BaseModel):
    """What is inside."""

    share: float = Field(0.5, ge=0, lt=1, description="A share.")


class Outer(BaseModel):
    """What is outside."""

    kind: Literal["a", "b"] | None = Field(None, description="Which.")
    inner: dict[str, Inner] = Field(min_length=1, alias="in", description="By name.")


@pytest.mark.parametrize("name", generate.pages())
def test_page_agrees_with_what_it_is_made_from(name: str) -> None:
    assert generate.outdated({name: generate.pages()[name]}) == [], "run `make docs`"


def test_changed_page_is_named(tmp_path: Path) -> None:
    pages = {"settings.md": generate.settings_page, "results.md": generate.results_page}
    generate.write(pages, tmp_path)
    with (tmp_path / "settings.md").open("a") as page:
        page.write("by hand\n")

    assert generate.outdated(pages, tmp_path) == ["settings.md"]


def test_nested_model_gets_a_section_named_by_its_place() -> None:
    text = key_sections(Outer)

    assert "| `kind` | `a` or `b` | none | Which. |" in text
    assert "| `in` | mapping of text to Inner, at least 1 | required | By name. |" in text
    assert "## Inner: `in.NAME`\n\nWhat is inside.\n" in text
    assert "| `share` | number, >= 0 and < 1 | `0.5` | A share. |" in text


@pytest.mark.parametrize("model", [Study, ModelsFile])
def test_every_key_says_what_it_means(model: type[BaseModel]) -> None:
    assert [line for line in key_sections(model).splitlines() if line.endswith("|  |")] == []


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_column_of_the_result_is_on_its_page() -> None:
    page = generate.results_page()

    assert [name for name in tables.PREDICTIONS.names if f"| `{name}` |" not in page] == []


def test_command_page_shows_arguments_options_and_examples() -> None:
    app = typer.Typer()

    @app.command(epilog="nightpoll plan study.yaml")
    def plan(study: str, pilot: Annotated[int, typer.Option(help="Respondents.")] = 3) -> None:
        """Says what a run would cost."""

    @app.command(hidden=True)
    def secret() -> None:
        """Not shown."""

    text = command_sections(app)

    assert "## nightpoll plan\n\nSays what a run would cost." in text
    assert "| `STUDY` | required |  |" in text
    assert "| `--pilot` | `3` | Respondents. |" in text
    assert "nightpoll plan study.yaml\n```" in text
    assert "Not shown" not in text
