"""Markdown of a Typer command line: each command with its usage, arguments, options and examples."""

import inspect
from collections.abc import Iterator

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from docs.key_tables import table


def command_sections(app: typer.Typer, name: str = "nightpoll") -> str:
    """One section per command, in the order of `--help`."""
    sections = [_section(path, command) for path, command in _leaves(name, typer.main.get_command(app))]
    return "\n\n".join(sections) + "\n"


def _leaves(path: str, command: object) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from _leaves(f"{path} {name}", child)
    elif isinstance(command, TyperCommand) and not command.hidden:
        yield path, command


def _section(path: str, command: TyperCommand) -> str:
    parameters = [p for p in command.params if isinstance(p, TyperArgument | TyperOption) and not p.hidden]
    parts = [f"## {path}", _paragraphs(command.help)]
    if parameters:
        parts.append(table(["argument", "default", "meaning"], [_row(parameter) for parameter in parameters]))
    if command.epilog:
        parts.append(f"```sh\n{_paragraphs(command.epilog)}\n```")
    return "\n\n".join(part for part in parts if part)


def _paragraphs(text: str | None) -> str:
    return inspect.cleandoc(text or "").replace("\b\n", "").replace("\f", "").strip()


def _row(parameter: TyperArgument | TyperOption) -> list[str]:
    if isinstance(parameter, TyperOption):
        names = [*parameter.opts, *parameter.secondary_opts]
    else:
        names = [(parameter.name or "").upper()]
    return [", ".join(f"`{name}`" for name in names), _default(parameter), parameter.help or ""]


def _default(parameter: TyperArgument | TyperOption) -> str:
    if parameter.required:
        return "required"
    default = parameter.default
    if default is None or default is False or callable(default):
        return ""
    return f"`{default}`"
