import fs from "node:fs";
import http from "node:http";
import { once } from "node:events";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatHtml } from "#regcheck/report/html/html.js";
import { sha256 } from "../support/builder.js";
import { manyFindings, reportOf, repositoryOf } from "../support/report.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { makeTemporaryDirectory } from "../support/temporary.js";
import { startChromium } from "./support/browser.js";

const SIZES = [
  { width: 360, height: 780 },
  { width: 1440, height: 900 },
] as const;
const LONG = "a-name-that-no-line-can-hold/".repeat(6) + "x".repeat(60);

describe("the HTML report in Chromium", () => {
  let browser: Browser;
  const directory = makeTemporaryDirectory();
  const fixture = path.join(directory, "fixture.html");

  beforeAll(async () => {
    browser = await startChromium();
    // With all that the page can have: pins that are missing, and findings that are new.
    const [pins, baseline] = [path.join(directory, "pins"), path.join(directory, "baseline")];
    fs.writeFileSync(pins, Array.from({ length: 30 }, (_, i) => sha256(String(i))).join("\n"));
    await regcheck([FIXTURE, "--grace", "0", "--format", "ndjson", "--repository", "team/*", "--output", baseline]);
    const options = ["--delete-untagged", "--keep", pins, "--baseline", baseline];
    await regcheck([FIXTURE, "--grace", "0", ...options, "--format", "html", "--output", fixture]);
  });

  afterAll(async () => {
    await browser.close();
    fs.rmSync(directory, { recursive: true });
  });

  /** Opens a page and notes all that it complains of and asks for; both lists keep growing. */
  async function open(url: string, options: Parameters<Browser["newPage"]>[0] = {}) {
    const page = await browser.newPage(options);
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(url);
    return { page, complaints, requests };
  }

  /** A page made of a report that no storage is at hand for. */
  function write(name: string, report: Parameters<typeof formatHtml>[0]): string {
    const file = path.join(directory, name);
    fs.writeFileSync(file, [...formatHtml(report, { name: "regcheck", version: "0" }, 1)].join(""));
    return pathToFileURL(file).href;
  }

  const overflow = (page: Page): Promise<number> =>
    page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

  describe.each(SIZES)("at $width pixels", (viewport) => {
    test.each(["light", "dark"] as const)("in %s, fits without scrolling sideways, silently", async (colorScheme) => {
      const url = pathToFileURL(fixture).href;
      const { page, complaints, requests } = await open(url, { viewport, colorScheme });
      expect(await overflow(page)).toBe(0);
      await page.evaluate('for (const details of document.querySelectorAll("details")) details.open = true');
      expect(await overflow(page)).toBe(0);
      const verdict = await page.locator(".verdict").boundingBox();
      expect((verdict?.y ?? Infinity) + (verdict?.height ?? 0)).toBeLessThan(250);
      expect(await page.locator("svg.treemap:visible").count()).toBe(1);
      const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      expect(background).toMatch(colorScheme === "dark" ? /^rgb\((?:\d|[1-5]\d), / : /^rgb\(2\d\d, /);
      expect({ complaints, requests }).toEqual({ complaints: [], requests: [url] });
      await page.close();
    });

    test("fits with names of any length", async () => {
      const {
        code,
        path: link,
        ...rest
      } = { code: "blob-missing", path: LONG, repository: LONG, tag: LONG, cause: { kind: "fault", fault: LONG } } as const;
      const repositories = [repositoryOf(LONG, { bytes: 10, exclusiveBytes: 10, findings: { [code]: 1 } })];
      const report = reportOf([{ code, path: link, ...rest }], { repositories, storage: { driver: "s3", location: LONG } });
      const { page } = await open(write("long.html", report), { viewport });
      expect(await overflow(page)).toBe(0);
      await page.close();
    });

    test("can be read without scripts: findings unfold, and no filter pretends to work", async () => {
      const { page, complaints } = await open(pathToFileURL(fixture).href, { viewport, javaScriptEnabled: false });
      expect(await page.locator("#filter").isVisible()).toBe(false);
      const garbage = page.locator("details.code", { hasText: "blob-unreferenced" });
      expect(await garbage.locator("li").first().isVisible()).toBe(false);
      await garbage.locator("summary").click();
      expect(await garbage.locator("li").first().isVisible()).toBe(true);
      expect(complaints).toEqual([]);
      await page.close();
    });
  });

  test("served by a web server, asks it for nothing but itself", async () => {
    const asked: (string | undefined)[] = [];
    const server = http.createServer(({ url }, response) => {
      asked.push(url);
      response.setHeader("content-type", "text/html").end(fs.readFileSync(fixture));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const { page, complaints } = await open(`http://127.0.0.1:${port}/report.html`);
    await page.waitForTimeout(500);
    await page.close();
    server.close();
    expect({ asked, complaints }).toEqual({ asked: ["/report.html"], complaints: [] });
  });

  test("filters by words and by severity", async () => {
    const { page, complaints } = await open(pathToFileURL(fixture).href);
    const rows = page.locator("#findings li:visible");
    const count = page.locator("#filter output");
    await page.fill("#filter [name=text]", "team/api tag-dangling");
    await count.filter({ hasText: /^2 of \d+ shown$/ }).waitFor();
    expect(await rows.count()).toBe(2);
    await page.uncheck("#filter [name=error]");
    await count.filter({ hasText: /^0 of \d+ shown$/ }).waitFor();
    expect(await page.locator("details.code:visible").count()).toBe(0);
    await page.check("#filter [name=error]");
    await page.fill("#filter [name=text]", "");
    await count.filter({ hasText: /^$/ }).waitFor({ state: "attached" });
    expect(await page.locator("details.code:visible").count()).toBe(await page.locator("details.code").count());
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("prints without the controls, on paper of A4", async () => {
    const { page } = await open(pathToFileURL(fixture).href);
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("#filter").isVisible()).toBe(false);
    expect(await page.locator(".remedy:visible").count()).toBe(await page.locator("details.code").count());
    const pdf = await page.pdf({ format: "A4" });
    expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
    await page.close();
  });

  test("opens 100,000 findings, and filters them", async () => {
    const url = write("many.html", reportOf(manyFindings(100_000)));
    const began = performance.now();
    const { page, complaints } = await open(url);
    // Two frames: what is in view has been painted.
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    const opened = performance.now() - began;
    expect(await page.locator("#findings li").count()).toBe(100_000);
    await page.locator("details.code summary").nth(3).click();
    const filtering = performance.now();
    await page.fill("#filter [name=text]", "service-699");
    await page.locator("#filter output", { hasText: "of 100,000 shown" }).waitFor();
    const filtered = performance.now() - filtering;
    // How long that takes depends on what else the machine does: said, and no condition.
    console.log(
      `100,000 findings, ${(fs.statSync(path.join(directory, "many.html")).size / 1e6).toFixed(1)} MB: open in ${opened.toFixed(0)} ms, filtered in ${filtered.toFixed(0)} ms`,
    );
    expect(complaints).toEqual([]);
    await page.close();
  });
});
