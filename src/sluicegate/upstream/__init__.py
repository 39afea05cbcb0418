"""The other side: from the end of the chain to an answer of the upstream.

upstream    the targets of an API, and who chooses among them (balance)
dispatch    a request on its way: which target, and what when it fails
request     the head that goes out
target      an address;  pool, peer: its connections;  resolve, tls, keepalive: what these need
health      tests of hosts (probe);  ejection, breaker: what failures lead to
"""
