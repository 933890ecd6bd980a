#!/bin/sh
# Undoes what run-demo.sh ordered, also after a failure. Run it always. It deletes no resource of a cloud: what a router has captured it gives
# back when its pool no longer names it.
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
passes "no drain of $DRAINED stands" on "$OPERATOR" routerctl undrain "$DRAINED"
finish 'reset-lab'
