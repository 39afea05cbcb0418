"""Hosts that can be cut off from each other: each has a network namespace of its own, with a cable to one switch.

The switch is in a namespace that this process moves into, and each host's lives as long as a process that waits for the
end of its input. So all of it vanishes with this process, however that ends. Cutting a host off takes its cable out of
the switch: packets vanish, and nobody is told.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass

CLONE_NEWNET = 0x40000000
SUBNET = "10.77.0"
OWN_ADDRESS = f"{SUBNET}.254"


class CannotPart(Exception):
    """Hosts cannot have networks of their own here; says why."""


@dataclass(frozen=True)
class Host:
    """Where processes run: `enter` is put before their command lines."""

    name: str
    address: str
    enter: tuple[str, ...] = ()


class OneMachine:
    """Hosts that are no more than addresses of this machine; nobody can be cut off."""

    can_cut = False

    def __init__(self) -> None:
        self._count = 0

    def host(self, _name: str) -> Host:
        """Return a new host."""
        self._count += 1
        return Host(_name, f"127.77.0.{self._count}")

    def close(self) -> None:
        """There is nothing to be taken away."""


class Switch:
    """Hosts with a cable each. Raises CannotPart."""

    can_cut = True

    def __init__(self) -> None:
        _move_into_a_network_of_its_own()
        self._cables: dict[str, str] = {}
        self._open = ExitStack()
        _ip("link set lo up")
        _ip("link add switch type bridge forward_delay 0")
        _ip(f"address add {OWN_ADDRESS}/24 dev switch")
        _ip("link set switch up")

    def host(self, name: str) -> Host:
        """Return a new host with its cable in the switch."""
        cable, address = f"cable{len(self._cables)}", f"{SUBNET}.{len(self._cables) + 1}"
        line = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec cat"]
        keeper = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._open.callback(_end, keeper)
        assert keeper.stdout is not None
        if keeper.stdout.readline() != b"ready\n":
            raise CannotPart("`unshare --net` does not work")
        enter = ("nsenter", "--target", str(keeper.pid), "--net")
        _ip(f"link add {cable} type veth peer name eth0 netns {keeper.pid}")
        _ip(f"link set {cable} master switch up")
        _ip(f"address add {address}/24 dev eth0", *enter)
        _ip("link set eth0 up", *enter)
        self._cables[name] = cable
        return Host(name, address, enter)

    def cut(self, host: Host) -> None:
        """Cut a host off from all others."""
        _ip(f"link set {self._cables[host.name]} nomaster")

    def join(self, host: Host) -> None:
        """Put it back."""
        _ip(f"link set {self._cables[host.name]} master switch")

    def close(self) -> None:
        """Take all hosts away."""
        self._open.close()


Network = OneMachine | Switch


def _move_into_a_network_of_its_own() -> None:
    missing = [name for name in ("ip", "unshare", "nsenter") if shutil.which(name) is None]
    if missing:
        raise CannotPart(f"{', '.join(missing)} not found (Debian packages iproute2 and util-linux)")
    if os.geteuid() != 0:
        raise CannotPart("only root may make network namespaces")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise CannotPart(f"no network namespaces here: {os.strerror(ctypes.get_errno())}")


def _ip(words: str, *enter: str) -> None:
    done = subprocess.run([*enter, "ip", *words.split()], capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotPart(f"ip {words}: {done.stderr.strip()}")


def _end(keeper: subprocess.Popen[bytes]) -> None:
    keeper.communicate()
