/** A rectangle; y grows downwards. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Divides an area among weights so that the pieces are as square as may be (Bruls, Huizing, van Wijk: Squarified Treemaps, 2000).
 * The weights are positive and come largest first; the pieces come in their order and fill the area.
 */
export function squarify(weights: readonly number[], area: Rectangle): Rectangle[] {
  const pieces: Rectangle[] = [];
  let rest = area;
  let sum = weights.reduce((total, weight) => total + weight, 0);
  for (let next = 0; next < weights.length;) {
    const row = rowOf(weights, next, rest, sum);
    const weight = row.reduce((total, one) => total + one, 0);
    const share = weight / sum;
    pieces.push(...layRow(row, weight, rest, share));
    rest = without(rest, share);
    sum -= weight;
    next += row.length;
  }
  return pieces;
}

/** The weights that make the next row along the shorter side: one more is taken while that makes the worst piece squarer. */
function rowOf(weights: readonly number[], start: number, { width, height }: Rectangle, sum: number): number[] {
  const side = Math.min(width, height);
  const scale = (width * height) / sum;
  const row: number[] = [];
  let total = 0;
  let worst = Infinity;
  for (let i = start; i < weights.length; i++) {
    const weight = weights[i] ?? 0;
    const largest = row[0] ?? weight;
    const thickness = ((total + weight) * scale) / side;
    const ratio = Math.max((largest * scale) / thickness ** 2, thickness ** 2 / (weight * scale));
    if (ratio > worst) break;
    worst = ratio;
    total += weight;
    row.push(weight);
  }
  return row;
}

function layRow(row: readonly number[], weight: number, { x, y, width, height }: Rectangle, share: number): Rectangle[] {
  let done = 0;
  return row.map((one) => {
    const from = done / weight;
    const part = one / weight;
    done += one;
    return width >= height
      ? { x, y: y + from * height, width: width * share, height: part * height }
      : { x: x + from * width, y, width: part * width, height: height * share };
  });
}

function without({ x, y, width, height }: Rectangle, share: number): Rectangle {
  return width >= height
    ? { x: x + width * share, y, width: width * (1 - share), height }
    : { x, y: y + height * share, width, height: height * (1 - share) };
}
