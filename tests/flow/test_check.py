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
    assert check(tmp_path) == (0, "no file, defaults: 0 errors, 0 warnings, 0 APIs, 0 policies\n")
    assert not list(tmp_path.iterdir())


def test_errors_exit_with_one(tmp_path: Path) -> None:
    write(tmp_path, "tyk.conf", '{\n"listen_port": "x",\n"listen_prot": 1}')
    code, text = check(tmp_path, "--conf", "tyk.conf", TYK_GW_HASHKEYS="maybe")
    assert code == 1
    assert text.splitlines() == [
        'error: tyk.conf:2: listen_port: expected a number, found "x"',
        'error: TYK_GW_HASHKEYS: hash_keys: expected true or false, found "maybe"',
        "warning: tyk.conf:3: listen_prot: unknown setting; did you mean listen_port?",
        "tyk.conf: 2 errors, 1 warning, 0 APIs, 0 policies",
    ]


def test_warnings_alone_exit_with_zero_unless_strict(tmp_path: Path) -> None:
    write(tmp_path, "tyk.conf", {"enable_jsvm": True})
    code, text = check(tmp_path)
    assert code == 0 and text.splitlines() == [
        "warning: tyk.conf:2: enable_jsvm: known, but not honoured yet",
        "tyk.conf: 0 errors, 1 warning, 0 APIs, 0 policies",
    ]
    assert check(tmp_path, "--strict")[0] == 1


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    code, text = check(tmp_path, "--conf", "no/where.conf")
    assert code == 1 and text.startswith("error: no/where.conf: cannot be read: No such file or directory\n")


def test_what_would_keep_a_node_from_starting_is_an_error(tmp_path: Path) -> None:
    urls = {"enabled": True, "custom_patterns": ["("]}
    write(tmp_path, "tyk.conf", {"error_overrides": {"abc": []}, "analytics_config": {"normalise_urls": urls}})
    code, text = check(tmp_path)
    assert code == 1 and text.splitlines() == [
        'error: error_overrides: abc: is neither a status nor a class of statuses (such as "503" or "5xx")',
        "error: analytics_config.normalise_urls.custom_patterns: '(' is not an expression: missing ): ("
        " (see RE2's syntax)",
        "tyk.conf: 2 errors, 0 warnings, 0 APIs, 0 policies",
    ]


def test_json(tmp_path: Path) -> None:
    write(tmp_path, "tyk.conf", '{"listen_port": 70000}')
    code, text = check(tmp_path, "--json")
    assert code == 1
    assert json.loads(text) == {
        "file": "tyk.conf",
        "apis": 0,
        "policies": 0,
        "errors": [
            {
                "where": "tyk.conf:1: listen_port",
                "what": "expected a number from 0 to 65535, found 70000",
                "hint": "",
            }
        ],
        "warnings": [],
    }


def definition(api_id: str, listen_path: str, **more: Any) -> dict[str, Any]:
    target = {"listen_path": listen_path, "target_url": "http://127.0.0.1:1/"}
    data = {"not_versioned": True, "versions": {"Default": {"name": "Default"}}}
    return {"api_id": api_id, "name": api_id, "proxy": target, "version_data": data} | more


