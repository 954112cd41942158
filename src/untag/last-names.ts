import { EXIT_CODES, OperatorError } from "../errors.js";

/** `untag` takes tags and nothing else: not what a sweep would take only because they have gone. Throws an `OperatorError`. */
export function refuseLastNames(repository: string, [first]: ReadonlyMap<string, string>): void {
  if (first === undefined) return;
  const [tag, digest] = first;
  throw new OperatorError(
    `${repository}:${tag}: the repository has ${digest} by a layer link alone, as registry 2.1.0 wrote it: without this tag the next sweep would take it. regcheck repair revision-link-missing writes the link of what a tag names; what one has only named before goes with --delete-untagged. Nothing was removed.`,
    EXIT_CODES.refused,
  );
}
