#!/bin/sh
# Install the Debian packages with the programs that tests and benchmarks run. Missing ones are no reason to stop: what
# needs them fails by itself, and this says which.
set -eu

missing=''
explained=''

# need PROGRAM PACKAGE WHAT-FOR
need() {
    command -v "$1" >/dev/null && return
    missing="$missing $2"
    explained="$explained
  $1 (package $2): $3"
}

# Not everybody has the folders of system programs on their path.
PATH="$PATH:/usr/sbin:/sbin"

need redis-server redis-server   "tests of the Redis store, which fail without it"
need curl         curl           "the test of the quick start, which fails without it"
need nginx        nginx-light    "make bench, and tests of balancers in front, which fail without it"
need haproxy      haproxy        "make bench, and tests of balancers in front, which fail without it"
need caddy        caddy          "tests of balancers in front, which fail without it"
need wrk          wrk            "make bench, and load in tests, which fail without it"
need promtool     prometheus     "tests of dashboard and alerts, which leave PromQL out without it"
need faketime     faketime       "tests of clocks that leap, which fail without it"
need ip           iproute2       "tests of hosts that are cut off, which are left out without it"
need h2load       nghttp2-client "make bench ARGS=--half-load"

[ -z "$missing" ] && exit 0

if [ "$(id -u)" != 0 ]; then
    echo "These programs are missing, and only root can install them:$explained" >&2
    echo "As root: apt-get install$missing" >&2
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "These programs are missing, and there is no apt-get to install them with:$explained" >&2
    exit 0
fi

# The programs are wanted, not the services: those must not take ports 80 and 6379 of this machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi

echo "Installing$missing"
# shellcheck disable=SC2086
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null; then
    echo "Could not install all of them. They are for:$explained" >&2
fi