def test_definitions_and_policies_are_read_too(tmp_path: Path) -> None:
    lists = {"white_list": [{"path": "(?=x)", "method_actions": {}}]}
    version = {"name": "Default", "use_extended_paths": True, "extended_paths": lists}
    write(tmp_path, "tyk.conf", {"listen_port": 0.5, "policies": {"policy_record_name": "policies.json"}})
    write(tmp_path, "policies.json", {"good": {}, "bad": {"rate": "x"}})
    write(tmp_path, "apps/broken.json", '{"api_id": ')
    write(tmp_path, "apps/good.json", definition("good", "/good/"))
    write(tmp_path, "apps/nowhere.json", definition("nowhere", ""))
    write(tmp_path, "apps/closed.json", definition("closed", "/closed/", version_data={"not_versioned": True}))
    write(tmp_path, "apps/one.json", definition("one", "/same"))
    write(tmp_path, "apps/two.json", definition("two", "/same"))
    data = {"not_versioned": True, "versions": {"Default": version}}
    write(tmp_path, "apps/pattern.json", definition("pattern", "/p/", version_data=data))
    code, text = check(tmp_path)
    assert code == 1
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    assert [line.split(": ")[1] for line in errors] == [
        "tyk.conf:2",
        "apps/broken.json",
        "apps/pattern.json",
        "policies.json",
    ]
    assert "warning: apps/nowhere.json: listen_path: loaded, but not served: the listen path is empty" in text
    assert (
        "warning: apps/two.json: listen_path: /same is wanted by several APIs; this one is served at /same-two" in text
    )
    assert "warning: apps/closed.json: version_data.versions: every request is refused: No default API version" in text
    assert text.endswith("tyk.conf: 4 errors, 4 warnings, 5 APIs, 1 policy\n")


def test_a_rewrite_that_re2_refuses_is_warned_of(tmp_path: Path) -> None:
    rewrites = [{"path": "/a", "method": "GET", "match_pattern": "(", "rewrite_to": "/b"}]
    version = {"name": "Default", "use_extended_paths": True, "extended_paths": {"url_rewrites": rewrites}}
    data = {"not_versioned": True, "versions": {"Default": version}}
    write(tmp_path, "apps/one.json", definition("one", "/one/", version_data=data))
    code, text = check(tmp_path)
    assert code == 0 and text.startswith("warning: one: /a: URL rewrite refused: error parsing regexp: missing )")


def test_unknown_fields_of_definitions_are_warned_of(tmp_path: Path) -> None:
    write(tmp_path, "apps/one.json", definition("one", "/one/", allowed_ip=["192.0.2.1"]))
    code, text = check(tmp_path)
    assert code == 0
    assert text.startswith("warning: apps/one.json: allowed_ip: unknown field; did you mean allowed_ips?\n")


def test_a_named_folder_that_is_missing_is_warned_of(tmp_path: Path) -> None:
    code, text = check(tmp_path, TYK_GW_APPPATH="elsewhere")
    assert code == 0 and text.startswith("warning: app_path: there is no folder elsewhere, so there are no APIs\n")


def test_certificates_of_the_listener_are_read_too(tmp_path: Path) -> None:
    options = {"use_ssl": True, "certificates": [{"cert_file": "gone.pem", "key_file": "gone.key"}]}
    write(tmp_path, "tyk.conf", {"http_server_options": options})
    code, text = check(tmp_path)
    assert code == 1 and "gone.pem" in text


def test_checking_leaves_nothing_behind(tmp_path: Path) -> None:
    write(tmp_path, "tyk.conf", {})
    check(tmp_path)
    assert [place.name for place in tmp_path.iterdir()] == ["tyk.conf"]


def test_unknown_fields_of_policies_are_named_by_file_and_policy(tmp_path: Path) -> None:
    write(tmp_path, "tyk.conf", {"policies": {"policy_path": "policies"}})
    write(tmp_path, "policies/gold.json", {"id": "gold-1", "qouta_max": 5})
    write(tmp_path, "policies/plain.json", {"quota_max": 5})
    expected = "warning: policies/gold.json: gold-1: qouta_max: unknown field; did you mean quota_max?"
    code, text = check(tmp_path)
    assert (code, expected in text.splitlines()) == (0, True)
    assert "plain.json" not in text

    write(tmp_path, "tyk.conf", {"policies": {"policy_record_name": "policies.json"}})
    write(tmp_path, "policies.json", {"silver": {"id": "other", "acces_rights": {}}})
    text = check(tmp_path)[1]
    assert "warning: policies.json: silver: acces_rights: unknown field; did you mean access_rights?" in text
