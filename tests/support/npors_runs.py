"""The shipped NPORS study against a fleet's emulator, with Pew's file."""

import re
import shutil
from pathlib import Path

from tests.support.fleet import Fleet

REPO = Path(__file__).resolve().parents[2]


def npors_study(fleet: Fleet, npors_sav: Path) -> Path:
    """The shipped study with its basic arm only, against the fleet's emulator."""
    folder = fleet.folder / "npors"
    shutil.copytree(REPO / "examples" / "npors2024", folder)
    study = (folder / "study.yaml").read_text("utf-8")
    study = re.sub(r"^  (cot|few_shot):.*\n(?:    .*\n)*", "", study, flags=re.MULTILINE)
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    models = (folder / "models.yaml").read_text("utf-8")
    models = re.sub(r"http://127\.0\.0\.1:\d+/v1", fleet.emulator.base_url, models)
    (folder / "models.yaml").write_text(models, encoding="utf-8")
    (folder / "NPORS_2024_for_public_release.sav").symlink_to(npors_sav)
    return folder / "study.yaml"
