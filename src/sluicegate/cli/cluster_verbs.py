"""The verbs for what the cluster shares; part of the face of the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import click

_conf = click.option(
    "--conf",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Configuration file of a node: it says which store. Without it: as for start.",
)


@click.command()
@_conf
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--prune", is_flag=True, help="Remove what the directory does not have, of the kinds that it has a place for."
)
@click.option("--dry-run", is_flag=True, help="Write nothing; exit with 3 if something would change.")
def apply(conf: Path | None, directory: Path, prune: bool, dry_run: bool) -> None:
    """Bring the definitions, policies and settings of a directory into the cluster, in one step.

    Exits with 1 if something is refused, with 4 if others are writing.
    """
    from sluicegate.cli.apply import apply as run

    sys.exit(run(conf, directory, prune=prune, dry_run=dry_run))


@click.command()
@_conf
@click.argument("old", metavar="DIRECTORY|GENERATION")
@click.argument("new", metavar="[GENERATION]", required=False, type=click.IntRange(0))
def diff(conf: Path | None, old: str, new: int | None) -> None:
    """Show how a directory differs from the cluster, or how generations differ.

    Exits with 3 if there are differences.
    """
    from sluicegate.cli.diff import diff as run

    sys.exit(run(conf, old, new))


@click.command()
@_conf
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--generation", metavar="N", type=click.IntRange(0), help="An earlier generation. Default: now.")
def dump(conf: Path | None, directory: Path, generation: int | None) -> None:
    """Write what the cluster shares to a directory, as apply reads it."""
    from sluicegate.cli.dump import dump as run

    sys.exit(run(conf, directory, generation))


@click.command()
@_conf
@click.option("--limit", metavar="N", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
def history(conf: Path | None, limit: int, as_json: bool) -> None:
    """Show who changed what in the cluster, and when; the latest first."""
    from sluicegate.cli.history import history as run

    sys.exit(run(conf, limit=limit, as_json=as_json))


@click.command()
@_conf
@click.argument("generation", type=click.IntRange(0))
def rollback(conf: Path | None, generation: int) -> None:
    """Bring back what the cluster shared at an earlier generation, as a new one."""
    from sluicegate.cli.rollback import rollback as run

    sys.exit(run(conf, generation))


@click.command()
@_conf
def restore(conf: Path | None) -> None:
    """Write the snapshot of a node back to a store that was emptied, or lost a part of what it held.

    Exits with 4 if the store holds a whole configuration.
    """
    from sluicegate.cli.restore import restore as run

    sys.exit(run(conf))


VERBS = (apply, diff, dump, history, restore, rollback)
