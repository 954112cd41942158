import http from "node:http";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { routeOf } from "../support/s3-server/route.js";

/** A proxy between an S3 client and a server. */
export interface LatencyProxy {
  /** What clients take for the server. Signatures stay valid: they are over this address, which the server gets to see as `Host`. */
  readonly endpoint: string;
  /** Requests since the start or the last `forget`, by S3 operation. */
  requests(): Readonly<Record<string, number>>;
  /** The most requests that were under way at once. */
  peak(): number;
  forget(): void;
  /** Holds further requests back for so many milliseconds. */
  setLatency(latency: number): void;
  stop(): Promise<void>;
}

/** Starts a proxy on loopback that holds every request back for `atFirst` milliseconds, and counts it. */
export async function startLatencyProxy(target: string, atFirst: number): Promise<LatencyProxy> {
  const agent = new http.Agent({ keepAlive: true });
  const counts = new Map<string, number>();
  let underWay = 0;
  let latency = atFirst;
  let peak = 0;
  const forward = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const operation = operationOf(request);
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
    peak = Math.max(peak, ++underWay);
    response.once("close", () => underWay--);
    await setTimeout(latency);
    const { hostname, port } = new URL(target);
    const onward = http.request({
      agent,
      hostname,
      port,
      path: request.url,
      method: request.method,
      headers: request.headers,
    });
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  };
  const server = http.createServer({ keepAliveTimeout: 0 }, (request, response) => void forward(request, response));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests: () => Object.fromEntries(counts),
    peak: () => peak,
    forget: () => {
      counts.clear();
      peak = underWay;
    },
    setLatency: (anew) => {
      latency = anew;
    },
    stop: async () => {
      server.closeAllConnections();
      agent.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** The S3 operation, or the method alone of a request that regcheck would not send. */
function operationOf({ method = "GET", url = "/", headers }: http.IncomingMessage): string {
  try {
    return routeOf(method, url, headers["x-amz-copy-source"] !== undefined).operation;
  } catch {
    return method;
  }
}
