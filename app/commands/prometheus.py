"""`prometheus`: Prometheus for what is deployed on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from app.pages import start_prometheus


@click.command()
@click.option("--exporter-port", default=9108, show_default=True, help="Of the page with the pipelines' metrics and what is deployed.")
@click.option("--prometheus-port", default=9090, show_default=True)
@click.pass_obj
def COMMAND(root: Path, exporter_port: int, prometheus_port: int) -> None:
    """Write Prometheus' configuration for what is deployed here, and start it on loopback where it is installed."""
    start_prometheus(root, exporter_port, prometheus_port)
