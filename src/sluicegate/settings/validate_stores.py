"""Checks of the blocks that lead to a Redis: settings that contradict each other, and such as do nothing."""

from __future__ import annotations

from sluicegate.settings.draft import Draft
from sluicegate.settings.findings import Findings
from sluicegate.settings.store_addresses import from_addrs, from_hosts

_SWITCHES = {
    "cache_storage": "enable_separate_cache_store",
    "analytics_storage": "enable_separate_analytics_store",
}
_PLACES = ("host", "hosts", "addrs")
_TLS_FILES = ("ca_file", "cert_file", "key_file")


def check_stores(draft: Draft, findings: Findings) -> None:
    """Check what was set for each store."""
    shared = draft.get("storage.type") == "redis"
    if draft.get("cluster.enabled") and not shared:
        what = "a cluster needs a store that all its nodes reach"
        findings.warn(draft.where("cluster.enabled"), what, "set storage.type to redis")
    if shared:
        _Block("storage", draft, findings).check()
    elif not draft.get("storage.type"):
        _Block("storage", draft, findings).warn_unused("the embedded store is used", "set storage.type to redis")
    for name, switch in _SWITCHES.items():
        block = _Block(name, draft, findings)
        if draft.get(switch):
            block.check_separate()
        else:
            block.warn_unused("it is not used", f"set {switch}")


class _Block:
    """One block of the settings."""

    def __init__(self, name: str, draft: Draft, findings: Findings) -> None:
        self.name, self.draft, self.findings = name, draft, findings

    def get(self, field: str) -> object:
        return self.draft.get(f"{self.name}.{field}")

    def where(self, field: str) -> str:
        return self.draft.where(f"{self.name}.{field}")

    def error(self, field: str, what: str, hint: str = "") -> None:
        self.findings.error(self.where(field), what, hint)

    def warn(self, field: str, what: str, hint: str = "") -> None:
        self.findings.warn(self.where(field), what, hint)

    @property
    def place(self) -> str:
        """The field that says where the Redis is; empty when none was set."""
        return next((field for field in _PLACES if self.draft.values.get(f"{self.name}.{field}")), "")

    def warn_unused(self, consequence: str, hint: str) -> None:
        if self.place:
            self.warn(self.place, f"names a Redis, but {consequence}", hint)

    def check_separate(self) -> None:
        if self.get("type") == "embedded":
            self.error("type", "a separate store must be redis")
        elif not self.place:
            what = f"no Redis is named in {self.name}: localhost:6379 is used"
            self.findings.warn(self.draft.where(_SWITCHES[self.name]), what)
        self.check()

    def check(self) -> None:
        self._check_topology(self._count_addresses())
        self._check_sign_in()
        self._check_tls()

    def _count_addresses(self) -> int:
        """Check the addresses, and return how many there are."""
        addrs, hosts = self.draft.get(f"{self.name}.addrs"), self.draft.get(f"{self.name}.hosts")
        if addrs and hosts:
            self.warn("hosts", "has no effect beside addrs")
        field = "addrs" if addrs else "hosts"
        try:
            return len(from_addrs(addrs) if addrs else from_hosts(hosts)) or 1
        except ValueError as error:
            self.error(field, str(error), "write host:port")
            return len(addrs or hosts)

    def _check_topology(self, addresses: int) -> None:
        if self.get("master_name"):
            if self.get("enable_cluster"):
                what = "either Sentinels watch a master (master_name), or there is a Redis Cluster (enable_cluster)"
                self.error("master_name", what, "leave out one of them")
            if not self.place:
                self.error("master_name", "names a master, but there are no Sentinels", "list them in addrs")
            return
        if self.get("sentinel_password"):
            self.warn("sentinel_password", "has no effect without master_name")
        if self.get("database") and (self.get("enable_cluster") or addresses > 1):
            self.warn("database", "a Redis Cluster has database 0 only, which is used")

    def _check_sign_in(self) -> None:
        if self.get("username") and not self.get("password"):
            self.warn("username", "has no effect without password")
        database = self.get("database")
        if isinstance(database, int) and database < 0:
            self.error("database", "expected 0 or a number above")

    def _check_tls(self) -> None:
        lowest, highest = str(self.get("tls_min_version")), str(self.get("tls_max_version"))
        if highest and lowest > highest:
            self.error("tls_min_version", f"the lowest TLS version is above the highest ({self.name}.tls_max_version)")
        if self.get("key_file") and not self.get("cert_file"):
            self.error("key_file", "a key without its certificate", "set cert_file")
        named = next((field for field in _TLS_FILES if self.get(field)), "")
        if named and not self.get("use_ssl"):
            self.warn(named, "has no effect: the connection is not encrypted", "set use_ssl")
