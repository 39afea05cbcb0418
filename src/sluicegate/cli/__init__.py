"""The command line: its whole face is here and in the files `*_verb(s)`, what a verb does is in the file of its name.

A verb's file is imported when it is called and not before, so that `--help` and `version` answer at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from sluicegate import __version__
from sluicegate.cli.cluster_verbs import VERBS
from sluicegate.cli.verify_verb import verify

_conf = click.option(
    "--conf",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Configuration file. Without it: tyk.conf here, else /etc/tyk/tyk.conf, else none.",
)
_url = click.option("--url", metavar="URL", help="Admin API of any node. Default: that of the node --conf describes.")
_secret = click.option("--secret", metavar="TEXT", help="Of the admin API. Default: TYK_GW_SECRET, else the settings'.")
_port = click.IntRange(1, 65535)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """Sluicegate, an API gateway that speaks Tyk."""


@main.command()
@_conf
@click.option("--port", metavar="N", type=click.IntRange(1, 65535), help="Port to listen on, in place of listen_port.")
@click.option(
    "--workers", metavar="N", type=click.IntRange(1, 1024), help="Worker processes. Default: one a processor."
)
def start(conf: Path | None, port: int | None, workers: int | None) -> None:
    """Serve traffic in the foreground.

    SIGTERM drains and ends, SIGHUP reloads definitions and policies.
    """
    from sluicegate.cli.start import start as run

    sys.exit(run(conf, port, workers))


@main.command()
@_conf
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings too.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
def check(conf: Path | None, strict: bool, as_json: bool) -> None:
    """Say what is wrong with settings, definitions and policies.

    Exits with 1 if there are errors, with 0 if there are warnings alone.
    """
    from sluicegate.cli.check import check as run

    sys.exit(run(conf, os.environ, strict=strict, as_json=as_json))


@main.command()
@_conf
def records(conf: Path | None) -> None:
    """Show the analytics records of a node on the embedded store, oldest first, one JSON object a line."""
    from sluicegate.cli.records import records as run

    sys.exit(run(conf))


@main.command()
@_conf
@click.option("--ready", is_flag=True, help="Ask whether it may get traffic.")
def hello(conf: Path | None, ready: bool) -> None:
    """Ask the node on this machine how it is, and exit with 0 if it is well."""
    from sluicegate.cli.hello import hello as run

    sys.exit(run(conf, ready=ready))


@main.command()
@_url
@_secret
@_conf
@click.option("--watch", is_flag=True, help="Show it live, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
def status(url: str | None, secret: str | None, conf: Path | None, watch: bool, as_json: bool) -> None:
    """Show the nodes of the cluster.

    Exits with 0 if all serve the same, with 1 if not, with 2 if nobody can be asked.
    """
    from sluicegate.cli.status import status as run

    sys.exit(run(url, secret, conf, watch=watch, as_json=as_json))


@main.command()
@click.argument("program", type=click.Choice(("nginx", "haproxy", "caddy")))
@click.option("--listen", metavar="PORT", type=_port, default=80, show_default=True, help="Port for clients.")
@click.option("--nodes", metavar="URL,URL=WEIGHT…", help="Where the nodes listen. Default: those that are there now.")
@_url
@_secret
@_conf
@click.option(
    "--algorithm",
    type=click.Choice(("round_robin", "weighted", "ip_hash", "least_conn")),
    help="Who gets the next request. Default: weighted if there are weights, else round_robin.",
)
@click.option(
    "--check",
    metavar="PATH",
    default="/ready?store=optional",
    show_default=True,
    help="Asked for the health of nodes.",
)
@click.option("--check-port", metavar="PORT", type=_port, help="Port for that: the nodes' control_api_port.")
@click.option("--accept-proxy", is_flag=True, help="Clients come through something that speaks the PROXY protocol.")
@click.option("--send-proxy", is_flag=True, help="Speak it to nodes, for sluicegate.proxy_protocol.")
@click.option(
    "--ca",
    metavar="FILE",
    default="",
    help="Who has signed the certificates of nodes with https. Default: the system's.",
)
@click.option("--server-name", metavar="NAME", default="", help="Which they are for. Default: the hosts of --nodes.")
@click.option("--no-verify", is_flag=True, help="Do not verify them.")
def lb(
    program: str,
    listen: int,
    nodes: str | None,
    url: str | None,
    secret: str | None,
    conf: Path | None,
    algorithm: str | None,
    check: str,
    check_port: int | None,
    accept_proxy: bool,
    send_proxy: bool,
    ca: str,
    server_name: str,
    no_verify: bool,
) -> None:
    """Print the configuration of a balancer in front of several nodes."""
    from sluicegate.cli.fronts.front import read_nodes
    from sluicegate.cli.lb import lb as run
    from sluicegate.cli.lb import live_nodes

    status = run(
        program,
        lambda: read_nodes(nodes) if nodes is not None else live_nodes(url, secret, conf),
        algorithm,
        listen_port=listen,
        check_path=check,
        check_port=check_port,
        accept_proxy=accept_proxy,
        send_proxy=send_proxy,
        ca=ca,
        server_name=server_name,
        verified=not no_verify,
    )
    sys.exit(status)


@main.command()
@click.option("--nodes", metavar="N", type=click.IntRange(1, 9), default=3, show_default=True, help="How many.")
@click.option("--seconds", metavar="N", type=click.FloatRange(0), help="End after so long.")
@click.option("--script", metavar="KEYS", help="Press these keys, such as k,r,c, one after the other; then end.")
def demo(nodes: int, seconds: float | None, script: str | None) -> None:
    """Show a cluster on this machine, under traffic, with keys to hurt it.

    Exits with 0 if no request failed.
    """
    from sluicegate.cli.demo.run import demo as run

    sys.exit(run(nodes, seconds, script))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
def version(as_json: bool) -> None:
    """Show versions of the gateway and of what it runs on."""
    from sluicegate.cli.version import version as run

    run(as_json=as_json)


for _verb in (*VERBS, verify):
    main.add_command(_verb)
