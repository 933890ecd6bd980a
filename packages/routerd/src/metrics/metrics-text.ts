/** The text that Prometheus reads: its exposition format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). Pure. */
import type { Distribution, Family } from './metric.ts';

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** In the order given; within a family as its samples come. Ends in a line feed, as the format wants it. */
export function metricsText(families: readonly Family[]): string {
  return families.map(familyText).join('');
}

function familyText(family: Family): string {
  const { name, help, kind } = family.metric;
  const head = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${kind}\n`;
  if ('samples' in family)
    return head + family.samples.map(({ labels, value }) => lineOf(name, labels, value)).join('');
  return head + family.distributions.map((each) => distributionText(name, each)).join('');
}

function distributionText(name: string, { labels, buckets, sum, count }: Distribution): string {
  const upTo = (bound: string, value: number): string => lineOf(`${name}_bucket`, { ...labels, le: bound }, value);
  return [
    ...buckets.map((bucket) => upTo(String(bucket.upTo), bucket.count)),
    upTo('+Inf', count),
    lineOf(`${name}_sum`, labels, sum),
    lineOf(`${name}_count`, labels, count),
  ].join('');
}

function lineOf(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`);
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', String.raw`\"`);
}
