/** The variables that Kubernetes sets in every pod for a Service, whose name they begin with: `registry-http` is `REGISTRY_HTTP`. */
export function linksOf(name: string): Record<string, string> {
  return {
    [`${name}_SERVICE_HOST`]: "10.0.0.1",
    [`${name}_SERVICE_PORT`]: "5432",
    [`${name}_SERVICE_PORT_TCP_MAIN`]: "5432",
    [`${name}_PORT`]: "tcp://10.0.0.1:5432",
    [`${name}_PORT_5432_TCP`]: "tcp://10.0.0.1:5432",
    [`${name}_PORT_5432_TCP_PROTO`]: "tcp",
    [`${name}_PORT_5432_TCP_PORT`]: "5432",
    [`${name}_PORT_5432_TCP_ADDR`]: "10.0.0.1",
  };
}
