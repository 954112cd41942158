/** An object of which some methods are others; all else is its own. */
export function wrapped<T extends object>(target: T, others: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      const other: unknown = Reflect.get(others, name);
      if (other !== undefined) return other;
      const own: unknown = Reflect.get(target, name, target);
      return typeof own === "function" ? (own as (...args: unknown[]) => unknown).bind(target) : own;
    },
  });
}
