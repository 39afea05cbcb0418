"""The lines of docs/oauth.md do what the page says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.gateway import SECRET, Gateway
from tests.upstreams import Upstream

PAGE = Path(__file__).parents[2] / "docs/oauth.md"


def test_each_line_shows_what_it_says(tmp_path: Path, upstream: Upstream) -> None:
    script = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL))
    (tmp_path / "policies").mkdir()
    conf = {
        "hash_key_function": "murmur64",
        "policies": {"policy_source": "file", "policy_path": str(tmp_path / "policies")},
    }
    with Gateway(tmp_path, conf=conf) as gateway:
        environ = {
            **os.environ,
            "GATEWAY": f"http://127.0.0.1:{gateway.port}",
            "SECRET": SECRET,
            "UPSTREAM": upstream.url,
        }
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script], env=environ, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert [line.split('"')[7] for line in said[:2]] == ["ok", "ok"]
    assert '"client_id":"shelf"' in said[2]
    assert said[3] == "client: 200"
    query = "response_type=code&client_id=shelf&state=abc"
    assert said[4] == f"browser: 307 https://login.example.com/?{query}"
    assert re.fullmatch(r"back: https://shelf\.example\.com/back\?code=[\w-]{22}&state=abc", said[5])
    assert said[6:9] == ["user: 200", "old: 403", "new: 200"]
    assert '"action":"added"' in said[9]
    assert said[10] == "password: 200"
    assert re.fullmatch(
        r"https://shelf\.example\.com/back#access_token=[\w=]+&expires_in=3600&token_type=bearer", said[11]
    )
    assert [line.split('"')[7] for line in said[12:14]] == ["token revoked successfully", "tokens revoked successfully"]
    assert said[14] == "[]"
    assert said[15] == '{"key":"shelf","status":"ok","action":"deleted"}'
    assert len(said) == 16
