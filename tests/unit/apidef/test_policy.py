"""What policies make of a session (contract 03.4)."""

from typing import Any

import pytest

from sluicegate.apidef.gojson import convert
from sluicegate.apidef.policy import Policy, PolicyBook, PolicyError
from sluicegate.apidef.session import APILimit, RateLimit, Session

RIGHTS = {"k1": {"versions": ["v1"]}}


def book(**policies: dict[str, Any]) -> PolicyBook:
    return PolicyBook({name: convert({"id": name, "org_id": "o", **body}, Policy) for name, body in policies.items()})


def session(*policies: str, **fields: Any) -> Session:
    return convert({"org_id": "o", "apply_policies": list(policies), **fields}, Session)


def full(**fields: Any) -> dict[str, Any]:
    return {"rate": 10, "per": 1, "quota_max": 100, "quota_renewal_rate": 60, "access_rights": RIGHTS, **fields}


def test_without_policies_the_session_stays_as_it_is() -> None:
    bare = session(access_rights=RIGHTS, is_inactive=True)
    assert book().apply(bare, "o") is bare


def test_without_policies_limits_of_an_api_are_counted_apart() -> None:
    own = book().apply(session(access_rights={"k1": {"limit": {"rate": 1, "per": 1}}, "k2": {}}), None)
    assert own.access_rights["k1"].allowance_scope == "k1"
    assert own.access_rights["k2"].allowance_scope == ""


def test_a_plain_policy_sets_rights_and_limits_without_a_scope() -> None:
    applied = book(full=full()).apply(session("full", rate=999, per=1, quota_max=9), "o")
    entry = applied.access_rights["k1"]
    assert entry.limit == APILimit(rate=10, per=1, quota_max=100, quota_renewal_rate=60)
    assert (entry.allowance_scope, entry.api_id, entry.versions) == ("", "", ["v1"])
    assert (applied.rate, applied.per, applied.quota_max, applied.quota_renewal_rate) == (10, 1, 100, 60)


def test_two_plain_policies_give_the_greater_and_scopes_of_the_last() -> None:
    policies = book(
        full=full(access_rights={"k1": {}, "k2": {}}), full2=full(rate=20, per=2, quota_max=-1, quota_renewal_rate=30)
    )
    applied = policies.apply(session("full", "full2"), "o")
    one, two = applied.access_rights["k1"], applied.access_rights["k2"]
    assert (one.allowance_scope, two.allowance_scope) == ("full2", "full")
    assert (one.limit.rate, one.limit.per) == (10, 1), "equal rates: the first stays"
    assert (one.limit.quota_max, one.limit.quota_renewal_rate) == (-1, 60)
    assert two.limit.quota_max == 100


def test_a_rate_without_limit_wins_over_any_other_and_zero_is_not_looked_at() -> None:
    policies = book(a=full(), b=full(rate=-1, per=-1), c=full(rate=0, per=0))
    for order in (("a", "b", "c"), ("b", "a", "c"), ("c", "b", "a")):
        assert policies.apply(session(*order), "o").access_rights["k1"].limit.rate == -1


def test_parts_come_from_the_policies_that_name_them() -> None:
    policies = book(
        acl={"partitions": {"acl": True}, "access_rights": RIGHTS, "quota_max": 5},
        quota={"partitions": {"quota": True}, "access_rights": {"k1": {}, "k9": {}}, "quota_max": 7},
    )
    applied = policies.apply(session("acl", "quota", rate=3, per=1), "o")
    assert set(applied.access_rights) == {"k1"}, "without an acl there is no right"
    assert applied.access_rights["k1"].limit == APILimit(rate=3, per=1, quota_max=7)


def test_a_key_keeps_its_own_rights_when_no_policy_gives_any() -> None:
    policies = book(quota={"partitions": {"quota": True}, "access_rights": {"k1": {}}, "quota_max": 7})
    applied = policies.apply(session("quota", access_rights={"k5": {}}), "o")
    assert set(applied.access_rights) == {"k5"}
    with pytest.raises(PolicyError, match="key has no valid policies to be applied"):
        policies.apply(session("quota"), "o")


