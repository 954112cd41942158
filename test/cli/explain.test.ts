import fs from "node:fs";
import path from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { ROOT_KINDS } from "#regcheck/explain/chains.js";
import { KINDS, VERDICTS } from "#regcheck/explain/explanation.js";
import { blobFile, RegistryBuilder, sha256 } from "../support/builder.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { written } from "../support/temporary.js";

const SOURCE = path.resolve(import.meta.dirname, "../../src");
const readSchema = (file: string): Record<string, unknown> =>
  JSON.parse(fs.readFileSync(path.join(SOURCE, file), "utf8")) as Record<string, unknown>;
const schema = readSchema("explain/explanation.schema.json");

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The schema with no room for names that it does not have: what the program prints is all described. */
function closed(json: Json): Json {
  if (Array.isArray(json)) return json.map(closed);
  if (typeof json !== "object" || json === null) return json;
  const inner = Object.fromEntries(Object.entries(json).map(([key, value]) => [key, closed(value)]));
  return "properties" in inner ? { ...inner, additionalProperties: false } : inner;
}

function problemsOf(explanation: unknown): string {
  const formats = { "date-time": (text: string) => new Date(text).toISOString() === text };
  const ajv = new Ajv2020({ strict: true, allErrors: true, formats });
  ajv.addSchema(readSchema("report/report.schema.json"));
  const validate = ajv.compile(closed(schema as unknown as Json) as object);
  validate(explanation);
  return ajv.errorsText(validate.errors);
}

const explainFixture = (...args: readonly string[]) => regcheck(["explain", ...args, "--storage", FIXTURE, "--grace", "0"]);

/** Of the fixture: what each kind of answer is about, and the verdict that it has as it is. */
const ANSWERS = {
  "library/nginx:1.27": "alive",
  "team/web:9": "alive",
  "team/api:v1.3": "alive",
  "team/api:v1.2": "missing",
  "team/batch:2024.06": "unresolved",
  "team/batch:2024.05": "unresolved",
  "team/batch:-latest": "alive",
  "docs/UPPER:latest": "alive",
  "library/nginx@62bfd346df38": "garbage",
  "2373806933a4": "garbage",
  feceaf5b47bf: "missing",
  "5e5e5e5e": "missing",
} as const;

describe("regcheck explain", () => {
  test.each(Object.entries(ANSWERS))("%s: %s, in JSON as the published schema says", async (reference, verdict) => {
    const { exitCode, stdout, stderr } = await explainFixture(reference, "--format", "json", "--all");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const explanation = JSON.parse(stdout) as { verdict: string };
    expect(explanation.verdict).toBe(verdict);
    expect(problemsOf(explanation)).toBe("No errors");
    expect(problemsOf({ ...explanation, surprise: true })).not.toBe("No errors");
  });

  test("the schema has the kinds, the verdicts and the roots of the program", () => {
    const root = { properties: { root: { properties: { kind: { enum: ROOT_KINDS } } } } };
    expect(schema).toMatchObject({
      properties: { verdict: { enum: VERDICTS }, kind: { enum: KINDS } },
      $defs: { chain: root },
    });
  });

  test("shows a chain as a tree, with the damage in its place and what to do", async () => {
    const layer = sha256("web 9, a layer without a link\n".repeat(Math.ceil((8 * 1024) / 30)));
    const { stdout } = await explainFixture(layer);
    expect(stdout).toMatch(
      new RegExp(
        `\\nALIVE: tag team/web:9 keeps it\\.\\n\\ntag team/web:9\\n└─ manifest sha256:\\w{64}  912 B\\n   └─ layer ${layer}  8.22 kB  ← this\\n      ✗ layer-link-missing: `,
      ),
    );
    expect(stdout).toMatch(/\nWhat to do\n {2}layer-link-missing → Pulls fail with 'blob unknown'\./);
  });

  test("says why it is garbage, since when, and what goes with it", async () => {
    const { stdout } = await explainFixture("2373806933a4");
    expect(stdout).toContain("GARBAGE: no manifest that is linked names it");
    expect(stdout).toContain("Since when\n  Not before ");
    expect(stdout).toContain("What goes with it\n  3.63 kB would be freed: itself and 2 blobs that only it refers to\n");
  });

  test("a foreign layer need not be stored", async () => {
    expect((await explainFixture("5e5e5e5e")).stdout).toContain("NOT STORED: nor need it be");
  });

  test("an unknown reference is a usage error in one line", async () => {
    const { exitCode, stdout, stderr } = await explainFixture("sha256:0000000000");
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toBe("regcheck: sha256:0000000000: neither stored nor referred to by anything\n");
  });

  test("of a storage that cannot be read in part, the explanation may be partial: exit code 3", async () => {
    const registry = new RegistryBuilder();
    const image = registry.repository("app").image({ layers: ["a layer"], tag: "1" });
    registry.repository("broken").image({ layers: ["another"], tag: "1" });
    const directory = written(registry.tree);
    const link = path.join(directory, "docker/registry/v2/repositories/broken/_manifests/tags/1/current/link");
    fs.rmSync(link);
    fs.mkdirSync(link);
    const args = ["explain", image.digest, "--storage", directory, "--grace", "0"];
    const text = await regcheck(args);
    expect(text.exitCode).toBe(3);
    expect(text.stdout).toContain("INCOMPLETE: something could not be read, so this may be partial.\n  docker/registry/v2/");
    const { exitCode, stdout } = await regcheck([...args, "--format", "json"]);
    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ complete: false, exitCode: 3, unreadable: [{ code: "storage-unreadable" }] });
    expect(problemsOf(JSON.parse(stdout))).toBe("No errors");
  });

  test("names out of the storage cannot act on a terminal", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("app");
    const image = app.image({ layers: ["a layer"] });
    app.tag("evil\u001b[2Jtag", image.digest);
    registry.tree.remove(blobFile(sha256("a layer")));
    const { stdout } = await regcheck(["explain", sha256("a layer"), "--storage", written(registry.tree), "--all"]);
    expect(stdout).toContain("tag app:evil\\u{1b}[2Jtag");
    expect(stdout).not.toContain("\u001b");
  });
});
