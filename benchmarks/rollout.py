"""A deployment, and a rollback, under load: how many requests fail, and who answered.

    python -m benchmarks.rollout --config configs/loans.yaml --out rollout.json

Needs a version in production and a challenger (train twice; the second time with another `--seed`), on the active stack.
Eight connections post the deployment's example request through the front door as fast as they are answered, for a
minute at least and until `run.py` has ended; ten seconds in, the challenger is deployed. Then the same with
`--rollback`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from benchmarks.load import generate

ROOT = Path(__file__).resolve().parents[1]
_BEFORE_S = 10.0


def roll(config: str, arguments: list[str], seconds: float, connections: int) -> dict[str, Any]:
    """Run the deployment pipeline with `arguments` under load; who served before and after, and the load's summary."""
    from app.repository import ensure_repository
    from app.settings import settings_from
    from deployment.registration import active_deployer

    ensure_repository(ROOT)
    problem, _ = settings_from(ROOT, Path(config))
    host = active_deployer().host
    before = host.inspect(problem.name)
    if before is None or before.stable is None:
        raise SystemExit(f"nothing of {problem.name} is in production: python run.py --pipeline deployment --config {config}")
    body = (ROOT / "reports" / problem.name / "example_request.json").read_bytes()
    address, token = urlsplit(before.url), host.token(problem.name)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    ended, results = threading.Event(), []

    def load() -> None:
        results.append(generate(address.port, f"{address.path}/predict", body, connections, seconds, headers, address.hostname, ended))

    thread = threading.Thread(target=load)
    thread.start()
    time.sleep(_BEFORE_S)
    with tempfile.TemporaryDirectory() as folder:
        summary, began = Path(folder) / "summary.json", time.monotonic()
        command = [sys.executable, "run.py", "--pipeline", "deployment", "--config", config, "--summary", str(summary), *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        took = time.monotonic() - began
        ended.set()
        thread.join()
        if done.returncode:
            raise SystemExit(done.stdout[-2_000:] + done.stderr[-2_000:])
        serving = json.loads(summary.read_text())["serving"]
    [measured] = results
    return {
        "what": " ".join(arguments) or "deployment",
        "before": before.stable.version,
        "after": serving["version"],
        "deployment_s": took,
        "requests": len(measured.latencies),
        **measured.summary(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="configs/loans.yaml")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = [roll(options.config, extra, options.seconds, options.connections) for extra in ([], ["--rollback", "--why", "benchmark"])]
    table = Table(title=f"Under load, {options.connections} connections")
    for name in rows[0]:
        table.add_column(name)
    for row in rows:
        table.add_row(*(f"{value:.1f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=150).print(table)
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    failed = [row["what"] for row in rows if row["errors"]]
    if failed:
        raise SystemExit(f"requests failed during: {', '.join(failed)}")


if __name__ == "__main__":
    main()
