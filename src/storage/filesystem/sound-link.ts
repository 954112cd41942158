import { isDigestHex } from "../../registry/digest.js";

/** Whether a link holds the sha256 digest `hex`. */
export function isSound(content: Buffer, hex: string): boolean {
  return content.length === 71 && content.toString("latin1", 7, 71) === hex && content.toString("latin1", 0, 7) === "sha256:";
}

/** The hex of the sha256 digest that a link holds; undefined if it holds anything else. */
export function sha256Of(content: Buffer): string | undefined {
  if (content.length !== 71 || content.toString("latin1", 0, 7) !== "sha256:") return undefined;
  const hex = content.toString("latin1", 7, 71);
  return isDigestHex("sha256", hex) ? hex : undefined;
}
