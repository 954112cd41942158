import { OperatorError } from "../../errors.js";
import { addRequests } from "../requests.js";
import type { StorageRequests } from "../requests.js";
import type { Task, TaskOutcome } from "./tasks.js";

/** A task, and who has asked for it. */
export interface Job {
  readonly task: Task;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
  readonly onBytes: (bytes: number) => void;
  readonly requests: StorageRequests;
}

/** Gives the result of a task to whoever has asked for it. */
export function answerJob({ resolve, reject, requests }: Job, outcome: TaskOutcome): void {
  addRequests(requests, outcome.requests);
  if ("refusal" in outcome) {
    // A message between threads keeps of an error neither its class nor its fields.
    const { message, exitCode, cause } = outcome.refusal;
    reject(new OperatorError(message, exitCode, { cause }));
    return;
  }
  // A task is answered with its own kind of result; the type of `run` ties the two together.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  resolve(outcome.result as never);
}
