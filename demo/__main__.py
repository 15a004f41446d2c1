"""`python -m demo`, or `make demo`."""

from __future__ import annotations

import click

import run  # noqa: F401 - sets, before ZenML is imported, how quiet it is
from demo.story import tell


@click.command()
@click.option("--keep", is_flag=True, help="Leave the model serving at the end.")
@click.option(
    "--months",
    default=12,
    show_default=True,
    type=click.IntRange(min=3),
    help="Months that are lived through, two of them before the drift.",
)
@click.option("--rows", default=2400, show_default=True, type=click.IntRange(min=300), help="Applications a month.")
def main(keep: bool, months: int, rows: int) -> None:
    """Train, deploy, live through the months, see the drift, retrain, try, promote."""
    tell(months, rows, keep)


if __name__ == "__main__":
    main()
