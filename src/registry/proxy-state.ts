/**
 * Why a registry cannot read its `scheduler-state.json`, and panics when it starts as a pull-through cache; undefined when it can
 * (`proxy/scheduler/scheduler.go`, `readState`: a map of entries).
 */
export function proxyStateProblem(content: string): string | undefined {
  if (content === "") return "it is empty";
  let state: unknown;
  try {
    state = JSON.parse(content);
  } catch {
    return "it is no JSON";
  }
  const isMap = (value: unknown): boolean => value === null || (typeof value === "object" && !Array.isArray(value));
  if (state === null) return undefined;
  if (typeof state !== "object" || Array.isArray(state)) return "it holds no JSON object";
  return Object.values(state).every(isMap) ? undefined : "an entry of it is no JSON object";
}
