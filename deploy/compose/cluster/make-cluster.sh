#!/bin/sh
# make-cluster.sh HOST:PORT[@BUSPORT]… makes one Redis Cluster of these servers, if they are none yet, and waits until it
# serves. The password is in REDISCLI_AUTH.
set -eu

host=${1%:*}
port=${1##*:}
ask() { redis-cli -h "$host" -p "${port%@*}" "$@"; }

if ! ask cluster info | grep -q '^cluster_known_nodes:[2-9]'; then
    redis-cli --cluster create "$@" --cluster-replicas 1 --cluster-yes
fi
until ask cluster info | grep -q '^cluster_state:ok'; do sleep 1; done
