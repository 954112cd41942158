import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Target } from "../../support/s3-server/contract-subject.js";
import { findProgram } from "./programs.js";
import { freePort } from "./registry.js";

/** `rclone` takes no short ones. */
const CREDENTIALS = { accessKeyId: "AKIAREGCHECKEXAMPLE0", secretAccessKey: "regcheck/example/secret/of/no/account" };
/** Milliseconds between two looks at a server that is starting. */
const RETRY_DELAY = 50;
const ATTEMPTS = 1200;

interface Program {
  readonly program: string;
  readonly args: (directory: string, address: string) => readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const MINIO: Program = {
  program: "minio",
  args: (directory, address) => ["server", "--address", address, directory],
  environment: {
    MINIO_ROOT_USER: CREDENTIALS.accessKeyId,
    MINIO_ROOT_PASSWORD: CREDENTIALS.secretAccessKey,
    MINIO_BROWSER: "off",
  },
};
/** `.ci/run` does not install it, which takes long to build: who has it says so with `REGCHECK_E2E_MINIO=1`. */
const ASKED_FOR = process.env["REGCHECK_E2E_MINIO"] === "1" ? { minio: MINIO, "minio with versions": MINIO } : {};

/** S3 servers that are one program, with their data in a directory. */
export const S3_PROGRAMS: Readonly<Record<string, Program>> = {
  versitygw: {
    program: "versitygw",
    args: (directory, address) => ["--port", address, "posix", directory],
    environment: { ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey },
  },
  "versitygw with versions": {
    program: "versitygw",
    args: (directory, address) => ["--port", address, "posix", "--versioning-dir", `${directory}-versions`, directory],
    environment: { ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey },
  },
  "rclone serve s3": {
    program: "rclone",
    args: (directory, address) => {
      const keys = `${CREDENTIALS.accessKeyId},${CREDENTIALS.secretAccessKey}`;
      return ["serve", "s3", "--config", "", "--addr", address, "--auth-key", keys, directory];
    },
  },
  ...ASKED_FOR,
};

/** An S3 server on loopback. */
export class S3Program {
  private constructor(
    readonly target: Target,
    private readonly process: ChildProcess,
  ) {}

  /** Starts it with its data and log below a directory. Throws with what it said if it fails. */
  static async start(name: string, directory: string): Promise<S3Program> {
    const named = S3_PROGRAMS[name];
    if (named === undefined) throw new Error(`${name} is no such server`);
    const { program, args, environment = {} } = named;
    const address = `127.0.0.1:${await freePort()}`;
    for (const folder of ["data", "data-versions"]) fs.mkdirSync(path.join(directory, folder), { recursive: true });
    const file = path.join(directory, "server.log");
    const log = fs.openSync(file, "a");
    const child = spawn(findProgram(program), [...args(path.join(directory, "data"), address)], {
      stdio: ["ignore", log, log],
      env: { PATH: process.env["PATH"], HOME: directory, ...environment },
    });
    fs.closeSync(log);
    await once(child, "spawn");
    const endpoint = `http://${address}`;
    for (let attempt = 0; attempt < ATTEMPTS && child.exitCode === null; attempt++) {
      if ((await fetch(endpoint).catch(() => undefined)) !== undefined) return new S3Program({ endpoint, ...CREDENTIALS }, child);
      await setTimeout(RETRY_DELAY);
    }
    child.kill("SIGKILL");
    throw new Error(`${name} did not start:\n${fs.readFileSync(file, "utf8")}`);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }
}
