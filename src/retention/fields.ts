/** A mapping of a policy file, whose values are taken out one by one; `refuse` gets to know where what is wrong stands. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(
    private readonly value: unknown,
    /** For people: `releases.condition`. */
    private readonly place: string,
    private readonly onRefuse: (why: string) => never,
  ) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      this.refuse(`expected a mapping, not ${show(value)}`);
    this.#values = new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
  }

  /** The same mapping, which from now on is known by this name. */
  called(place: string): Fields {
    return new Fields(this.value, place, this.onRefuse);
  }

  refuse(why: string): never {
    return this.onRefuse(`${this.place}: ${why}`);
  }

  /** Says of a key what is wrong with it. */
  refuseKey(key: string, why: string): never {
    return this.onRefuse(`${this.place}.${key}: ${why}`);
  }

  /** Refuses every other key: `why` says more than that it is unknown. */
  allow(keys: readonly string[], why: ReadonlyMap<string, string> = new Map()): void {
    for (const key of this.#values.keys())
      if (!keys.includes(key)) this.refuseKey(key, why.get(key) ?? `there is no such key; expected ${keys.join(", ")}`);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  map(key: string): Fields {
    return this.optionalMap(key) ?? this.refuse(`${key} is missing`);
  }

  optionalMap(key: string): Fields | undefined {
    return this.has(key) ? new Fields(this.#values.get(key), `${this.place}.${key}`, this.onRefuse) : undefined;
  }

  text(key: string): string {
    return this.optionalText(key) ?? this.refuse(`${key} is missing`);
  }

  optionalText(key: string): string | undefined {
    if (!this.has(key)) return undefined;
    const value = this.#values.get(key);
    return typeof value === "string" && value !== "" ? value : this.refuseKey(key, `expected a text, not ${show(value)}`);
  }

  /** One of some words, in whatever case: the API and Terraform write them in capitals. */
  choice<Word extends string>(key: string, words: readonly Word[]): Word {
    const text = this.text(key);
    const word = words.find((one) => one.toLowerCase() === text.toLowerCase());
    return word ?? this.refuseKey(key, `expected ${words.join(" or ")}, not ${show(text)}`);
  }

  optionalChoice<Word extends string>(key: string, words: readonly Word[]): Word | undefined {
    return this.has(key) ? this.choice(key, words) : undefined;
  }

  /** Texts, one at least; undefined where the key is not there. */
  optionalTexts(key: string): readonly string[] | undefined {
    if (!this.has(key)) return undefined;
    const value = this.#values.get(key);
    if (!Array.isArray(value)) return this.refuseKey(key, `expected a list, not ${show(value)}`);
    if (value.length === 0)
      return this.refuseKey(key, "the list is empty, which could mean nothing or everything: leave the key out");
    return value.map((item: unknown) => {
      if (typeof item === "string" && item !== "") return item;
      return this.refuseKey(key, `expected texts, not ${show(item)}${typeof item === "number" ? ": write it in quotes" : ""}`);
    });
  }

  /** A whole number from 1 on. */
  count(key: string): number {
    if (!this.has(key)) this.refuse(`${key} is missing`);
    const value = this.#values.get(key);
    return typeof value === "number" && Number.isSafeInteger(value) && value > 0
      ? value
      : this.refuseKey(key, `expected a whole number from 1 on, not ${show(value)}`);
  }

  /** A time span in seconds. */
  optionalTimeSpan(key: string): number | undefined {
    if (!this.has(key)) return undefined;
    const value = this.#values.get(key);
    const [, amount = "", unit = ""] = /^(\d+)([smhd])$/.exec(typeof value === "string" ? value : "") ?? [];
    const seconds = Number(amount) * (SECONDS[unit] ?? 0);
    return seconds > 0 && Number.isSafeInteger(seconds)
      ? seconds
      : this.refuseKey(key, `expected a time span such as 90s, 30m, 12h or 7d, not ${show(value)}`);
  }
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function show(value: unknown): string {
  const text = value === null || value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
