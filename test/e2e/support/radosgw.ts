import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import crypto from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Target } from "../../support/s3-server/contract-subject.js";
import { findProgram, runProgram } from "./programs.js";
import { freePort } from "./registry.js";

const CREDENTIALS = { accessKeyId: "AK", secretAccessKey: "SK" };
/** Milliseconds between two looks at a server that is starting. */
const RETRY_DELAY = 200;
const ATTEMPTS = 300;
/** How often an OSD is started anew that ended at its start. */
const STARTS = 5;

/** A Ceph of one monitor and one OSD in memory, and its S3 gateway, on loopback: what an S3 server that is not ours does. */
export class Radosgw {
  readonly #processes: ChildProcess[] = [];
  readonly #config: string;

  private constructor(
    private readonly directory: string,
    private readonly ports: { readonly monitor: number; readonly gateway: number },
  ) {
    this.#config = path.join(directory, "ceph.conf");
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.ports.gateway}`;
  }

  /** What the contract of S3 servers is checked on. */
  get target(): Target {
    return { endpoint: this.endpoint, ...CREDENTIALS, dialect: "radosgw" };
  }

  /** Starts it with its files in an empty directory, which takes some ten seconds. Throws with what its processes said if it fails. */
  static async start(directory: string): Promise<Radosgw> {
    const gateway = new Radosgw(directory, { monitor: await freePort(), gateway: await freePort() });
    try {
      await gateway.#start();
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  async #start(): Promise<void> {
    const identity = crypto.randomUUID();
    for (const name of ["mon", "osd", "run"]) fs.mkdirSync(path.join(this.directory, name), { recursive: true });
    fs.writeFileSync(this.#config, configOf(this.directory, this.ports, identity));
    await this.#startMonitor(identity);
    await this.#startStore();
    await this.#spawn("radosgw", "-n", "client.rgw");
    await this.#until("radosgw answers", () => fetch(this.endpoint));
    await this.addUser("t", CREDENTIALS);
  }

  /** Adds a user: `arn:aws:iam:::user/<name>` in a policy. */
  async addUser(name: string, keys: { readonly accessKeyId: string; readonly secretAccessKey: string }): Promise<void> {
    const credentials = ["--access-key", keys.accessKeyId, "--secret-key", keys.secretAccessKey];
    await this.#run("radosgw-admin", "-n", "client.rgw", "user", "create", "--uid", name, "--display-name", name, ...credentials);
  }

  async #startMonitor(identity: string): Promise<void> {
    const map = path.join(this.directory, "monmap");
    const address = `[v1:127.0.0.1:${this.ports.monitor}]`;
    await runProgram("monmaptool", ["--create", "--addv", "a", address, "--fsid", identity, map]);
    await this.#run("ceph-mon", "--mkfs", "-i", "a", "--monmap", map);
    await this.#spawn("ceph-mon", "-i", "a");
    await this.#until("the monitor answers", () => this.#run("ceph", "--connect-timeout", "5", "-s"));
  }

  async #startStore(): Promise<void> {
    const identity = crypto.randomUUID();
    await this.#run("ceph", "osd", "new", identity);
    await this.#run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", identity);
    for (let attempt = 0; ; attempt++) {
      const store = await this.#spawn("ceph-osd", "-i", "0");
      const up = await this.#until("the OSD is up", () => this.#storeIsUp()).catch((error: unknown) => error);
      if (up === undefined) return;
      // Now and then it asks before it has the monitor's map, and ends with "wrong fsid".
      if (store.exitCode === null || attempt === STARTS) throw up;
      this.#processes.splice(this.#processes.indexOf(store), 1);
    }
  }

  async #storeIsUp(): Promise<void> {
    const state = await this.#run("ceph", "osd", "stat");
    if (!state.includes("1 up")) throw new Error(state);
  }

  #run(name: string, ...args: readonly string[]): Promise<string> {
    return runProgram(name, ["-c", this.#config, ...args]);
  }

  /** Starts a server that stays in the foreground. */
  async #spawn(name: string, ...args: readonly string[]): Promise<ChildProcess> {
    const log = fs.openSync(path.join(this.directory, `${name}.out`), "a");
    const child = spawn(findProgram(name), ["-c", this.#config, ...args, "-f"], { stdio: ["ignore", log, log] });
    fs.closeSync(log);
    await once(child, "spawn");
    this.#processes.push(child);
    return child;
  }

  async #until(what: string, succeeds: () => Promise<unknown>): Promise<void> {
    let problem: unknown;
    for (let attempt = 0; attempt < ATTEMPTS && this.#processes.every((child) => child.exitCode === null); attempt++) {
      try {
        await succeeds();
        return;
      } catch (error) {
        problem = error;
      }
      await setTimeout(RETRY_DELAY);
    }
    throw new Error(`waited in vain until ${what}: ${String(problem)}\n${this.#logs()}`);
  }

  #logs(): string {
    const logs = fs.readdirSync(this.directory).filter((name) => name.endsWith(".out"));
    return logs.map((name) => `${name}:\n${fs.readFileSync(path.join(this.directory, name), "utf8")}`).join("\n");
  }

  /** Ends all of it; the directory is the caller's. */
  async stop(): Promise<void> {
    const running = this.#processes.filter((child) => child.exitCode === null && child.signalCode === null);
    const ended = running.map((child) => once(child, "exit"));
    for (const child of running) child.kill("SIGKILL");
    await Promise.all(ended);
  }
}

/** Everything in memory and in the directory, nothing authenticated but S3's own requests. */
function configOf(directory: string, ports: { readonly monitor: number; readonly gateway: number }, identity: string): string {
  return `[global]
fsid = ${identity}
mon host = v1:127.0.0.1:${ports.monitor}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default pg num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data avail crit = 1
osd objectstore = memstore
memstore device bytes = 2147483648
osd data = ${directory}/osd
admin socket = ${directory}/run/$name.$pid.asok
log file = ${directory}/$name.log
[mon.a]
mon data = ${directory}/mon
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${ports.gateway} tcp_nodelay=1
`;
}
