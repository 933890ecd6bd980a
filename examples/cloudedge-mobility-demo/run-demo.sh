#!/bin/sh
# Twelve directed flows; then a router is drained while they are asked again, and taken back. Exit code 0 only if all of it held.
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

flows() {
  for from in $CLIENTS; do
    for to in $CLIENTS; do
      [ "$from" = "$to" ] && continue
      passes "$1: ${from%%=*} reaches ${to%%=*} at ${to#*=}" on "${from%%=*}" ping -n -c 3 -i 0.2 -W 2 "${to#*=}"
    done
  done
}

holds_nothing() { [ "$(holds "$1")" -eq 0 ]; }
holds_something() { [ "$(holds "$1")" -gt 0 ]; }

for router in $ROUTERS; do
  passes "$router is ready" on "$router" routerctl status
done
for router in $DRAINED $SUCCESSOR $OPERATOR; do
  passes "$router has a pool $SUBNET" has_pool "$router"
done
flows before

passes "$DRAINED captures" holds_something "$DRAINED"
passes "$DRAINED may be switched off" on "$OPERATOR" routerctl drain "$DRAINED" --wait --reason demo
passes "$DRAINED captures nothing" holds_nothing "$DRAINED"
passes "$SUCCESSOR captures" holds_something "$SUCCESSOR"
flows drained

passes "the drain of $DRAINED ends" on "$OPERATOR" routerctl undrain "$DRAINED"
tries=0
until holds_something "$DRAINED" || [ "$tries" -ge 60 ]; do
  tries=$((tries + 1))
  sleep 1
done
passes "$DRAINED captures again" holds_something "$DRAINED"
flows 'taken back'
finish 'CloudEdge mobility demo'
