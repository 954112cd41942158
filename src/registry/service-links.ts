/**
 * Variables that Kubernetes sets in a pod for each Service of its namespace, as `--link` of Docker did: for one named `registry-database` they begin
 * as the registry's own do.
 */
const FORMS = /^(.+?)_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;
const ADDRESS = /^(?:tcp|udp|sctp):\/\//;

/** The name, as `REGISTRY_DATABASE`, of the Service that a variable is about; undefined for any other variable. */
export function linkedService(name: string, value: string): string | undefined {
  // A port alone is a setting of its own.
  const isSetting = name.endsWith("_PORT") && !/_(?:SERVICE|TCP|UDP|SCTP)_PORT$/.test(name) && !ADDRESS.test(value);
  return isSetting ? undefined : FORMS.exec(name)?.[1];
}

/** Settings whose keys may have any name: there the registry takes such variables for keys, and ends (tried with 2.8 and 3.1). It passes over others. */
const OF_ANY_KEY: ReadonlySet<string> = new Set(["REGISTRY_AUTH", "REGISTRY_MIDDLEWARE", "REGISTRY_STORAGE"]);

/** Why the registry does not start in this environment; undefined where a Service's name changes nothing. */
export function serviceProblem(service: string): string | undefined {
  if (!OF_ANY_KEY.has(service)) return undefined;
  const named = service.toLowerCase().replace("_", "-");
  return `${service}_PORT in the environment is of a Service of Kubernetes that is named ${named}, and the registry does not start with it: set enableServiceLinks: false in the pod, or rename the Service`;
}
