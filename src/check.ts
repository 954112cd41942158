import { mark } from "./mark/mark.js";
import type { Progress } from "./mark/mark.js";
import type { Policy } from "./mark/policy.js";
import { noticesOf } from "./report/notices.js";
import { makeReport } from "./report/report.js";
import type { Report } from "./report/report.js";
import type { Storage } from "./storage/storage.js";

/** What a check is told, besides where the storage is. */
export interface CheckOptions {
  readonly policy: Policy;
  readonly matchesRepository?: ((name: string) => boolean) | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** The main job: inventory and mark, then report. Reads the storage once and writes nothing. */
export async function check(storage: Storage, { policy, matchesRepository, onProgress }: CheckOptions): Promise<Report> {
  const startedAt = Date.now();
  const notices = noticesOf(await storage.markers());
  const marked = await mark(storage, policy, onProgress);
  return makeReport(marked, {
    storage: { driver: storage.driver, location: storage.location },
    startedAt,
    policy,
    notices,
    requests: storage.requests,
    requestPrices: storage.requestPrices,
    matchesRepository,
  });
}
