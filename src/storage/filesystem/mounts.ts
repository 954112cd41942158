import fs from "node:fs";

/**
 * The number of the mount that a file or directory is on: nothing can be linked or renamed from one mount to another, not even between two
 * mounts of one filesystem, whose device is the same. Undefined where the system does not tell, as on macOS. Throws where it cannot be opened.
 */
export function mountOf(file: string): number | undefined {
  // A pipe would be waited for.
  const opened = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    const number = /^mnt_id:\s*(\d+)$/m.exec(readOf(`fdinfo/${opened}`))?.[1];
    return number === undefined ? undefined : Number(number);
  } finally {
    fs.closeSync(opened);
  }
}

/**
 * The mount points below a directory, absolute as it is, which has no symbolic link in it. One that another mount lies over is among them:
 * its path may be gone. None where the system does not tell.
 */
export function mountPointsBelow(directory: string): string[] {
  return mountPoints(readOf("mountinfo")).filter((point) =>
    point.startsWith(directory.endsWith("/") ? directory : `${directory}/`),
  );
}

/** The mount points of a `/proc/PID/mountinfo`: the fifth field of each line, in which a space, for one, is written as `\040`. */
export function mountPoints(mountinfo: string): string[] {
  return mountinfo.split("\n").flatMap((line) => {
    const point = line.split(" ")[4];
    return point === undefined ? [] : [point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => unescaped(octal))];
  });
}

function unescaped(octal: string): string {
  return String.fromCharCode(Number.parseInt(octal, 8));
}

/** What the system says of this process; nothing where it does not tell. */
function readOf(name: string): string {
  try {
    return fs.readFileSync(`/proc/self/${name}`, "utf8");
  } catch {
    return "";
  }
}
