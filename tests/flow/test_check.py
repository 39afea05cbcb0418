"""`sluicegate check`, run as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SLUICEGATE = Path(sys.executable).with_name("sluicegate")


def check(folder: Path, *arguments: str, **environ: str) -> tuple[int, str]:
    """Run it in a folder; return the exit code and what it wrote."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TYK_")}
    command = [str(SLUICEGATE), "check", *arguments]
    done = subprocess.run(command, cwd=folder, env=clean | environ, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def write(folder: Path, name: str, document: Any) -> None:
    place = folder / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(document if isinstance(document, str) else json.dumps(document, indent=1))


def test_nothing_at_all_is_fine(tmp_path: Path) -> None:
    assert check(tmp_path) == (0, "no file, defaults: 0 errors, 0 warnings\n")
    assert not list(tmp_path.iterdir())


def test_errors_exit_with_one(tmp_path: Path) -> None:
    write(tmp_path, "tyk.conf", '{\n"listen_port": "x",\n"listen_prot": 1}')
    code, text = check(tmp_path, "--conf", "tyk.conf", TYK_GW_HASHKEYS="maybe")
    assert code == 1
    assert text.splitlines() == [
        'error: tyk.conf:2: listen_port: expected a number, found "x"',
        'error: TYK_GW_HASHKEYS: hash_keys: expected true or false, found "maybe"',
        "warning: tyk.conf:3: listen_prot: unknown setting; did you mean listen_port?",
        "tyk.conf: 2 errors, 1 warning",
    ]


def test_warnings_alone_exit_with_zero_unless_strict(tmp_path: Path) -> None:
    write(tmp_path, "tyk.conf", {"enable_jsvm": True})
    assert check(tmp_path) == (
        0,
        "warning: tyk.conf:2: enable_jsvm: known, but not honoured yet\ntyk.conf: 0 errors, 1 warning\n",
    )
    assert check(tmp_path, "--strict")[0] == 1


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    code, text = check(tmp_path, "--conf", "no/where.conf")
    assert code == 1 and text.startswith("error: no/where.conf: cannot be read: No such file or directory\n")


def test_json(tmp_path: Path) -> None:
    write(tmp_path, "tyk.conf", '{"listen_port": 70000}')
    code, text = check(tmp_path, "--json")
    assert code == 1
    assert json.loads(text) == {
        "file": "tyk.conf",
        "errors": [
            {
                "where": "tyk.conf:1: listen_port",
                "what": "expected a number from 0 to 65535, found 70000",
                "hint": "",
            }
        ],
        "warnings": [],
    }
