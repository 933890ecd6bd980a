# shellcheck shell=sh
# Sourced by the scripts beside it: the settings and what is wrong with them, how to reach a machine, how to assert.
cd "$(dirname "$0")" || exit 2
# Without a slash the shell would look for it on the PATH, and find /usr/bin/env.
case ${ENV_FILE:-env} in
*/*) env_file=$ENV_FILE ;;
*) env_file=./${ENV_FILE:-env} ;;
esac
if [ ! -f "$env_file" ]; then
  echo "error: there is no $env_file. Copy env.example to env and fill it in." >&2
  exit 2
fi
for setting in ON DRAINED SUCCESSOR OPERATOR SUBNET CLIENTS ROUTERS; do
  unset "$setting" # what the caller's environment has is no setting
done
set -a
# shellcheck disable=SC1090
. "$env_file"
set +a

wrong=0
complain() {
  echo "error: $env_file: $1" >&2
  wrong=$((wrong + 1))
}

# number ADDRESS: an IPv4 address as a number; fails if it is none.
number() (
  set -f
  IFS=.
  # shellcheck disable=SC2086 # to be taken apart
  set -- $1
  [ $# -eq 4 ] || exit 1
  for octet; do
    case $octet in '' | *[!0-9]* | ????* | 0?*) exit 1 ;; esac
    [ "$octet" -le 255 ] || exit 1
  done
  echo $((($1 << 24) + ($2 << 16) + ($3 << 8) + $4))
)

# inside ADDRESS PREFIX
inside() {
  address=$(number "$1") || return 1
  network=$(number "${2%/*}") || return 1
  shift_by=$((32 - ${2#*/}))
  [ $((address >> shift_by)) -eq $((network >> shift_by)) ]
}

is_prefix() {
  case $1 in */[0-9] | */[12][0-9] | */3[0-2]) number "${1%/*}" >/dev/null ;; *) return 1 ;; esac
}

is_router() {
  case " ${ROUTERS:-} " in *" $1 "*) ;; *) return 1 ;; esac
}

check_client() {
  case $1 in *=*) ;; *)
    complain "CLIENTS: \"$1\" is not written NAME=ADDRESS, as in aws-client=10.77.60.11"
    return
    ;;
  esac
  if ! number "${1#*=}" >/dev/null; then
    complain "CLIENTS: \"${1#*=}\" of ${1%%=*} is no IPv4 address"
  elif is_prefix "${SUBNET:-}" && ! inside "${1#*=}" "$SUBNET"; then
    complain "CLIENTS: ${1#*=} of ${1%%=*} does not lie in SUBNET, $SUBNET"
  fi
}

for setting in ON DRAINED SUCCESSOR OPERATOR SUBNET CLIENTS ROUTERS; do
  eval "value=\${$setting:-}"
  # shellcheck disable=SC2154 # by eval
  [ -n "$value" ] || complain "$setting is not set; env.example says what it is"
done
[ -z "${ON:-}" ] || command -v "$ON" >/dev/null || complain "ON: there is no program $ON that can be run"
[ -z "${SUBNET:-}" ] || is_prefix "$SUBNET" || complain "SUBNET: \"$SUBNET\" is no prefix such as 10.77.60.0/24"
for name in ${DRAINED:-} ${SUCCESSOR:-} ${OPERATOR:-}; do
  is_router "$name" || complain "$name is not among ROUTERS"
done
[ "${DRAINED:-a}" != "${SUCCESSOR:-b}" ] || complain "DRAINED and SUCCESSOR are the same router"
[ "${DRAINED:-a}" != "${OPERATOR:-b}" ] || complain "OPERATOR is the router that is drained; orders are given elsewhere"
seen=' '
clients=0
for client in ${CLIENTS:-}; do
  check_client "$client"
  clients=$((clients + 1))
  case $seen in *" ${client#*=} "*) complain "CLIENTS: two of them have ${client#*=}" ;; esac
  seen="$seen${client#*=} "
done
[ -z "${CLIENTS:-}" ] || [ "$clients" -ge 2 ] || complain 'CLIENTS: one client has nobody to talk to'
if [ "$wrong" -gt 0 ]; then
  echo "Nothing was done." >&2
  exit 2
fi

failed=0

on() {
  "$ON" "$@"
}

# passes TITLE COMMAND…: prints ok or FAIL; the script ends with 1 if anything failed, and tries everything all the same.
passes() {
  title=$1
  shift
  if "$@" >/dev/null 2>&1; then
    echo "ok    $title"
  else
    echo "FAIL  $title"
    failed=$((failed + 1))
  fi
}

# holds ROUTER: how many captures the registry gives it.
holds() {
  on "$OPERATOR" routerctl mobility captures -o json | grep -c "\"holder\": \"$1\"" || true
}

# has_pool ROUTER: whether a pool of that prefix is what it was configured with.
has_pool() {
  on "$1" routerctl mobility pools | grep -q "^[^ ]* $SUBNET:"
}

finish() {
  if [ "$failed" -eq 0 ]; then
    echo "$1: PASS"
  else
    echo "$1: $failed failed"
    exit 1
  fi
}
