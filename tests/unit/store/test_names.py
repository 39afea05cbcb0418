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
    assert names.oauth_client("a1", "c1") == "oauth-data.a1.oauth-clientid.c1"
    assert names.oauth_client_list("a1", "org") == "oauth-data.a1.oauth-client-index.org"
    assert names.oauth_client_set("a1") == "oauth-data.a1.oauth-clientset.oauth-clientid."
    assert names.oauth_client_tokens("a1", "c1") == "oauth-data.a1.oauth-client-tokens.c1"
    assert names.oauth_code("a1", "code") == "oauth-data.a1.oauth-authorize.code"
    assert names.oauth_access("a1", "hash") == "oauth-data.a1.oauth-access.hash"
    assert names.oauth_refresh("a1", "token") == "oauth-data.a1.oauth-refresh.token"
    assert names.cached_response("k1", "k1token") == "cache-k1k1token"


def test_the_parts_of_one_limit_share_a_cluster_slot():
    assert names.exact_limit("rate-limit-h") == "sluice-limit-{rate-limit-h}"
