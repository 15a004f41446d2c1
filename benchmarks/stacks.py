"""Wall time by stack and step: `python -m benchmarks.stacks local=local.json kubernetes=kubernetes.json`, from summaries that run.py wrote.

Each file is what `python run.py --pipeline training ... --no-cache --summary FILE` wrote on one stack. Prints a Markdown
table, and the largest difference of a score between the stacks.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def table(summaries: dict[str, dict[str, Any]]) -> str:
    """Rows are steps in the order of the first run, then the whole run; columns are stacks, in seconds."""
    seconds = {stack: {stage["name"]: stage["duration_s"] for stage in summary["stages"]} for stack, summary in summaries.items()}
    steps = dict.fromkeys(name for found in seconds.values() for name in found)
    lines = [f"| step | {' | '.join(summaries)} |", f"|---|{'---|' * len(summaries)}"]
    for step in steps:
        cells = [f"{found[step]:.1f} s" if step in found else "" for found in seconds.values()]
        lines.append(f"| `{step}` | {' | '.join(cells)} |")
    walls = [f"{summary['duration_s']:.0f} s" for summary in summaries.values()]
    lines.append(f"| whole run | {' | '.join(walls)} |")
    return "\n".join(lines)


def difference(summaries: dict[str, dict[str, Any]]) -> float:
    """Largest difference of any score between any two runs."""
    flat = [
        {(kind, metric): value for kind, found in one["scores"].items() for metric, value in found.items()} for one in summaries.values()
    ]
    return max(max(scores[key] for scores in flat) - min(scores[key] for scores in flat) for key in flat[0])


def main() -> None:
    """Read STACK=FILE pairs and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("summaries", nargs="+", metavar="STACK=FILE")
    pairs = [argument.partition("=") for argument in parser.parse_args().summaries]
    if not all(separator for _, separator, _ in pairs):
        parser.error("each summary is given as STACK=FILE")
    summaries = {stack: json.loads(Path(file).read_text(encoding="utf-8")) for stack, _, file in pairs}
    print(table(summaries))
    digests = {summary["model"]["digest"] for summary in summaries.values()}
    print(f"\nlargest difference of a score: {difference(summaries):.1e}; {len(digests)} digest{'s' * (len(digests) > 1)}")


if __name__ == "__main__":
    main()
