# Sourced by the scripts beside it: the settings, how to reach a machine, how to assert.
cd "$(dirname "$0")"
env_file=${ENV_FILE:-env}
if [ ! -f "$env_file" ]; then
  echo "error: there is no $env_file. Copy env.example to env and fill it in." >&2
  exit 2
fi
set -a
# shellcheck disable=SC1090
. "$env_file"
set +a

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

finish() {
  if [ "$failed" -eq 0 ]; then
    echo "$1: PASS"
  else
    echo "$1: $failed failed"
    exit 1
  fi
}
