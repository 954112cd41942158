import { escapeForTerminal } from "../escape.js";
import { formatBytes, formatCount } from "../format.js";
import type { RepositoryReport } from "../repository-report.js";
import type { Report } from "../report.js";
import { html } from "./markup.js";
import type { Markup } from "./markup.js";
import { PARTS, partsOf, sumOf } from "./parts.js";
import type { Parts } from "./parts.js";
import { squarify } from "./squarify.js";
import type { Rectangle } from "./squarify.js";

/** The size of a treemap in its own units, which are about pixels where it is shown. */
export interface TreemapShape {
  readonly name: "wide" | "narrow";
  readonly width: number;
  readonly height: number;
  /** Repositories that have a tile of their own; all others share one. */
  readonly tiles: number;
}

/** One for wide screens and paper, one for telephones: text in a picture does not reflow. */
export const TREEMAP_SHAPES = [
  { name: "wide", width: 1200, height: 420, tiles: 120 },
  { name: "narrow", width: 340, height: 420, tiles: 40 },
] as const satisfies readonly TreemapShape[];

interface Tile {
  readonly label: string;
  readonly parts: Parts;
  readonly errors: number;
  readonly bytes: number;
}

/** The repositories by bytes; in each tile, side by side, what is live, shared, reclaimable and held. */
export function treemap({ repositories, errors }: Pick<Report, "repositories" | "errors">, shape: TreemapShape): Markup {
  const { name, width, height } = shape;
  const tiles = tilesOf(repositories, errors, shape.tiles);
  const areas = squarify(
    tiles.map(({ bytes }) => bytes),
    { x: 0, y: 0, width, height },
  );
  return html`<svg class="treemap ${name}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="treemap-${name}">
    <title id="treemap-${name}">Repositories by bytes. The table below has the same figures.</title>
    ${tiles.map((tile, i) => drawTile(tile, areas[i] ?? { x: 0, y: 0, width: 0, height: 0 }))}
  </svg>`;
}

function tilesOf(repositories: readonly RepositoryReport[], errors: Report["errors"], limit: number): Tile[] {
  const filled = repositories.filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
  const own = filled.slice(0, limit).map((repository): Tile => ({
    label: escapeForTerminal(repository.name),
    parts: partsOf(repository),
    errors: errors.get(repository.name) ?? 0,
    bytes: repository.bytes,
  }));
  const others = filled.slice(limit);
  if (others.length === 0) return own;
  const rest: Tile = {
    label: `${formatCount(others.length)} others`,
    parts: sumOf(others.map(partsOf)),
    errors: others.reduce((sum, { name }) => sum + (errors.get(name) ?? 0), 0),
    bytes: others.reduce((sum, { bytes }) => sum + bytes, 0),
  };
  return [...own, rest].sort((a, b) => b.bytes - a.bytes);
}

const GAP = 1.5;
const LABEL_HEIGHT = 19;
/** About the width of a character of the label's size. */
const CHARACTER_WIDTH = 6.6;

function drawTile(tile: Tile, area: Rectangle): Markup {
  const width = area.width - 2 * GAP;
  const height = area.height - 2 * GAP;
  if (width <= 0 || height <= 0) return html``;
  const x = area.x + GAP;
  const y = area.y + GAP;
  const top = width >= 34 && height >= 30 ? LABEL_HEIGHT : 0;
  const damaged = tile.errors === 0 ? "" : " damaged";
  return html`<g class="tile${damaged}">
    <title>${titleOf(tile)}</title>
    <rect class="frame" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" />
    ${bands(tile, { x, y: y + top, width, height: height - top })}${top === 0 ? undefined : labels(tile, { x, y, width, height })}</g
  >`;
}

function titleOf({ label, parts, bytes, errors }: Tile): string {
  const some = PARTS.filter(([part]) => parts[part] > 0).map(([part, words]) => `${formatBytes(parts[part])} ${words}`);
  const damage = errors === 0 ? "" : `; ${formatCount(errors)} ${errors === 1 ? "error" : "errors"}`;
  return `${label}: ${formatBytes(bytes)} (${some.join(", ")})${damage}`;
}

function bands({ parts, bytes }: Tile, { x, y, width, height }: Rectangle): Markup[] {
  let at = x;
  return PARTS.filter(([part]) => parts[part] > 0).map(([part]) => {
    const span = (width * parts[part]) / bytes;
    const band = html`<rect class="${part}" x="${round(at)}" y="${round(y)}" width="${round(span)}" height="${round(height)}" />`;
    at += span;
    return band;
  });
}

function labels({ label, bytes, errors }: Tile, { x, y, width, height }: Rectangle): Markup {
  const mark = errors === 0 ? "" : "✗ ";
  const size =
    height >= 52 && width >= 60
      ? html`<text class="size" x="${round(x + 5)}" y="${round(y + LABEL_HEIGHT + 15)}">${formatBytes(bytes)}</text>`
      : undefined;
  const name = cut(mark + label, Math.floor((width - 10) / CHARACTER_WIDTH));
  return html`<text x="${round(x + 5)}" y="${round(y + 14)}">${name}</text>${size}`;
}

function cut(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, Math.max(1, length - 1)).join("")}…`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}
