/** The directory of a path; empty for what lies in the root. */
export function parentOf(file: string): string {
  return file.slice(0, Math.max(0, file.lastIndexOf("/")));
}

/** The directories above a path, the topmost first. */
export function ancestorsOf(file: string): string[] {
  const parent = parentOf(file);
  return parent === "" ? [] : [...ancestorsOf(parent), parent];
}
