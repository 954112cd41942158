#!/usr/bin/env bash
# A maintenance window: makes the registry read-only, sweeps a plan that was reviewed (into the quarantine), asks the registry for every
# tag's manifest, and lets it take pushes again, whatever happened. If a tag does not answer any more, everything is put back.
#
#   regcheck --config "$CONFIG" --delete-untagged --dry-run --plan-output plan.ndjson    # days before: look at it
#   PLAN=plan.ndjson READ_ONLY_BY=config maintenance.sh --delete-untagged                # in the window; options go to regcheck
#
# READ_ONLY_BY says how the registry is made read-only:
#   config       `enabled: false` below `readonly:` in CONFIG becomes true, then RESTART
#   environment  a line with REGISTRY_STORAGE_MAINTENANCE_READONLY goes into ENV_FILE (systemd's EnvironmentFile=, docker's --env-file), then RESTART
#   stop         STOP and START; the registry serves nothing meanwhile
#   kubernetes   the variable is set on DEPLOYMENT (namespace/name), which is rolled out
# Exit code: regcheck's own; 1 if a tag did not answer and all was put back; 70 if the registry could not be made to take pushes again.
set -euo pipefail

CONFIG=${CONFIG:-/etc/distribution/config.yml}
REGISTRY_URL=${REGISTRY_URL:-http://localhost:5000}
PLAN=${PLAN:?the plan that was reviewed: regcheck --dry-run --plan-output FILE makes one}
READ_ONLY_BY=${READ_ONLY_BY:?config, environment, stop or kubernetes}
RESTART=${RESTART:-systemctl restart registry}
STOP=${STOP:-systemctl stop registry}
START=${START:-systemctl start registry}
ENV_FILE=${ENV_FILE:-/etc/distribution/registry.env}
DEPLOYMENT=${DEPLOYMENT:-registry/registry}
REGCHECK=${REGCHECK:-regcheck}
# Seconds that the registry may take to start.
START_TIMEOUT=${START_TIMEOUT:-60}

VARIABLE=REGISTRY_STORAGE_MAINTENANCE_READONLY
work=$(mktemp -d)
closed_at=
child=

say() { printf 'maintenance: %s\n' "$*" >&2; }

# Every tag with the status that the registry answers for its manifest, a line each. Credentials: REGCHECK_REGISTRY_USERNAME and
# REGCHECK_REGISTRY_PASSWORD, or REGCHECK_REGISTRY_TOKEN.
tags() {
  node --input-type=module - "$REGISTRY_URL" <<'JAVASCRIPT'
const base = process.argv[2].replace(/\/(v2\/?)?$/, "");
const { REGCHECK_REGISTRY_USERNAME: user, REGCHECK_REGISTRY_PASSWORD: password, REGCHECK_REGISTRY_TOKEN: token } = process.env;
const basic = user === undefined ? {} : { authorization: `Basic ${Buffer.from(`${user}:${password ?? ""}`).toString("base64")}` };
const accept = [
  "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");
const headers = { accept, ...(token === undefined ? basic : { authorization: `Bearer ${token}` }) };
async function* pages(path, name) {
  for (let next = path; next !== undefined; ) {
    const response = await fetch(new URL(next, base), { headers });
    if (response.status === 404 && name === "tags") return;
    if (!response.ok) throw new Error(`${next}: the registry answers ${response.status}`);
    yield* (await response.json())[name] ?? [];
    next = /<([^>]+)>;\s*rel="?next/.exec(response.headers.get("link") ?? "")?.[1];
  }
}
const root = new URL(base).pathname.replace(/\/$/, "");
for await (const repository of pages(`${root}/v2/_catalog?n=1000`, "repositories")) {
  for await (const tag of pages(`${root}/v2/${repository}/tags/list?n=1000`, "tags")) {
    const { status } = await fetch(new URL(`${root}/v2/${repository}/manifests/${tag}`, base), { method: "HEAD", headers });
    console.log(`${repository}:${tag} ${status}`);
  }
}
JAVASCRIPT
}

# Until it answers and allows GET, or POST, which a read-only one does not: a process that was not restarted answers, too. One that wants
# credentials says no more than that it is there.
wait_for_registry() {
  local method=$1 until=$((SECONDS + START_TIMEOUT))
  until node --input-type=module - "$REGISTRY_URL" "$method" <<'JAVASCRIPT'
const [url, method] = process.argv.slice(2);
const question = fetch(`${url.replace(/\/(v2\/?)?$/, "")}/v2/regcheck/blobs/uploads/`, { method: "OPTIONS" });
const { status, headers } = await question.catch(() => ({ status: 599, headers: new Headers() }));
const methods = (headers.get("allow") ?? method).split(/, */);
process.exit(status === 401 || (status < 500 && methods.includes(method)) ? 0 : 1);
JAVASCRIPT
  do
    [ "$SECONDS" -lt "$until" ] || { say "the registry does not answer at $REGISTRY_URL, or does not allow $method there"; return 1; }
    sleep 0.2
  done
}

# What a run that was killed has left: it has the file as it should be.
refuse_leftover() {
  [ ! -e "$1" ] || { say "$1 is left of a run that was killed: move it back to ${1%.writable}, restart the registry, and run this again"; exit 2; }
}

make_read_only() {
  case $READ_ONLY_BY in
    config)
      grep -Eq '^[[:space:]]+readonly:[[:space:]]*$' "$CONFIG" && grep -A1 -E '^[[:space:]]+readonly:[[:space:]]*$' "$CONFIG" | grep -Eq 'enabled:[[:space:]]*false' || {
        say "$CONFIG has no storage.maintenance.readonly with 'enabled: false' on a line of its own: add it, or use READ_ONLY_BY=environment"
        exit 2
      }
      refuse_leftover "$CONFIG.writable"
      cp -p "$CONFIG" "$CONFIG.writable"
      closed_at=$SECONDS
      # A symbolic link (a checked-out repository, Puppet) stays one.
      sed -i --follow-symlinks '/^[[:space:]]*readonly:[[:space:]]*$/{n;s/enabled:[[:space:]]*false/enabled: true/}' "$CONFIG"
      $RESTART
      ;;
    environment)
      refuse_leftover "$ENV_FILE.writable"
      touch "$ENV_FILE"
      cp -p "$ENV_FILE" "$ENV_FILE.writable"
      closed_at=$SECONDS
      # Not …_READONLY_ENABLED=true: the registry ignores that, or does not start.
      printf '%s={"enabled":true}\n' "$VARIABLE" >> "$ENV_FILE"
      $RESTART
      ;;
    stop)
      closed_at=$SECONDS
      $STOP
      ;;
    kubernetes)
      closed_at=$SECONDS
      kubectl --namespace "${DEPLOYMENT%/*}" set env "deployment/${DEPLOYMENT#*/}" "$VARIABLE={\"enabled\":true}"
      kubectl --namespace "${DEPLOYMENT%/*}" rollout status "deployment/${DEPLOYMENT#*/}" --timeout="${START_TIMEOUT}s"
      ;;
    *)
      say "READ_ONLY_BY=$READ_ONLY_BY: expected config, environment, stop or kubernetes"
      exit 2
      ;;
  esac
  [ "$READ_ONLY_BY" = stop ] || wait_for_registry GET
}

