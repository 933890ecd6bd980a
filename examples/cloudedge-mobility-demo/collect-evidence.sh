#!/bin/sh
# What every router shows, in one folder: evidence/<UTC>/<router>.txt.
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
folder=${EVIDENCE_ROOT:-evidence}/$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$folder"

collect() {
  router=$1
  file=$folder/$router.txt
  : >"$file"
  for command in 'routerctl status' 'routerctl mobility leases' 'routerctl mobility captures' 'routerctl action list' \
    'routerctl orders' 'ip -4 address show' 'ip -4 route show' 'ip neigh show proxy' 'wg show all latest-handshakes'; do
    echo "=== $command" >>"$file"
    # shellcheck disable=SC2086 # a command and its arguments
    on "$router" $command >>"$file" 2>&1 || echo "(exit code $?)" >>"$file"
  done
}

# All at once: each takes a while to ask, and nobody has to wait for another.
for router in $ROUTERS; do
  collect "$router" &
done
wait
for router in $ROUTERS; do
  passes "$router: evidence" test -s "$folder/$router.txt"
done
echo "$folder"
finish 'collect-evidence'
