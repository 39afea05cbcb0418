"""The names in the store are Tyk's."""

from sluicegate.store import names


def test_names_are_tyks():
    assert names.session("310d0e5d8d1ee787") == "apikey-310d0e5d8d1ee787"
    assert names.org_session("default") == "orgkey.default"
    assert names.rate_limit("465c196e") == "rate-limit-465c196e"
    assert names.rate_limit("h", scope="k1", endpoint="355a3178") == "rate-limit-k1-h-355a3178"
    assert names.quota("h", scope="-full2-") == "quota-full2-h"
    assert names.fixed_window("rate-limit-h", 1795449160000000000) == "rate-limit-h/1795449160000000000"
    assert names.blocked("rate-limit-h") == "rate-limit-h.BLOCKED"
    assert names.cached_response("k1", "k1token") == "cache-k1k1token"


def test_the_parts_of_one_limit_share_a_cluster_slot():
    assert names.exact_limit("rate-limit-h") == "sluice-limit-{rate-limit-h}"
