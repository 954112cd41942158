#!/usr/bin/env bash
# The whole cycle in the window of a Sunday night: tags by policy, then a sweep, both into a quarantine that is emptied after seven days.
# In /etc/cron.d/regcheck-retention:
#
#   0 3 * * 0  root  /usr/local/sbin/retention-window.sh
#
# It prints nothing when all went well. Take a run back, while its quarantine is there, with `regcheck restore RUN`.
# Exit code: that of the command which failed; 70 if the registry could not be started again.
set -euo pipefail

CONFIG=${CONFIG:-/etc/distribution/config.yml}
POLICY=${POLICY:-/etc/distribution/retention.yaml}
STOP=${STOP:-systemctl stop docker-registry}
START=${START:-systemctl start docker-registry}
# A file with the digests of what runs, such as of `kubectl get pods -A -o json`: it stays. None without.
KEEP=${KEEP:-}
# Where the journals go, which `restore` and `purge` need.
JOURNALS=${JOURNALS:-/var/lib/regcheck}

stopped=
child=
preview=

# Whatever ends this script, but for SIGKILL: regcheck first comes to a safe point, then the registry is started.
finish() {
  local status=$?
  trap '' INT TERM HUP
  if [ -n "$child" ]; then
    kill -TERM "$child" 2> /dev/null || true
    wait "$child" || true
  fi
  [ -z "$preview" ] || rm -f "$preview"
  if [ -n "$stopped" ] && ! $START; then
    echo "retention-window: THE REGISTRY IS STILL STOPPED: start it by hand" >&2
    status=70
  fi
  exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP

# In the background, so that a signal to this script is seen at once.
run_regcheck() {
  regcheck "$@" &
  child=$!
  local status=0
  wait "$child" || status=$?
  child=
  return "$status"
}

# A policy that a rule refuses (a slip, more than half of all tags) ends it here, with the registry still running, and the rule is told.
preview=$(mktemp)
run_regcheck untag --policy "$POLICY" --config "$CONFIG" ${KEEP:+--keep "$KEEP"} --quiet > "$preview" || {
  status=$?
  sed -n '/^Safety rules/,$p' "$preview" >&2
  exit "$status"
}

stopped=yes
$STOP
run_regcheck untag --policy "$POLICY" --config "$CONFIG" ${KEEP:+--keep "$KEEP"} --apply --quarantine \
  --registry-stopped --journal-dir "$JOURNALS" --quiet
run_regcheck --config "$CONFIG" ${KEEP:+--keep "$KEEP"} --delete-untagged --sweep --quarantine \
  --registry-stopped --journal-dir "$JOURNALS" --fail-on never --quiet
# Starting it anew also empties the cache that it has in memory.
$START
stopped=

run_regcheck purge --older-than 7d --config "$CONFIG" --journal-dir "$JOURNALS" > /dev/null
