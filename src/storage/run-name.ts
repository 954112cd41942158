const RUN_ID = /^\d{8}T\d{9}Z-\w+$/;

/** Whether a word has the form of a run's name. */
export function isRunId(word: string): boolean {
  return RUN_ID.test(word);
}

/** When a run began by its name, in milliseconds since 1970: for one that has no journal any more. NaN where the name has no such time. */
export function timeOfRun(runId: string): number {
  return Date.parse(runId.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z.*$/, "$1-$2-$3T$4:$5:$6.$7Z"));
}
