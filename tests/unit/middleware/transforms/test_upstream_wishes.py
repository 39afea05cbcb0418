"""What the chain asks of the upstream exchange: method, timeout, breaker; and the context of a request."""

from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, outcome_of

from sluicegate.apidef.gotypes import Duration
from sluicegate.chain.context_vars import context_value
from sluicegate.middleware.transforms.circuit_breaker import OPEN, CircuitBreaker
from sluicegate.middleware.transforms.context_vars import ContextVars
from sluicegate.middleware.transforms.hard_timeout import HardTimeout
from sluicegate.middleware.transforms.method import NOT_A_METHOD, TransformMethod

SERVICES = make_services()
GET_A = {"path": "/a", "method": "GET"}


def test_method() -> None:
    entries = [{**GET_A, "to_method": "post"}, {"path": "/b", "method": "GET", "to_method": "brew"}]
    step = TransformMethod.from_definition(
        make_api(), make_version(extended_paths={"method_transforms": entries}), SERVICES
    )
    exchange = make_exchange("/a")
    assert step.on_request(exchange) is None
    assert exchange.method == b"POST"
    assert exchange.request.method == b"GET"
    assert step.on_request(make_exchange("/b")) is NOT_A_METHOD
    assert step.on_request(make_exchange("/c")) is None


def test_timeout_of_the_endpoint_goes_first() -> None:
    entries = [{**GET_A, "timeout": 3}, {"path": "/b", "method": "GET", "timeout": 3, "duration": Duration(0.5)}]
    version = make_version(global_enforce_timeout=Duration(9.0), extended_paths={"hard_timeouts": entries})
    step = HardTimeout.from_definition(make_api(), version, SERVICES)
    for path, timeout_s in (("/a", 3.0), ("/b", 0.5), ("/c", 9.0)):
        exchange = make_exchange(path)
        step.on_request(exchange)
        assert exchange.timeout_s == timeout_s
    assert HardTimeout.from_definition(make_api(), make_version(), SERVICES) is None
    off = make_version(global_enforce_timeout=Duration(9.0), global_enforce_timeout_disabled=True)
    assert HardTimeout.from_definition(make_api(), off, SERVICES) is None


def test_breaker_opens_for_its_endpoint() -> None:
    entry = {**GET_A, "threshold_percent": 0.5, "samples": 2, "return_to_service_after": 60}
    version = make_version(extended_paths={"circuit_breakers": [entry]})
    step = CircuitBreaker.from_definition(make_api(), version, SERVICES)
    for _ in range(2):
        exchange = make_exchange("/a")
        assert step.on_request(exchange) is None
        exchange.breaker.failed()
    assert step.on_request(make_exchange("/a")) is OPEN
    looped = make_exchange("/a")
    looped.url = b"tyk://self/b"
    assert step.on_request(looped) is None
    other = make_exchange("/b")
    assert step.on_request(other) is None
    assert other.breaker is None


async def test_context_reads_forms_only() -> None:
    assert ContextVars.from_definition(make_api(), make_version(), SERVICES) is None
    step = ContextVars.from_definition(make_api(enable_context_vars=True), make_version(), SERVICES)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    exchange = make_exchange("/?a=0", "POST", form, body=b"a=1")
    assert await outcome_of(step.on_request(exchange)) is None
    assert context_value(exchange, "request_data_a") == "1"
    assert exchange.body == b"a=1"
    for headers, method in (({}, "POST"), (form, "GET")):
        exchange = make_exchange("/?a=0", method, headers, body=b"a=1")
        assert step.on_request(exchange) is None
        assert exchange.body is None
        assert context_value(exchange, "request_data_a") == "0"
