/** A command of a transcript in Markdown, and what it is said to print. */
export interface TranscriptStep {
  readonly command: string;
  readonly output: string;
}

const BLOCK = /```console\n\$ ([^\n]*)\n([^]*?)```/g;

/** The commands of a document, in order: each `console` block is one command after a `$`, and its output. */
export function readTranscript(markdown: string): TranscriptStep[] {
  return [...markdown.matchAll(BLOCK)].map(([, command = "", output = ""]) => ({ command, output }));
}

/** The document with other outputs. */
export function withOutputs(markdown: string, outputs: readonly string[]): string {
  let next = 0;
  return markdown.replace(BLOCK, (_, command: string) => `\`\`\`console\n$ ${command}\n${outputs[next++] ?? ""}\`\`\``);
}

/** An output without what differs from run to run: digests, names of runs, figures, and the spaces that align them. */
export function shapeOf(output: string): string {
  return output
    .replace(/sha256:[0-9a-f]{64}/g, "DIGEST")
    .replace(/\d{8}T\d{9}Z-\w+/g, "RUN")
    .replace(/\d[\d.,]*(?: ?(?:[kMGT]?B?|ms|s|min)\b)?/g, "N")
    .replace(/[ \t]+/g, " ")
    .trim();
}
