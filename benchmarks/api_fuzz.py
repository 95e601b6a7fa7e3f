"""Fuzz every route of the REST API by its OpenAPI document, with schemathesis.

    python -m benchmarks.api_fuzz [--cases 5000]

Checks that no response is a server error, and that status, content type and body match the
document. Exits with 1 at a failure or when fewer cases were run. Starts its own server.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.api_load import served

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


def fuzz(url: str, examples: int, folder: Path) -> tuple[int, str]:
    """Fuzz a server; returns the number of cases (0 when one failed) and the report.

    examples: random requests per route, in addition to the boundary cases.
    """
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/openapi.json"),
        *("--checks", ",".join(CHECKS), "--max-examples", str(examples)),
        *("--generation-database", "none", "--warnings", "off", "--no-color"),
        *("--suppress-health-check", "all", "--request-timeout", "60"),
    ]
    completed = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    cases = re.search(r"([\d,]+) generated", completed.stdout)
    is_clean = completed.returncode == 0 and cases is not None
    return (
        int(cases[1].replace(",", "")) if cases and is_clean else 0
    ), completed.stdout + completed.stderr


def main() -> int:
    """Fuzz, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5_000)
    least_cases = parser.parse_args().cases
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as (port, _):
        # The document has about twenty routes; boundary cases are added to these examples.
        cases, report = fuzz(f"http://127.0.0.1:{port}", max(1, least_cases // 15), Path(name))
    print(report)
    print(f"{cases:,} cases, none failed" if cases else "failed")
    return 0 if cases >= least_cases else 1


if __name__ == "__main__":
    sys.exit(main())
