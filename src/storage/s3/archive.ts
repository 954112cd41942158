import { nameOf } from "./errors.js";

/** Storage classes that are not read from at once. */
const CLASSES: ReadonlySet<string> = new Set(["GLACIER", "DEEP_ARCHIVE"]);

/** Whether a storage class has an archive's name. */
export function isArchiveClass(name: string): boolean {
  return CLASSES.has(name);
}

/** Objects of a class with an archive's name that are asked for, one GET each. */
const MOST_ASKED = 16;

/**
 * Whether objects of a class with an archive's name can be read. On AWS the listing says which were restored. Elsewhere any class may have such
 * a name (the manual of Ceph makes one named GLACIER that is only slower), so that the first few are asked for: where one is refused, the
 * others are taken to be archived too.
 */
export class Archive {
  #isOne: boolean;
  #asked = 0;

  constructor(
    isAws: boolean,
    /** Reads the first byte of an object. */
    private readonly read: (key: string) => Promise<unknown>,
  ) {
    this.#isOne = isAws;
  }

  /** Whether an object that is listed with such a class cannot be read as it is. */
  async holds(key: string): Promise<boolean> {
    if (this.#isOne || this.#asked >= MOST_ASKED) return this.#isOne;
    this.#asked++;
    try {
      await this.read(key);
      return false;
    } catch (error) {
      // Anything else is told by whoever reads the object.
      if (nameOf(error) !== "InvalidObjectState") return false;
      this.#isOne = true;
      return true;
    }
  }
}
