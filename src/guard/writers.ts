import type { RegistryConfig } from "../registry/config.js";
import type { Marked } from "../mark/marked.js";
import type { Storage } from "../storage/storage.js";
import type { Verdict } from "./guard.js";
import { probe } from "./probe.js";
import type { ProbeAnswer, ProbeOptions, ProbeTarget } from "./probe.js";
import { chooseExhibits, whyNotServed } from "./serving.js";
import type { Exhibits } from "./serving.js";

/** What is known about who may be writing. */
export interface WriterOptions {
  /** One for each replica. */
  readonly registryUrls: readonly string[];
  /** The operator says that no registry runs. */
  readonly registryStopped: boolean;
  readonly config: RegistryConfig | undefined;
  readonly probe: ProbeOptions;
}

/** What is known of who writes. */
export interface WritersVerdict extends Verdict {
  readonly rule: "no-writers";
  /** Whether a registry was asked: nothing but the operator's word is no proof. */
  readonly isProven: boolean;
}

/** The verdict, as others are. */
export function plain({ isProven: _isProven, ...verdict }: WritersVerdict): Verdict {
  return verdict;
}

/**
 * Rule 2: each registry answers as read-only, or the operator says that it is stopped and nothing contradicts that. A config that says
 * read-only is no such word: it may be of another process, or of one that was not restarted, and nobody listens at its address where a
 * container has another port. With `exhibits`, each must show that it serves this storage: a read-only one on another storage says nothing.
 */
export async function judgeWriters(options: WriterOptions, exhibits?: () => Promise<Exhibits>): Promise<WritersVerdict> {
  const answers = await Promise.all(
    targetsOf(options).map(async (target) => ({ ...target, answer: await probe(target, options.probe) })),
  );
  const evidence = answers.map(({ url, answer }) => `${url}: ${describe(answer)}`).join("; ");
  const refuse = (why: string, remedy: string): WritersVerdict => {
    return { rule: "no-writers", passed: false, isProven: false, evidence: why, remedy };
  };
  if (answers.some(({ answer }) => answer.kind === "writable"))
    return refuse(
      evidence,
      "Make every registry read-only (storage.maintenance.readonly.enabled: true in its config, and a restart), or stop it.",
    );
  if (answers.some(({ answer }) => answer.kind === "unclear"))
    return refuse(evidence, "Give URLs at which the registries themselves answer, one for each replica.");
  const strangers = exhibits === undefined ? [] : await findStrangers(answers, await exhibits(), options.probe);
  if (strangers.length > 0)
    return refuse(
      `cannot tell that it serves this storage: ${strangers.join("; ")}`,
      "Give the URLs of the registries on this storage, each with its port and prefix; or stop them, and say --registry-stopped.",
    );
  const isRefused = answers.some(({ answer }) => answer.kind === "refused");
  const served = exhibits !== undefined && answers.some(isReadOnly) ? ", each on this storage" : "";
  if (answers.length > 0 && !isRefused)
    return { rule: "no-writers", passed: true, isProven: true, evidence: `${evidence}${served}` };
  if (!options.registryStopped)
    return refuse(
      evidence === "" ? "nothing says that the registry is read-only or stopped" : evidence,
      `${options.config?.readOnly === true && isRefused ? "That the config says read-only proves nothing of a process. " : ""}Give --registry-url of every read-only registry, or say --registry-stopped when none runs.`,
    );
  const stated = "--registry-stopped says that none runs";
  const seen = evidence === "" ? stated : `${stated}; ${evidence}`;
  return { rule: "no-writers", passed: true, isProven: answers.length > 0, evidence: seen };
}

/** The same once more after a mark, from which it is known what each registry can be asked for; what refused before it still does. */
export async function judgeWritersAgain(
  before: WritersVerdict,
  options: WriterOptions,
  storage: Storage,
  { repositories }: Pick<Marked, "repositories">,
): Promise<WritersVerdict> {
  if (!before.passed) return before;
  return judgeWriters(options, () =>
    chooseExhibits(
      storage,
      repositories.map(({ witness }) => witness),
    ),
  );
}

interface Asked extends ProbeTarget {
  readonly answer: ProbeAnswer;
}

function isReadOnly({ answer }: Asked): boolean {
  return answer.kind === "read-only";
}

/** Read-only registries that do not show that they serve this storage, each with the reason. */
async function findStrangers(answers: readonly Asked[], exhibits: Exhibits, options: ProbeOptions): Promise<readonly string[]> {
  const reasons = await Promise.all(
    answers.filter(isReadOnly).map(async (target) => {
      const why = await whyNotServed(target, exhibits, options);
      return why === undefined ? [] : `${target.url}: ${why}`;
    }),
  );
  return reasons.flat();
}

/** Every URL that is known, each once. */
function targetsOf({ registryUrls, config }: WriterOptions): ProbeTarget[] {
  const given = [...new Set(registryUrls)].map((url) => ({ url, isOwn: false }));
  const own = config === undefined ? undefined : ownUrl(config);
  return own === undefined || registryUrls.includes(own) ? given : [...given, { url: own, isOwn: LOOPBACK.test(own) }];
}

/** Only what is on this machine for certain is asked without a look at its certificate. */
const LOOPBACK = /^https?:\/\/(?:localhost|127(?:\.\d+){3}|\[::1\]):/;

/** The URL at which the config's registry answers on this machine; undefined where it has none, as with a Unix socket. */
function ownUrl({ httpAddress, httpPrefix, tls }: RegistryConfig): string | undefined {
  const match = /^(.*):(\d+)$/.exec(httpAddress ?? "");
  if (match === null) return undefined;
  const [, host = "", port = ""] = match;
  const name = host === "" || host === "0.0.0.0" || host === "[::]" ? "localhost" : host;
  const url = `${tls ? "https" : "http"}://${name}:${port}${httpPrefix ?? ""}`;
  return URL.canParse(url) ? url : undefined;
}

function describe(answer: ProbeAnswer): string {
  switch (answer.kind) {
    case "read-only":
      return "read-only";
    case "writable":
      return "takes writes";
    case "refused":
      return "nobody listens";
    case "unclear":
      return answer.why;
  }
}
