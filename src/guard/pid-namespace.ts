import fs from "node:fs";

/** Where a process number means one process: not in another PID namespace, as of a container, nor after another start of the system. */
export interface PidNamespace {
  readonly bootId: string;
  readonly pidNamespace: string;
}

/** The one of this process; undefined where the system does not tell, as on macOS. */
export function ownPidNamespace(): PidNamespace | undefined {
  try {
    const bootId = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const pidNamespace = fs.readlinkSync("/proc/self/ns/pid");
    return bootId === "" ? undefined : { bootId, pidNamespace };
  } catch {
    return undefined;
  }
}
