"""What `make audit` says of a report of pip-audit: advisories, packages nobody knows, no report at all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "audit.py"
CLEAN = {"name": "a", "version": "1", "vulns": []}
KNOWN = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"], "aliases": []}]}
UNMENDED = {"name": "c", "version": "3", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]}
UNKNOWN = {"name": "d", "skip_reason": "not found"}


def audited(path: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, SCRIPT, path], capture_output=True, text=True, check=False, timeout=30)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        pytest.param([CLEAN, CLEAN], 0, ["2 of 2 packages looked up, 0 advisories."], id="clean"),
        pytest.param([CLEAN, KNOWN], 1, ["b 2: PYSEC-1, mended in 2.1", "2 of 2", "1 advisories"], id="an advisory"),
        pytest.param([UNMENDED, UNKNOWN], 1, ["no version yet", "1 of 2", "about them: d"], id="advisory and unknown"),
        pytest.param([CLEAN, UNKNOWN], 6, ["1 of 2 packages", "nothing is known about them: d"], id="unknown"),
        pytest.param([UNKNOWN | {"name": f"p{i}"} for i in range(7)], 6, ["0 of 7", "p4, ..."], id="many unknown"),
        pytest.param([], 6, ["0 of 0"], id="nothing"),
    ],
)
def test_report_is_told_with_a_code_of_its_own(tmp_path, found, code, said):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"dependencies": found, "fixes": []}))

    returned, out = audited(path)

    assert returned == code
    assert all(words in out for words in said)


@pytest.mark.parametrize("content", [None, "", "not json"])
def test_missing_report_is_no_clean_one(tmp_path, content):
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)

    returned, out = audited(path)

    assert returned == 6
    assert "gave no report" in out
