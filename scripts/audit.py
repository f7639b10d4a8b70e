"""What pip-audit found, in words: `python scripts/audit.py REPORT.json`. No file: the service gave no report.

Exit codes: 0 every package was looked up and has no advisory, 1 an advisory, 6 something could not be looked up.
"""

import json
import sys
from pathlib import Path
from typing import Any

ADVISORY, UNKNOWN = 1, 6
_SHOWN = 5


def told(report: dict[str, Any] | None) -> tuple[list[str], int]:
    """Lines for people and the exit code; `report` as `pip-audit --format json` writes it, None without one."""
    if report is None:
        return ["The advisory service gave no report: is there a network? Nothing is known about any package."], UNKNOWN
    found = report["dependencies"]
    unknown = [each["name"] for each in found if "skip_reason" in each]
    lines = [_advisory(each, vuln) for each in found for vuln in each.get("vulns", [])]
    n_advisories, n_known = len(lines), len(found) - len(unknown)
    lines.append(f"{n_known} of {len(found)} packages looked up, {n_advisories} advisories.")
    if unknown:
        more = ", ..." if len(unknown) > _SHOWN else ""
        lines.append(f"Not known to the service, so nothing is known about them: {', '.join(unknown[:_SHOWN])}{more}")
    return lines, ADVISORY if n_advisories else UNKNOWN if unknown or not found else 0


def _advisory(package: dict[str, Any], vuln: dict[str, Any]) -> str:
    mended = ", ".join(vuln["fix_versions"]) or "no version yet"
    return f"{package['name']} {package['version']}: {vuln['id']}, mended in {mended}"


def main(path: Path) -> int:
    """Tell the report at a path."""
    try:
        report = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        report = None
    lines, code = told(report)
    print("\n".join(lines))  # noqa: T201 - the output of a script
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