def test_a_key_whose_policies_are_all_gone_has_no_rights_of_its_own() -> None:
    with pytest.raises(PolicyError, match="key has no valid policies to be applied"):
        book().apply(session("gone", "gone too", access_rights=RIGHTS), "o")


def test_a_policy_without_apis_sets_the_limits_of_the_session() -> None:
    applied = book(master={"rate": 5, "per": 1, "quota_max": 50}).apply(session("master", access_rights=RIGHTS), "o")
    assert (applied.rate, applied.quota_max) == (5, 50)


def test_per_api_limits_have_the_scope_of_the_api_or_of_the_policy() -> None:
    rights = {"k1": {"api_id": "k1", "limit": {"rate": 2, "per": 1}}, "k2": {"api_id": "k2", "limit": None}}
    applied = book(p=full(partitions={"per_api": True}, access_rights=rights)).apply(
        session("p", access_rights={"k1": {"limit": {"rate": 1, "per": 1, "quota_renews": 77}}}), "o"
    )
    one, two = applied.access_rights["k1"], applied.access_rights["k2"]
    assert (one.allowance_scope, one.limit.rate, one.limit.quota_renews, one.api_id) == ("k1", 2, 77, "k1")
    assert (two.allowance_scope, two.limit.rate, two.limit.quota_max) == ("p", 10, 100)


def test_two_per_api_policies_give_the_more_generous() -> None:
    policies = book(
        a=full(partitions={"per_api": True}, access_rights={"k1": {"limit": {"rate": 5, "per": 1, "quota_max": -1}}}),
        b=full(partitions={"per_api": True}),
    )
    entry = policies.apply(session("a", "b"), "o").access_rights["k1"]
    assert (entry.limit.rate, entry.limit.quota_max, entry.limit.quota_renewal_rate) == (10, -1, 0)
    assert entry.allowance_scope == "k1", "the scope is of the first, which has the greater quota"


def test_the_scope_is_of_the_per_api_policy_that_gave_more() -> None:
    slow, fast = ({"k1": {"limit": {"rate": rate, "per": 1, "quota_max": -1}}} for rate in (5, 50))
    policies = book(
        own=full(partitions={"per_api": True}, quota_max=-1),
        slow=full(partitions={"per_api": True}, access_rights=slow),
        fast=full(partitions={"per_api": True}, access_rights=fast),
    )
    for order, scope in (
        (("own", "slow"), "own"),
        (("own", "fast"), "k1"),
        (("slow", "own"), "own"),
        (("fast", "own"), "k1"),
    ):
        assert policies.apply(session(*order), "o").access_rights["k1"].allowance_scope == scope


def test_what_may_not_be_mixed() -> None:
    policies = book(
        both=full(partitions={"per_api": True, "acl": True}),
        api=full(partitions={"per_api": True}),
        part=full(partitions={"acl": True}),
        plain=full(),
    )
    with pytest.raises(PolicyError, match="cannot apply policy both which has per_api and any of partitions set"):
        policies.apply(session("both"), "o")
    for mixed in (("api", "part"), ("part", "api"), ("part", "plain", "api")):
        with pytest.raises(PolicyError, match="some have per_api set and some are partitioned"):
            policies.apply(session(*mixed), "o")


def test_a_plain_policy_goes_with_per_api_ones() -> None:
    policies = book(
        api=full(
            partitions={"per_api": True}, access_rights={"k1": {"limit": {"rate": 20, "per": 1, "quota_max": 500}}}
        ),
        plain=full(access_rights={"k1": {}, "k2": {}}),
    )
    for order in (("api", "plain"), ("plain", "api")):
        rights = policies.apply(session(*order), "o").access_rights
        one, two = rights["k1"], rights["k2"]
        assert (one.limit.rate, one.limit.quota_max, one.allowance_scope) == (20, 500, "k1")
        assert (two.limit.rate, two.limit.quota_max) == (10, 100)


@pytest.mark.parametrize("key", [session("gone"), session("full", org_id="other"), session(apply_policy_id="gone")])
def test_a_missing_policy_or_one_of_another_organisation_is_not_found(key: Session) -> None:
    with pytest.raises(PolicyError, match="policy not found: "):
        book(full=full()).apply(key, None)


