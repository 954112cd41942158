import fc from "fast-check";
import { expect, test } from "vitest";
import { DigestScanner } from "#regcheck/registry/digest-scanner.js";
import { sha256 } from "../support/builder.js";

function digestsIn(...pieces: readonly string[]): string[] {
  const scanner = new DigestScanner();
  for (const piece of pieces) scanner.push(Buffer.from(piece));
  return scanner.end().map(String);
}

const A = sha256("a");
const B = sha256("b");
const LONG = `sha512:${"0123456789abcdef".repeat(8)}`;

test.each([
  [`{"imageID": "docker-pullable://registry/team/app@${A}"}`, [A]],
  [`${A}\n${B}\n${A}`, [A, B]],
  [`Ünïcödé ${A} ☃${B}☃`, [A, B]],
  [`${LONG},${A}`, [LONG, A]],
  [`sha256:${A}`, [A]],
  ["", []],
  ["sha256:", []],
  [A.slice(0, -1), []],
  [`${A}0`, []],
  [`${A}F`, []],
  [A.toUpperCase(), []],
  [`sha256:${A.slice(7).toUpperCase()}`, []],
  [`sha512:${A.slice(7)}`, []],
  [`sha256:${LONG.slice(7)}`, []],
  [A.replace(":", "-"), []],
])("in %j are %j", (text, digests) => {
  expect(digestsIn(text)).toEqual(digests);
});

test("it does not matter where the text is cut", () => {
  const text = `x${A}0 ${B}, ${LONG} ${LONG}1 ${"z".repeat(300)}${A} sha256:${B}`;
  const whole = digestsIn(text);
  expect(whole).toEqual([B, LONG, A]);
  for (let at = 0; at <= text.length; at++) expect(digestsIn(text.slice(0, at), text.slice(at))).toEqual(whole);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length)), (places) => {
      const cuts = [0, ...places.sort((a, b) => a - b), text.length];
      expect(digestsIn(...cuts.slice(1).map((end, i) => text.slice(cuts[i], end)))).toEqual(whole);
    }),
  );
});
