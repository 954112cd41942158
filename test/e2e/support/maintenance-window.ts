import fs from "node:fs";
import path from "node:path";
import { parseAllDocuments } from "yaml";

const JOB = path.resolve(import.meta.dirname, "../../../docs/examples/maintenance-job.yaml");

interface Job {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly { readonly env: readonly { readonly name: string; readonly value: string }[] }[];
      };
    };
  };
}

/** The service manager, without one: `ENV_FILE` has the variables of its unit. */
export const SERVICE = `#!/bin/bash
cd "$(dirname "$0")"
if [ -e pid ]; then kill -9 "$(cat pid)"; rm pid; fi
[ "$1" = stop ] && exit
touch env
env OTEL_TRACES_EXPORTER=none $(cat env) setsid "$REGISTRY" serve config.yml >> registry.log 2>&1 < /dev/null &
echo $! > pid
`;

/** kubectl, as far as the script asks it: the deployment is the service. */
export const KUBECTL = `#!/bin/bash
cd "$(dirname "$0")"
case "$*" in
  "--namespace ci set env deployment/registry "*=*) echo "\${!#}" > env && ./service restart ;;
  "--namespace ci set env deployment/registry "*-) : > env && ./service restart ;;
  "--namespace ci rollout status deployment/registry --timeout=60s") ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
`;

/** What maintenance-job.yaml gives the script. */
export function jobVariables(): ReadonlyMap<string, string> {
  const documents = parseAllDocuments(fs.readFileSync(JOB, "utf8")).map((document) => document.toJS() as Job);
  const containers = documents.flatMap(({ kind, spec }) => (kind === "Job" ? spec.template.spec.containers : []));
  return new Map(containers.flatMap(({ env }) => env.map(({ name, value }) => [name, value] as const)));
}
