"""The studies that ship: where they lie, and how one is copied for a new study.

There is one copy of them, `examples/`. A wheel carries its files as `cli/_templates/`; a checkout is read directly.
"""

from pathlib import Path
from typing import Literal, get_args

from schemas.errors import EnvironmentFailureError, UserInputError

TemplateName = Literal["npors2024", "anes96", "reviews"]

FILES: dict[TemplateName, tuple[str, ...]] = {
    "npors2024": ("README.md", "study.yaml", "models.yaml", "persona.j2"),
    "anes96": ("README.md", "study.yaml", "models.yaml", "persona.j2", "anes96.sav"),
    "reviews": ("README.md", "study.yaml", "models.yaml", "persona.j2", "reviews.csv"),
}
"""What a template is made of. Pew's file for npors2024 is the user's and is never among them."""

BROUGHT_BY_THE_USER: dict[TemplateName, str] = {"npors2024": "NPORS_2024_for_public_release.sav"}
"""Survey file that a template needs and may not carry."""

_PACKAGE = Path(__file__).resolve().parent


def template_folder(name: str) -> Path:
    """The folder of a template.

    Raises:
        UserInputError: no such template.
        EnvironmentFailureError: the installation lacks it.
    """
    if name not in get_args(TemplateName):
        raise UserInputError(
            f"there is no template {name!r}.",
            where="--template",
            hint=f"There are: {', '.join(get_args(TemplateName))}.",
        )
    for root in (_PACKAGE / "_templates", _PACKAGE.parent / "examples"):
        if (root / name / "study.yaml").is_file():
            return root / name
    raise EnvironmentFailureError(f"this installation lacks the template {name}.", hint="Install nightpoll again.")


def copy_template(name: TemplateName, folder: Path) -> list[Path]:
    """Copy a template into a new or empty folder; nothing of it stays if a file cannot be written.

    Raises:
        UserInputError: the folder holds something, is a file, or cannot be written.
    """
    source = template_folder(name)
    is_new = _prepare(folder)
    written: list[Path] = []
    try:
        for file in FILES[name]:
            target = folder / file
            with target.open("xb") as out:
                written.append(target)
                out.write((source / file).read_bytes())
    except OSError as e:
        _take_back(written, folder if is_new else None)
        raise _unwritable(folder, e) from e
    return written


def _prepare(folder: Path) -> bool:
    """Make the folder if it is missing; True if it was."""
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            return True
        found = sorted(entry.name for entry in folder.iterdir())
    except OSError as e:
        raise _unwritable(folder, e) from e
    if found:
        raise UserInputError(
            f"the folder is not empty: it holds {found[0]}.", where=str(folder), hint="Name a new or an empty folder."
        )
    return False


def _take_back(written: list[Path], folder: Path | None) -> None:
    for path in written:
        path.unlink(missing_ok=True)
    if folder is not None:
        folder.rmdir()


def _unwritable(folder: Path, error: OSError) -> UserInputError:
    reason = error.strerror if error.strerror is not None else type(error).__name__
    return UserInputError(f"the folder cannot be used: {reason}.", where=str(folder), hint="Name another folder.")
