import { escapeForTerminal } from "./escape.js";

/** Labels of a sample; one that is undefined is left out. */
export type Labels = Readonly<Record<string, string | undefined>>;

/** Values of one metric, each with its labels. */
export type Samples = readonly (readonly [labels: Labels, value: number])[];

export type Metric = readonly [name: string, help: string, samples: Samples];

/** Metrics in Prometheus's text format. Every sample has the labels of the scope, too. */
export function formatMetrics(metrics: readonly Metric[], scope: Labels): string {
  return metrics
    .map(([name, help, samples]) => {
      const lines = samples.map(([labels, value]) => `${nameOf(name, { ...scope, ...labels })} ${value}\n`);
      return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("")}`;
    })
    .join("");
}

/** The only sample of a metric. */
export function one(value: number): Samples {
  return [[{}, value]];
}

/** What comes before a sample's value. */
export function nameOf(metric: string, labels: Labels): string {
  const pairs = Object.entries(labels).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${escapeLabel(value)}"`],
  );
  return `${metric}{${pairs.join(",")}}`;
}

/** The text format's three escapes; what could act on a terminal or is no Unicode becomes visible before. */
function escapeLabel(value: string): string {
  return escapeForTerminal(value).replace(/[\\"]/g, (character) => `\\${character}`);
}
