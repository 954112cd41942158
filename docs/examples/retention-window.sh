#!/bin/sh
# The whole cycle in the window of a Sunday night: tags by policy, then a sweep, both into a quarantine that is emptied after seven days.
# In /etc/cron.d/regcheck-retention:
#
#   0 3 * * 0  root  /usr/local/sbin/retention-window.sh
#
# It prints nothing when all went well. Take a run back, while its quarantine is there, with `regcheck restore RUN`.
set -eu

CONFIG=${CONFIG:-/etc/distribution/config.yml}
POLICY=${POLICY:-/etc/distribution/retention.yaml}
STOP=${STOP:-systemctl stop docker-registry}
START=${START:-systemctl start docker-registry}
# A file with the digests of what runs, such as of `kubectl get pods -A -o json`: it stays. None without.
KEEP=${KEEP:-}
# Where the journals go, which `restore` and `purge` need.
JOURNALS=${JOURNALS:-/var/lib/regcheck}

# A policy that a rule refuses (a slip, more than half of all tags) ends it here, with the registry still running.
regcheck untag --policy "$POLICY" --config "$CONFIG" ${KEEP:+--keep "$KEEP"} --quiet >/dev/null

trap '$START' EXIT
$STOP
regcheck untag --policy "$POLICY" --config "$CONFIG" ${KEEP:+--keep "$KEEP"} --apply --quarantine \
  --registry-stopped --journal-dir "$JOURNALS" --quiet
regcheck --config "$CONFIG" ${KEEP:+--keep "$KEEP"} --delete-untagged --sweep --quarantine \
  --registry-stopped --journal-dir "$JOURNALS" --fail-on never --quiet
# Starting it anew also empties the cache that it has in memory.
trap - EXIT
$START

regcheck purge --older-than 7d --config "$CONFIG" --journal-dir "$JOURNALS" >/dev/null
