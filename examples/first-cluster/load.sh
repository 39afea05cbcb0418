#!/bin/sh
# Full load on the cluster, through nginx, while something happens to it; then says whether any answer was bad.
#
#   ./load.sh docker compose stop gateway-node-2
#
# URL and DURATION_S say what is asked, and for how long. The command is run after a quarter of the time.
set -eu

here=$(dirname "$0")
url=${URL:-http://127.0.0.1:8080/open/}
duration_s=${DURATION_S:-30}
said=$(mktemp)
wrk=
trap 'rm -f "$said"; [ -z "$wrk" ] || kill "$wrk" 2>/dev/null || true' EXIT

wrk -t12 -c400 "-d${duration_s}s" --timeout 10s --latency -s "$here/count.lua" "$url" >"$said" &
wrk=$!
sleep $((duration_s / 4))
"$@"
wait "$wrk"
wrk=

cat "$said"
grep -Eq '^answers: [1-9][0-9]*, not 200: 0; socket errors: connect 0, read 0, write 0, timeout 0$' "$said"