@pytest.mark.parametrize(("of_policy", "of_key"), [("", "o"), ("o", "")])
def test_no_organisation_is_one_of_its_own(of_policy: str, of_key: str) -> None:
    with pytest.raises(PolicyError, match='policy not found: "full"'):
        book(full=full(org_id=of_policy)).apply(session("full", org_id=of_key), None)
    assert book(full=full(org_id=of_policy)).apply(session("full", org_id=of_policy), None).rate == 10


def test_a_missing_one_among_several_is_skipped() -> None:
    assert book(full=full()).apply(session("gone", "full"), "o").access_rights["k1"].limit.rate == 10


def test_the_organisation_of_the_api_counts_when_the_key_has_none() -> None:
    with pytest.raises(PolicyError):
        book(full=full()).apply(session("full", org_id=""), "other")
    assert book(full=full()).apply(session("full", org_id=""), "o").rate == 10


def test_whether_a_key_is_active_is_up_to_its_policies() -> None:
    policies = book(on=full(), off=full(is_inactive=True))
    assert not policies.apply(session("on", is_inactive=True), "o").is_inactive
    assert policies.apply(session("on", "off"), "o").is_inactive


def test_tags_meta_data_and_the_rest_are_merged() -> None:
    policies = book(
        a=full(
            tags=["x"], meta_data={"m": 1, "n": 1}, last_updated="9", hmac_enabled=True, post_expiry_action="delete"
        ),
        b=full(tags=["y", "x"], meta_data={"m": 2}, last_updated="10"),
    )
    applied = policies.apply(session("a", "b", tags=["z"], meta_data={"own": True}), "o")
    assert applied.tags == ["z", "x", "y"]
    assert applied.meta_data == {"own": True, "m": 2, "n": 1}
    assert (applied.last_updated, applied.hmac_enabled, applied.post_expiry_action) == ("9", True, "delete")


def test_what_comes_after_expiry_is_merged_field_by_field() -> None:
    policies = book(
        action=full(post_expiry_action="retain", post_expiry_grace_period=60), grace=full(post_expiry_grace_period=90)
    )
    applied = policies.apply(session("action", "grace", post_expiry_action="delete"), "o")
    assert (applied.post_expiry_action, applied.post_expiry_grace_period) == ("retain", 90)
    applied = policies.apply(session("grace", post_expiry_action="retain"), "o")
    assert (applied.post_expiry_action, applied.post_expiry_grace_period) == ("retain", 90)


def test_rights_are_united() -> None:
    first = {"versions": ["v1"], "allowed_urls": [{"url": "/a", "methods": ["GET"]}]}
    second = {"versions": ["v2"], "allowed_urls": [{"url": "/a", "methods": ["PUT"]}, {"url": "/b", "methods": []}]}
    entry = (
        book(a=full(access_rights={"k1": first}), b=full(access_rights={"k1": second}))
        .apply(session("a", "b"), "o")
        .access_rights["k1"]
    )
    assert entry.versions == ["v1", "v2"]
    assert [(spec.url, list(spec.methods)) for spec in entry.allowed_urls] == [("/a", ["GET", "PUT"]), ("/b", [])]


def test_endpoint_limits_keep_the_faster() -> None:
    def with_limit(rate: int) -> dict[str, Any]:
        methods = [{"name": "GET", "limit": {"rate": rate, "per": 1}}]
        return full(access_rights={"k1": {"endpoints": [{"path": "/e", "methods": methods}]}})

    applied = book(a=with_limit(1), b=with_limit(5)).apply(session("a", "b"), "o")
    assert applied.access_rights["k1"].endpoints[0].methods[0].limit == RateLimit(rate=5, per=1)


def test_inline_policies_take_the_place_of_the_named_ones() -> None:
    inline = {"id": "inline", "rate": 3, "per": 1, "access_rights": {"k7": {}}}
    applied = book(full=full()).apply(session("full", meta_data={"policies": [inline]}), "o")
    assert set(applied.access_rights) == {"k7"}
    with pytest.raises(PolicyError):
        book().apply(session(meta_data={"policies": [1]}), "o")


def test_a_replaced_book_has_another_generation() -> None:
    policies = book(full=full())
    before = policies.generation
    policies.replace({})
    assert (len(policies), policies.generation) == (0, before + 1)
