"""The only command line of Switchyard: python run.py --pipeline training, and what surrounds it."""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

# Before ZenML is imported: quiet logs of its own, plain tracebacks, no usage statistics unless asked for.
os.environ.setdefault("ZENML_LOGGING_VERBOSITY", "WARN")
os.environ.setdefault("ZENML_ENABLE_RICH_TRACEBACK", "false")
os.environ.setdefault("ZENML_ANALYTICS_OPT_IN", "false")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
if not sys.stdout.isatty():
    os.environ.setdefault("ZENML_LOGGING_COLORS_DISABLED", "true")

# On a new machine ZenML warns that it takes its default stack; the first command chooses ours.
logging.getLogger("zenml.zen_stores.base_zen_store").addFilter(lambda record: not str(record.msg).startswith("Setting the"))
# The cluster's stack has a kube context of its own, whichever is current.
logging.getLogger("zenml.integrations.kubernetes.orchestrators.kubernetes_orchestrator").addFilter(
    lambda record: "is not the same as the active context" not in str(record.msg)
)

STARTED = time.monotonic()
ROOT = Path(__file__).resolve().parent

import click  # noqa: E402

from app.options import PIPELINES, Pipelines, all_options, options_of  # noqa: E402
from switchyard.tabular.errors import SwitchyardError  # noqa: E402


@click.group(cls=Pipelines, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pipeline", type=click.Choice(tuple(PIPELINES)), help="What to run.")
@click.option("--schema", is_flag=True, help="Print the JSON schema of the config.")
@click.pass_context
def cli(context: click.Context, pipeline: str | None, schema: bool, **common: Any) -> None:
    """From a table to a model in production: python run.py --pipeline training --data FILE --target COLUMN."""
    if context.invoked_subcommand:
        return
    if schema:
        import json

        from switchyard.tabular.config.problem import Problem

        click.echo(json.dumps(Problem.model_json_schema(), indent=2))
        return
    if pipeline is None:
        click.echo(context.get_help())
        raise SystemExit(2)
    settings, own = options_of(pipeline, context)
    from app.commands import settings_from
    from app.summary import failures_in
    from app.textfile import told_to_prometheus

    with told_to_prometheus(common["summary"]) as told, failures_in(told.summary, pipeline, STARTED):
        problem, where = settings_from(ROOT, **settings)
        run, told.model = PIPELINES[pipeline].load(), problem.name
        told.code = run(problem, where, **own, root=ROOT, dry_run=common["dry_run"], summary_path=told.summary, started=STARTED)
    raise SystemExit(told.code)


cli.params.extend(all_options())


@cli.command()
def doctor() -> None:
    """Check Python, packages, disk, ZenML's store, the active stack, MLflow and two ports, and say how to mend each."""
    from app.doctor import examine

    raise SystemExit(examine(ROOT))


@cli.command()
@click.option(
    "--data", required=True, help="PATH, URL, or a SQLAlchemy URL with --query: a label a row, with prediction_id, or entity and time."
)
@click.option("--query", help="SQL to run when --data is a SQLAlchemy URL.")
@click.option("--config", type=click.Path(path_type=Path), help="A YAML file of configs/; without it and --name, the built-in loans.")
@click.option("--name", help="Name of the model in the registries. Alone: by configs/NAME.yaml, or as its newest version was trained.")
@click.option("--label-column", default="", help="Holds the labels; else label, or the target's name.")
@click.option("--id-column", help="Holds prediction ids; else prediction_id.")
@click.option("--entity-column", help="Where there are no prediction ids; else entity_id, or the config's.")
@click.option("--time-column", help="Goes with the entity; else event_time, or the config's.")
@click.option("--within", default=1.0, show_default=True, help="Days that an entity's prediction may be older than the label's time.")
@click.option("--summary", type=click.Path(path_type=Path, dir_okay=False), help="Write the counts to this JSON file.")
def labels(
    data: str, query: str | None, config: Path | None, name: str | None, within: float, summary: Path | None, **columns: Any
) -> None:
    """Join labels in bulk to the predictions in the log."""
    from app.commands import settings_from
    from app.labels import join_labels
    from app.summary import failures_in
    from switchyard.tabular.batch.truths import TruthColumns

    named = TruthColumns(columns["label_column"], columns["id_column"], columns["entity_column"], columns["time_column"])
    with failures_in(summary, "labels", STARTED):
        problem, _ = settings_from(ROOT, config=config, name=name)
        options = {"query": query, "columns": named, "within_days": within, "summary_path": summary, "started": STARTED}
        code = join_labels(problem, root=ROOT, data=data, **options)
    raise SystemExit(code)


@cli.group()
def stack() -> None:
    """Stacks of stacks/*.yaml."""


@stack.command("up")
@click.argument("name")
@click.option("--namespace", default="switchyard", show_default=True, help="Of the cluster; for the stack kubernetes.")
@click.option(
    "--settings", type=click.Path(path_type=Path), help="KEY=VALUE file: your own S3, databases, ingress; for the stack kubernetes."
)
def stack_up(name: str, namespace: str, settings: Path | None) -> None:
    """Register the stack NAME and make it the active one of this repository; `kubernetes` is installed first."""
    from app.stack import up

    up(ROOT, name, namespace, settings, click.echo)


@stack.command("down")
@click.argument("name")
@click.option("--namespace", default="switchyard", show_default=True)
@click.option("--yes", is_flag=True, help="Delete data too, without asking.")
@click.option("--keep-data", is_flag=True, help="Keep volumes and secrets, without asking.")
def stack_down(name: str, namespace: str, yes: bool, keep_data: bool) -> None:
    """Remove what `stack up kubernetes` installed."""
    from app.stack import down

    down(ROOT, name, namespace, True if yes else False if keep_data else None, click.echo, click.confirm)


@cli.command()
@click.option("--zenml-port", default=8237, show_default=True)
@click.option("--mlflow-port", default=5001, show_default=True)
@click.option("--evidently-port", default=8001, show_default=True)
@click.option("--stop", is_flag=True, help="Stop them, and what `prometheus` started.")
def dashboard(zenml_port: int, mlflow_port: int, evidently_port: int, stop: bool) -> None:
    """Start the ZenML dashboard, the MLflow UI and Evidently's windows on loopback and print their addresses."""
    from app.dashboards import start, stop_all

    if stop:
        stop_all()
    else:
        start(ROOT, zenml_port, mlflow_port, evidently_port)


@cli.command()
@click.option("--exporter-port", default=9108, show_default=True, help="Of the page with the pipelines' metrics and what is deployed.")
@click.option("--prometheus-port", default=9090, show_default=True)
def prometheus(exporter_port: int, prometheus_port: int) -> None:
    """Write Prometheus' configuration for what is deployed here, and start it on loopback where it is installed."""
    from app.dashboards import start_prometheus

    start_prometheus(ROOT, exporter_port, prometheus_port)


def main() -> None:
    """Run the command line; a user's mistake ends in one line and its exit code, never in a traceback."""
    try:
        cli(standalone_mode=False)
    except SwitchyardError as error:
        click.secho(f"error: {error}", fg="red", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.secho("stopped; the same command continues where this one was", fg="yellow", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
