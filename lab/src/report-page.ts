/** One page, without anything outside of it, that shows what a run of scenarios saw: topology, verdicts, timelines, plots of lost probes. */
import type { Evidence } from './evidence.ts';
import { escaped, renderMoves, renderProbes } from './report-charts.ts';
import { STYLE } from './report-style.ts';
import { millisecondsText } from './measure/figures.ts';
import { gapText, movesText, sumsOf, type Sums } from './rounds.ts';
import { FABRICS, HUB, POOL_PREFIX, ROUTERS, SITES, clientAt, type Site } from './topology.ts';

export interface Told {
  readonly id: string;
  readonly title: string;
  readonly asserts: string;
  readonly seconds: number;
  readonly evidence: Pick<
    Evidence,
    'passed' | 'assertions' | 'measurements' | 'tallies' | 'moments' | 'flows' | 'moves' | 'moveCounts'
  >;
}

/** A story has its own place on the page also when its scenario ran several times. */
interface Placed extends Told {
  readonly place: string;
}

export function renderReport(stories: readonly Told[], when: Date): string {
  const rounds = new Map<string, number>();
  const placed = stories.map((story): Placed => {
    const round = (rounds.get(story.id) ?? 0) + 1;
    rounds.set(story.id, round);
    return { ...story, place: round === 1 ? story.id : `${story.id}-round-${round}` };
  });
  const isRepeated = rounds.size < stories.length;
  const failed = stories.filter(({ evidence }) => !evidence.passed).length;
  const verdicts = `<span class="${failed === 0 ? 'pass' : 'fail'}">${stories.length - failed} passed, ${failed} failed</span>`;
  const at = when.toISOString();
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>routerd CloudEdge: what the lab saw</title><link rel="icon" href="data:,"><style>${STYLE}</style></head><body><main>
<h1>routerd CloudEdge: what the lab saw</h1><p>${verdicts} <span class="quiet">· ${at.slice(0, 10)} ${at.slice(11, 19)} UTC</span></p>
${topologyPicture()}${isRepeated ? renderRounds(stories) : ''}
<table class="summary"><thead><tr><th>Scenario</th><th>Result</th><th class="n">Assertions</th><th class="n">Time</th><th>What it shows</th></tr></thead><tbody>${placed.map(summaryRow).join('')}</tbody></table>
${placed.map(renderStory).join('\n')}</main></body></html>\n`;
}

function verdict(passed: boolean): string {
  return passed ? '<span class="pass">PASS</span>' : '<span class="fail">FAIL</span>';
}

function summaryRow({ place, title, seconds, evidence }: Placed): string {
  const held = evidence.assertions.filter(({ passed }) => passed).length;
  return (
    `<tr><td><a href="#${escaped(place)}">${escaped(place)}</a></td><td>${verdict(evidence.passed)}</td>` +
    `<td class="n">${held} of ${evidence.assertions.length}</td><td class="n">${seconds.toFixed(1)} s</td><td class="what">${escaped(title)}</td></tr>`
  );
}

function renderRounds(stories: readonly Told[]): string {
  const sums = sumsOf(stories.map(({ id, evidence }) => ({ scenario: { id }, evidence })));
  const row = ({ scenario, runs, passed, gaps, lost, moves }: Sums): string =>
    `<tr><td>${escaped(scenario)}</td><td class="n">${passed} of ${runs}</td><td class="n">${gapText(gaps, 0.5) ?? ''}</td><td class="n">${gapText(gaps, 1) ?? ''}</td>` +
    `<td class="n">${gaps.length === 0 ? '' : lost}</td><td class="n">${escaped(movesText(moves))}</td></tr>`;
  return `<h2>All rounds</h2><div class="scroll"><table><thead><tr><th>Scenario</th><th class="n">Passed</th><th class="n">Longest gap, median</th>
<th class="n">Worst</th><th class="n">Probes lost</th><th class="n">Moves</th></tr></thead><tbody>${sums.map(row).join('')}</tbody></table></div><h2>Each run</h2>`;
}

function renderStory({ place, title, asserts, evidence }: Placed): string {
  const { assertions, measurements, tallies, moments, flows, moves } = evidence;
  const failed = assertions.filter(({ passed }) => !passed);
  const numbers = [
    ...measurements.map(({ name, milliseconds }) => [name, millisecondsText(milliseconds)]),
    ...tallies.map(({ name, count }) => [name, `${count}`]),
  ];
  const rows = numbers.map(
    ([name = '', value = '']) => `<tr><td class="text">${escaped(name)}</td><td class="n">${escaped(value)}</td></tr>`,
  );
  const figures =
    rows.length === 0
      ? ''
      : `<details><summary>${rows.length} figures</summary><table><tbody>${rows.join('')}</tbody></table></details>`;
  return `<section><h2 id="${escaped(place)}">${escaped(place)} ${verdict(evidence.passed)}</h2><p>${escaped(title)}<br><span class="quiet">Asserted: ${escaped(asserts)}</span></p>
${renderAssertions(failed)}${renderMoves(moves)}${renderProbes(moments, flows)}
${figures}<details><summary>${assertions.length} assertions</summary>${renderAssertions(assertions)}</details></section>`;
}

function renderAssertions(assertions: Told['evidence']['assertions']): string {
  if (assertions.length === 0) return '';
  const rows = assertions.map(
    ({ name, expected, observed, passed }) =>
      `<tr><td>${verdict(passed)}</td><td class="text">${escaped(name)}</td><td class="text" data-is="expected">${escaped(expected)}</td><td class="text" data-is="observed">${escaped(observed)}</td></tr>`,
  );
  return `<table class="verdicts"><thead><tr><th></th><th>Assertion</th><th>Expected</th><th>Observed</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

const SITE_TITLES: Readonly<Record<Site, string>> = {
  onprem: 'On-prem LAN',
  aws: 'AWS',
  azure: 'Azure',
  oci: 'OCI',
  gcp: 'GCP',
};

function topologyPicture(): string {
  const sites = SITES.map((site) => {
    const fabric = FABRICS.find(({ cloud }) => cloud === site);
    const routers = ROUTERS.filter((router) => router.site === site);
    const places = [
      ...(fabric === undefined ? [] : [{ name: 'fabric', address: fabric.wanAddress }]),
      ...routers.map(({ name, address }) => ({ name, address })),
      clientAt(site),
    ];
    const rows = places.map(
      ({ name, address }) => `<dt>${escaped(name.replace(`${site}-`, ''))}</dt><dd>${escaped(address)}</dd>`,
    );
    return `<div class="site"><b>${SITE_TITLES[site]}</b><dl>${rows.join('')}</dl></div>`;
  });
  return `<figure aria-label="topology"><div class="wan">WAN 198.51.100.0/24 with the NATS hub ${escaped(HUB.address)}; WireGuard between routers of different sites; ${escaped(POOL_PREFIX)} at each</div>
<div class="sites">${sites.join('')}</div><figcaption>The lab of four sites. Scenarios with one of their own say what is different there.</figcaption></figure>`;
}
