"""`init`: a folder of one's own, with a config, CI and a run.py that calls the installed Switchyard."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from app.names import name_of
from switchyard.tabular.errors import InputError

_CONFIG = """# yaml-language-server: $schema=schema.json
# Made-up loan applications, to see that all works: put your own table in their place.
# python run.py look --data FILE --target COLUMN --save configs/NAME.yaml writes a config for it.
name: {name}
goal: Say at application time which loans will default, so that an officer looks at the risky ones first.

data:
  source: builtin:loans?rows=3000
  target: defaulted
  time_column: application_date

tuning:
  budget_s: 30
"""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--data", help="Your table: PATH, URL, builtin:NAME or openml:NAME; else made-up loans.")
@click.option("--target", help="The column to predict; goes with --data.")
@click.option("--from", "source", help="Git address that pip installs Switchyard from; else that of this clone, or its folder.")
def COMMAND(folder: Path, data: str | None, target: str | None, source: str | None) -> None:
    """Make FOLDER: configs, plugins, tests, CI files, and a run.py of its own.

    Every command works from there and writes reports and documents there, not into the product's clone.
    """
    from app.own_folder import contents, write_folder
    from app.requirement import is_by_git, requirement_of

    if (data is None) != (target is None):
        raise InputError("--data and --target go together: the table, and the column to predict")
    name = name_of(data) if data else name_of(folder.resolve().name)
    config = f"configs/{name}.yaml"
    text = _looked_at(name, data, target, folder) if data and target else _CONFIG.format(name=name)
    found = requirement_of(source)
    write_folder(folder, {**contents(folder.resolve().name, config, found), config: text}, config, found)
    click.echo(f"folder   {folder}: {config}, plugins/, tests/, CI files, run.py")
    if not is_by_git(found):
        named = f"{found}, of a package index of yours" if found.startswith("switchyard==") else "this clone's folder"
        click.echo(f"install  requirements.txt names {named}; CI wants an address: --from https://... with init")
    click.echo(f"next     cd {shlex.quote(str(folder))} && git init --quiet && python run.py training --config {config}")


def _looked_at(name: str, data: str, target: str, folder: Path) -> str:
    """The config that says what `look` makes of the table."""
    from app.saving import check_place
    from switchyard.tabular.config.problem import problem_from
    from switchyard.tabular.look import config_of, look_at

    check_place("init --data", folder / "configs" / f"{name}.yaml", data)
    local = Path(data).expanduser()
    place = str(local.resolve()) if local.exists() else data
    click.echo(f"look     reading {data}")
    settings = {"name": name, "data": {"source": place, "target": target}}
    return "# yaml-language-server: $schema=schema.json\n" + config_of(look_at(problem_from(settings, "the command line")))