# Where it is asked whether this succeeds, a command that fails would end nothing by itself: each one says so. The file as it was is kept
# until the registry takes pushes: it tells the next run of one that could not do it.
make_writable() {
  [ -n "$closed_at" ] || return 0
  case $READ_ONLY_BY in
    config)
      cat "$CONFIG.writable" > "$CONFIG" || return 1
      $RESTART || return 1
      ;;
    environment)
      cat "$ENV_FILE.writable" > "$ENV_FILE" || return 1
      $RESTART || return 1
      ;;
    stop)
      $START || return 1
      ;;
    kubernetes)
      kubectl --namespace "${DEPLOYMENT%/*}" set env "deployment/${DEPLOYMENT#*/}" "$VARIABLE-" || return 1
      kubectl --namespace "${DEPLOYMENT%/*}" rollout status "deployment/${DEPLOYMENT#*/}" --timeout="${START_TIMEOUT}s" || return 1
      ;;
  esac
  wait_for_registry POST || return 1
  case $READ_ONLY_BY in
    config) rm "$CONFIG.writable" || return 1 ;;
    environment) rm "$ENV_FILE.writable" || return 1 ;;
  esac
  say "pushes were refused for $((SECONDS - closed_at)) s"
  closed_at=
}

# Whatever ends this script, but for SIGKILL: regcheck first comes to a safe point, then the registry takes pushes again.
finish() {
  local status=$?
  trap '' INT TERM HUP
  if [ -n "$child" ]; then
    kill -TERM "$child" 2> /dev/null || true
    wait "$child" || true
    child=
  fi
  make_writable || { say "THE REGISTRY IS STILL READ-ONLY OR DOWN: mend that by hand"; status=70; }
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP

# In the background, so that a signal to this script is seen at once.
run_regcheck() {
  "$REGCHECK" "$@" &
  child=$!
  local status=0
  wait "$child" || status=$?
  child=
  return "$status"
}

proof=(--registry-url "$REGISTRY_URL")
[ "$READ_ONLY_BY" = stop ] && proof=(--registry-stopped)

# Where the sweep has its journal, a restore looks for it.
journal=()
for ((i = 1; i < $#; i++)); do
  [ "${!i}" != --journal-dir ] || { next=$((i + 1)); journal=(--journal-dir "${!next}"); }
done

tags > "$work/before"
say "$(wc -l < "$work/before") tags before"
make_read_only
status=0
run_regcheck --config "$CONFIG" --sweep --plan "$PLAN" --quarantine --quiet --fail-on never "${proof[@]}" \
  --output "$work/sweep.json" "$@" || status=$?
run=$(sed -n 's/^ *"runId": "\([^"]*\)",\{0,1\}$/\1/p' "$work/sweep.json" 2> /dev/null | head -n 1) || true
[ "$status" -eq 0 ] || say "regcheck ended with $status"
if [ -z "$run" ]; then
  say "nothing was swept"
  exit "$status"
fi
# The restart also empties its cache, which knows what is gone.
make_writable
# A registry whose tags cannot be listed, asked twice, does not answer for any of them.
if ! tags > "$work/after"; then
  sleep 5
  tags > "$work/after" || : > "$work/after"
fi
# What answered before must answer now; a tag that was broken before is no fault of the sweep.
if lost=$(grep ' 200$' "$work/before" | grep -Fvx -f "$work/after"); then
  say "these do not answer any more: $(printf '%s' "$lost" | tr '\n' ' ')"
  run_regcheck restore "$run" --config "$CONFIG" ${journal[@]+"${journal[@]}"}
  say "run $run was put back"
  exit 1
fi
say "every tag that answered before answers now; regcheck purge $run --config $CONFIG frees the space for good"
exit "$status"
