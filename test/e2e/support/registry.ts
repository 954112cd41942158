import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import crypto from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { findProgram, runProgram } from "./programs.js";

/** The real registries: Debian's 2.8, and 3.1 as a Go module. */
export const REGISTRIES = { "2.8": "docker-registry", "3.1": "registry" } as const;
export type RegistryVersion = keyof typeof REGISTRIES;

export interface RegistryOptions {
  readonly version: RegistryVersion;
  /** Where its config and log go. */
  readonly directory: string;
  /** The `storage:` section without its key; by default a filesystem in `<directory>/storage`. */
  readonly storage?: Readonly<Record<string, unknown>>;
  readonly readOnly?: boolean;
  /** A file of `htpasswd -B` whose users alone are answered. */
  readonly htpasswd?: string;
  /** The system's number of the user who runs it; whoever runs the tests by default. */
  readonly user?: number;
  /** Variables that it gets besides those that it needs. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A config.yml in place of all that, for an address. */
  readonly text?: (address: string) => string;
}

/** Below the ports that a system gives to outgoing connections: nothing gets one by chance after it was found free, or while a server is restarted. */
const PORTS = { first: 15_000, last: 31_999 } as const;

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = crypto.randomInt(PORTS.first, PORTS.last + 1);
    const server = net.createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

/** A registry that runs on loopback. */
export class RealRegistry {
  private constructor(
    readonly options: RegistryOptions,
    readonly address: string,
    readonly config: string,
    private readonly process: ChildProcess,
  ) {}

  get url(): string {
    return `http://${this.address}`;
  }

  /** The storage's root on a filesystem. */
  get root(): string {
    return path.join(this.options.directory, "storage");
  }

  static async start(options: RegistryOptions, port?: number): Promise<RealRegistry> {
    const address = `127.0.0.1:${port ?? (await freePort())}`;
    const config = path.join(options.directory, "config.yml");
    fs.mkdirSync(path.join(options.directory, "storage"), { recursive: true });
    fs.writeFileSync(config, options.text?.(address) ?? JSON.stringify(configOf(options, address), undefined, 2));
    const log = fs.openSync(path.join(options.directory, "registry.log"), "a");
    const child = spawn(programFor(options), ["serve", config], {
      stdio: ["ignore", log, log],
      cwd: options.directory,
      env: { PATH: process.env["PATH"], OTEL_TRACES_EXPORTER: "none", ...options.environment },
      ...(options.user === undefined ? {} : { uid: options.user, gid: options.user }),
    });
    fs.closeSync(log);
    const registry = new RealRegistry(options, address, config, child);
    await registry.#untilReady();
    return registry;
  }

  async #untilReady(): Promise<void> {
    for (let attempt = 0; attempt < 1200; attempt++) {
      if (this.process.exitCode !== null) break;
      const answer = await fetch(`${this.url}/v2/`).catch(() => undefined);
      if (answer?.ok === true || answer?.status === 401) return;
      await setTimeout(50);
    }
    throw new Error(
      `registry ${this.options.version} did not start:\n${fs.readFileSync(path.join(this.options.directory, "registry.log"), "utf8")}`,
    );
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }

  /** Stops it and starts it again on the same address, with other options. */
  async restart(change: Partial<RegistryOptions> = {}): Promise<RealRegistry> {
    await this.stop();
    return RealRegistry.start({ ...this.options, ...change }, Number(this.address.split(":")[1]));
  }

  /** What the registry's own collector says that it would do, or has done. */
  collect(...options: readonly string[]): Promise<string> {
    return runProgram(REGISTRIES[this.options.version], ["garbage-collect", ...options, this.config]);
  }
}

/** Another user may not get at the program where it lies: that one gets a copy. */
function programFor({ version, directory, user }: RegistryOptions): string {
  const program = findProgram(REGISTRIES[version]);
  if (user === undefined) return program;
  const copy = path.join(directory, "registry");
  fs.copyFileSync(program, copy);
  fs.chmodSync(copy, 0o755);
  return copy;
}

function configOf({ directory, storage, readOnly = false, htpasswd }: RegistryOptions, address: string): object {
  return {
    version: 0.1,
    log: { level: "warn", accesslog: { disabled: true } },
    storage: {
      ...(storage ?? { filesystem: { rootdirectory: path.join(directory, "storage") } }),
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false }, readonly: { enabled: readOnly } },
    },
    http: { addr: address, relativeurls: true },
    ...(htpasswd === undefined ? {} : { auth: { htpasswd: { realm: "registry", path: htpasswd } } }),
    // 2.8 refuses schema 1 unless it is told otherwise; 3.x has no such thing.
    compatibility: { schema1: { enabled: true } },
    // 3.x refuses an index whose children it does not have, which is what we want.
  };
}

/** A config.yml as an operator has it, of a registry on a filesystem that takes writes: `readonly` has a line of its own, to be edited. */
export function writableConfig(storage: string, address: string): string {
  return `version: 0.1
log:
  level: warn
storage:
  filesystem:
    rootdirectory: ${storage}
  delete:
    enabled: true
  maintenance:
    uploadpurging:
      enabled: false
    readonly:
      enabled: false
http:
  addr: ${address}
  relativeurls: true
`;
}
