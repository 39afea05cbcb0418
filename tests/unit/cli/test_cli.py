import json
import subprocess
import sys

from click.testing import CliRunner

from sluicegate import __version__
from sluicegate.cli import main


def test_help_names_each_verb_and_what_it_does() -> None:
    text = CliRunner().invoke(main, ["--help"]).output
    assert all(verb in text for verb in ("start", "Serve traffic", "check", "status", "version"))


def test_an_unknown_verb_is_refused() -> None:
    result = CliRunner().invoke(main, ["zork"])
    assert result.exit_code == 2 and "No such command 'zork'" in result.output


def test_versions() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"{__version__}\n"
    assert CliRunner().invoke(main, ["version"]).output.startswith(f"Release version: {__version__}\n")
    document = json.loads(CliRunner().invoke(main, ["version", "--json"]).output)
    assert document["Version"] == __version__ and document["Python"]["Os"] == sys.platform


def test_the_verbs_are_imported_only_when_they_are_called() -> None:
    code = "import sys, sluicegate.cli; print(*(m for m in sys.modules if m.startswith('sluicegate')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    face = {"sluicegate", "sluicegate.cli", "sluicegate.cli.cluster_verbs", "sluicegate.cli.verify_verb"}
    assert set(loaded.split()) == face, "only their face"
