"""`sluicegate verify` on a cluster that is there: nothing of it is left behind, however it ends."""

from __future__ import annotations

import signal
from functools import partial
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

import click

from sluicegate.cli.demo.traffic import Traffic
from sluicegate.cli.verify import checks, faults
from sluicegate.cli.verify.checks import Trial
from sluicegate.cli.verify.hands import Hands
from sluicegate.cli.verify.report import NOT_STARTED, Check, Failed, NotTested, Result, run_check, told
from sluicegate.cli.verify.specimen import PATH, Specimen
from sluicegate.cli.verify.target import Target
from sluicegate.errors import ConfigError


def verify(target: Target, front: str, hands: Hands, *, strict: bool, as_json: bool) -> int:
    """Run the checks, print what came of them, and return the exit status.

    front: URL of the balancer that the traffic goes to; "": it goes to the nodes in turn.
    """
    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, _stop)
    run = Run(Trial(target, Specimen(target), front.rstrip("/")), hands)
    try:
        check_front(front)
        run.trial.specimen.check_alone()
        run.run()
    except (ConfigError, OSError) as error:
        click.echo(str(error), err=True)
        return NOT_STARTED
    except KeyboardInterrupt:
        told(run.results, strict=strict, as_json=as_json)
        return NOT_STARTED
    return told(run.results, strict=strict, as_json=as_json)


def check_front(url: str) -> None:
    """Raise ConfigError for what is not the URL of a balancer."""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/")):
        raise ConfigError("--front", f'"{url}" is not scheme, host and port', "write http://host:port")


class Run:
    """The checks, one after the other."""

    def __init__(self, trial: Trial, hands: Hands) -> None:
        self.trial, self._hands = trial, hands
        self.results: list[Result] = []

    def run(self) -> None:
        """Make them; what the operator's hands do is left out when anything is wrong before."""
        trial, hands = self.trial, self._hands
        is_whole = self._check("the nodes agree", partial(checks.members_agree, trial))
        self._check("the store can fail over", partial(checks.stores_can_fail_over, trial), is_wanted=is_whole)
        try:
            is_served = self._check("add an API", partial(checks.add_an_api, trial), is_wanted=is_whole)
            self._check_under_traffic(hands, is_served=is_served)
        except BaseException:
            self._leave_nothing()
            raise
        self._check("remove it again", partial(checks.remove_it_again, trial), is_wanted=is_whole)

    def _check_under_traffic(self, hands: Hands, *, is_served: bool) -> None:
        trial = self.trial
        harmless: dict[str, Check] = {
            "change the configuration": partial(checks.change_configuration, trial),
            "keys are shared": partial(checks.keys_are_shared, trial),
            "limits are shared": partial(checks.limits_are_shared, trial),
        }
        hurting: dict[str, Check] = {
            "stop a node": partial(faults.stop_a_node, trial, hands),
            "lose the Redis master": partial(faults.lose_the_master, trial, hands),
        }
        if not is_served:
            for name, check in (harmless | hurting).items():
                self._check(name, check, is_wanted=False)
            return
        urls = [trial.front] if trial.front else trial.places
        with Traffic(urls, [PATH], trial.specimen.key) as traffic:
            for name, check in harmless.items():
                self._check(name, check, traffic)
            for name, check in hurting.items():
                self._check(name, check, traffic, is_wanted=all(one.passed is not False for one in self.results))

    def _check(self, name: str, check: Check, traffic: Traffic | None = None, *, is_wanted: bool = True) -> bool:
        """Make a check, and return whether it was passed."""
        result = run_check(name, check if is_wanted else _not_now, traffic)
        self.results.append(result)
        return result.passed is True

    def _leave_nothing(self) -> None:
        try:
            self.trial.specimen.remove()
        except Failed as error:
            click.echo(str(error), err=True)


def _not_now() -> tuple[float, str]:
    raise NotTested("something before it has failed")


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """End on a signal as on Ctrl-C."""
    raise KeyboardInterrupt
