"""Load on a gateway, by wrk, while something happens to it.

with Load(url) as load:
    …
assert load.result.failed == 0
"""

from __future__ import annotations

import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.wire import PATIENCE_S

LONGEST_S = 55

# Counts every answer that is not 200: wrk itself counts only those from 400 on.
SCRIPT = """\
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init() bad = 0; first = "" end
function response(status, headers, body)
    if status ~= 200 then bad = bad + 1; first = status .. " " .. body end
end
function done(summary)
    local errors, bad, first = summary.errors, 0, ""
    for _, thread in ipairs(threads) do
        bad = bad + thread:get("bad")
        if thread:get("first") ~= "" then first = thread:get("first") end
    end
    io.write(string.format("RESULT %d %d %d %d %d %d\\n", summary.requests, bad,
        errors.connect, errors.read, errors.write, errors.timeout))
    io.write("FIRST " .. first .. "\\n")
end
"""


@dataclass(frozen=True)
class Result:
    """What came of it: requests that were answered, answers that were not 200, what else went wrong, a bad answer."""

    requests: int
    bad: int
    errors: int
    example: str

    @property
    def failed(self) -> int:
        return self.bad + self.errors


class Load:
    """Requests to one URL over kept connections, until the block ends."""

    result: Result

    def __init__(self, folder: Path, url: str, *, method: str = "GET", connections: int = 40) -> None:
        script = folder / f"{method}.lua"
        script.write_text(f'wrk.method = "{method}"\n{SCRIPT}')
        self.line = ["wrk", "-t2", f"-c{connections}", f"-d{LONGEST_S}s", f"--timeout={int(PATIENCE_S)}s"]
        self.line += ["-s", str(script), url]

    def __enter__(self) -> Load:
        self.process = subprocess.Popen(self.line, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=PATIENCE_S)
        found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)\nFIRST (.*)", said)
        assert found is not None, said
        requests, bad, *errors = (int(number) for number in found.groups()[:6])
        self.result = Result(requests, bad, sum(errors), found[7])
