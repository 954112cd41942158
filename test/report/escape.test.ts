import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { escapeForTerminal } from "#regcheck/report/escape.js";

describe("escapeForTerminal", () => {
  test("leaves ordinary names alone", () => {
    expect(escapeForTerminal("team/app:v1.2-größe 日本 😀")).toBe("team/app:v1.2-größe 日本 😀");
  });

  test("shows what a terminal would act upon", () => {
    expect(escapeForTerminal("\u001b[31mred\u0007\r\n")).toBe("\\u{1b}[31mred\\u{7}\\u{d}\\u{a}");
    expect(escapeForTerminal("safe\u202egnp.exe")).toBe("safe\\u{202e}gnp.exe");
    expect(escapeForTerminal("\u009b2J")).toBe("\\u{9b}2J");
  });

  test("no control character gets through, whatever the name", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        expect(escapeForTerminal(name)).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
