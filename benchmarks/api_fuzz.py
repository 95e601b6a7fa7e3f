"""Ask every route what nobody would ask, by the OpenAPI document, with schemathesis.

    python -m benchmarks.api_fuzz [--cases 5000]

Checks that no answer is a server error, and that status, content type and body are as the document
says; exits 1 at a failure, or when there were fewer cases. A server of its own is started.
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
    """Ask a server; returns how many cases there were, 0 when one failed, and the report.

    examples: how many requests a route is fuzzed with, beside those of the border cases.
    """
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/openapi.json"),
        *("--checks", ",".join(CHECKS), "--max-examples", str(examples)),
        *("--generation-database", "none", "--warnings", "off", "--no-color"),
        *("--suppress-health-check", "all", "--request-timeout", "60"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    cases = re.search(r"([\d,]+) generated", done.stdout)
    is_clean = done.returncode == 0 and cases is not None
    return (int(cases[1].replace(",", "")) if cases and is_clean else 0), done.stdout + done.stderr


def main() -> int:
    """Fuzz, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5_000)
    wanted = parser.parse_args().cases
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as (port, _):
        # The document has some twenty routes, and the border cases come on top.
        cases, report = fuzz(f"http://127.0.0.1:{port}", max(1, wanted // 15), Path(name))
    print(report)
    print(f"{cases:,} cases, none failed" if cases else "failed")
    return 0 if cases >= wanted else 1


if __name__ == "__main__":
    sys.exit(main())
