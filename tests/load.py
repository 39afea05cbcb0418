"""Load on a gateway, by wrk, while something happens to it.

with Load(url) as load:
    …
assert load.result.failed == 0
"""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.wire import PATIENCE_S

LONGEST_S = 55

COUNT = Path(__file__).parents[1] / "examples/first-cluster/count.lua"
SAID = re.compile(
    r"answers: (\d+), not 200: (\d+); socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)\n"
    r"(?:such as: (.*))?"
)


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

    def __init__(
        self,
        folder: Path,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] = MappingProxyType({}),
        threads: int = 2,
        connections: int = 40,
    ) -> None:
        script = folder / f"{method}.lua"
        script.write_text(f'wrk.method = "{method}"\n{COUNT.read_text()}')
        self.line = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{LONGEST_S}s", f"--timeout={int(PATIENCE_S)}s"]
        self.line += [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
        self.line += ["-s", str(script), url]

    def __enter__(self) -> Load:
        self.process = subprocess.Popen(self.line, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=PATIENCE_S)
        found = SAID.search(said)
        assert found is not None, said
        requests, bad, *errors = (int(number) for number in found.groups()[:6])
        self.result = Result(requests, bad, sum(errors), found[7] or "")
