/** What the process's exit code says; the README's table is checked against this one. */
export const EXIT_CODES = {
  clean: 0,
  findings: 1,
  usage: 2,
  incomplete: 3,
  refused: 4,
  stopped: 5,
  internal: 70,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** One of the documented exit codes. */
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** An error that an operator can act on: its message is one clear line, and no stack is shown without `--debug`. */
export class OperatorError extends Error {
  override readonly name: string = "OperatorError";
  constructor(
    message: string,
    readonly exitCode: ExitCode,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The command line or the registry's configuration asks for something that cannot be (exit 2). */
export class UsageError extends OperatorError {
  override readonly name = "UsageError";
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT_CODES.usage, options);
  }
}

/** The message of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What an operator is told of something that was thrown; anything but an `OperatorError` is a bug, and thrown on. */
export function operatorMessage(error: unknown): string {
  if (error instanceof OperatorError) return error.message;
  throw error;
}
