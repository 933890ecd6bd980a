/** One page, without anything outside of it, that shows what a run of scenarios saw: topology, verdicts, timelines, plots of lost probes. */
import type { Evidence, Moment, Move, ProbedFlow } from './evidence.ts';
import { FABRICS, HUB, ROUTERS, SITES, clientAt } from './topology.ts';

export interface Told {
  readonly id: string;
  readonly title: string;
  readonly seconds: number;
  readonly evidence: Pick<
    Evidence,
    'passed' | 'assertions' | 'measurements' | 'tallies' | 'moments' | 'flows' | 'moves'
  >;
}

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;max-width:1040px;margin:2rem auto;padding:0 1rem;color:#1b1f24}
h2{margin-top:2.5rem;border-top:1px solid #d5d9de;padding-top:1rem}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.2rem .6rem;border-bottom:1px solid #eceef1;vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums}
.pass{color:#116329}.fail{color:#b3261e;font-weight:600}svg{width:100%;height:auto;background:#fafbfc;border:1px solid #eceef1}
svg text{font:11px system-ui,sans-serif;fill:#333}details{margin:.6rem 0}`;

export function renderReport(stories: readonly Told[], when: Date): string {
  const rows = stories.map(
    ({ id, title, seconds, evidence }) =>
      `<tr><td><a href="#${escaped(id)}">${escaped(id)}</a></td><td>${escaped(title)}</td><td>${verdict(evidence.passed)}</td>` +
      `<td class="n">${evidence.assertions.filter(({ passed }) => passed).length} of ${evidence.assertions.length}</td><td class="n">${seconds.toFixed(1)} s</td></tr>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>routerd CloudEdge: what the lab saw</title><style>${STYLE}</style>
<h1>routerd CloudEdge: what the lab saw</h1><p>${escaped(when.toISOString())}</p>${topologyPicture()}
<table><tr><th>Scenario</th><th>What it shows</th><th>Result</th><th>Assertions</th><th>Time</th></tr>${rows.join('')}</table>
${stories.map(renderStory).join('\n')}</html>\n`;
}

function verdict(passed: boolean): string {
  return passed ? '<span class="pass">PASS</span>' : '<span class="fail">FAIL</span>';
}

function renderStory({ id, title, evidence }: Told): string {
  const { assertions, measurements, tallies, moments, flows, moves } = evidence;
  const failed = assertions.filter(({ passed }) => !passed);
  const numbers = [
    ...measurements.map(({ name, milliseconds }) => [
      name,
      milliseconds === undefined ? 'not seen' : `${milliseconds.toFixed(milliseconds < 100 ? 1 : 0)} ms`,
    ]),
    ...tallies.map(({ name, count }) => [name, `${count}`]),
  ];
  const numberRows = numbers.map(
    ([name = '', value = '']) => `<tr><td>${escaped(name)}</td><td class="n">${escaped(value)}</td></tr>`,
  );
  return `<h2 id="${escaped(id)}">${escaped(id)} ${verdict(evidence.passed)}</h2><p>${escaped(title)}</p>
${renderAssertions(failed)}${moves.length === 0 ? '' : renderMoves(moves)}${flows.length + moments.length === 0 ? '' : renderTimeline(moments, flows)}
${numbers.length === 0 ? '' : `<table>${numberRows.join('')}</table>`}
<details><summary>${assertions.length} assertions</summary>${renderAssertions(assertions)}</details>`;
}

function renderAssertions(assertions: Told['evidence']['assertions']): string {
  if (assertions.length === 0) return '';
  const rows = assertions.map(
    ({ name, expected, observed, passed }) =>
      `<tr><td>${verdict(passed)}</td><td>${escaped(name)}</td><td>${escaped(expected)}</td><td>${escaped(observed)}</td></tr>`,
  );
  return `<table><tr><th></th><th>Assertion</th><th>Expected</th><th>Observed</th></tr>${rows.join('')}</table>`;
}

const WIDTH = 1000;
const LEFT = 230;
const ROW = 22;

/** From one stage to the next. */
const STAGE_FILLS = ['#9db4d6', '#d9b26f', '#b08bc4', '#8fc7a3', '#d98f8f'];

/** Each move from what began it, all on one scale: a bar for each stage, whose end is written at it. */
function renderMoves(moves: readonly Move[]): string {
  const span = Math.max(1, ...moves.flatMap(({ zero, stages }) => stages.map(({ at }) => (at ?? zero) - zero)));
  const x = (ms: number): number => LEFT + (ms / span) * (WIDTH - LEFT - 60);
  const rows = moves.map(({ name, zero, stages }, index) => {
    const y = 24 + index * ROW;
    let from = 0;
    const bars = stages.flatMap(({ what, at }, stage) => {
      if (at === undefined) return [];
      const [start, until] = [from, at - zero];
      from = Math.max(from, until);
      const title = `<title>${escaped(what)}: ${until.toFixed(0)} ms</title>`;
      return `<rect x="${x(start).toFixed(1)}" y="${y}" height="14" width="${Math.max(1, x(until) - x(start)).toFixed(1)}" fill="${STAGE_FILLS[stage % STAGE_FILLS.length] ?? ''}">${title}</rect>`;
    });
    return `<text x="4" y="${y + 11}">${escaped(name)}</text>${bars.join('')}<text x="${(x(from) + 4).toFixed(1)}" y="${y + 11}">${from.toFixed(0)} ms</text>`;
  });
  const names = [...new Set(moves.flatMap(({ stages }) => stages.map(({ what }) => what)))];
  const key = names.map(
    (what, index) =>
      `<rect x="${LEFT + index * 145}" y="4" width="10" height="10" fill="${STAGE_FILLS[index % STAGE_FILLS.length] ?? ''}"/><text x="${LEFT + 14 + index * 145}" y="13">${escaped(what)}</text>`,
  );
  const cells = moves.map(({ name, zero, stages }) => {
    const times = names.map((what) => stages.find((stage) => stage.what === what)?.at);
    const columns = times.map((at) => `<td class="n">${at === undefined ? '' : `${(at - zero).toFixed(0)} ms`}</td>`);
    return `<tr><td>${escaped(name)}</td>${columns.join('')}</tr>`;
  });
  const header = names.map((what) => `<th>${escaped(what)}</th>`).join('');
  return `<svg viewBox="0 0 ${WIDTH} ${30 + moves.length * ROW}" role="img" aria-label="moves">${key.join('')}${rows.join('')}</svg>
<table><tr><th>Move</th>${header}</tr>${cells.join('')}</table>`;
}

/** Flows as bars from their first to their last answer with a stroke for each lost probe; below, the moments in their order. */
function renderTimeline(moments: readonly Moment[], flows: readonly ProbedFlow[]): string {
  const times = [...moments.map(({ at }) => at), ...flows.flatMap(({ from, until }) => [from, until])];
  const zero = Math.min(...times);
  const span = Math.max(1, Math.max(...times) - zero);
  const x = (at: number): string => (LEFT + ((at - zero) / span) * (WIDTH - LEFT - 10)).toFixed(1);
  const bars = flows.map((flow, index) => {
    const y = 10 + index * ROW;
    const lost = flow.lostAt.map((at) => `<path d="M${x(at)} ${y}v14" stroke="#b3261e"/>`);
    return (
      `<g><title>${flow.lostAt.length} of ${flow.sent} lost, longest gap ${flow.longestGapMs.toFixed(0)} ms</title>` +
      `<text x="4" y="${y + 11}">${escaped(flow.name)}</text><rect x="${x(flow.from)}" y="${y + 3}" height="8" width="${(Number(x(flow.until)) - Number(x(flow.from))).toFixed(1)}" fill="#8fc7a3"/>` +
      `${lost.join('')}</g>`
    );
  });
  const top = 20 + flows.length * ROW;
  const marks = moments.map(({ at, what }, index) => {
    const y = top + index * 16;
    return (
      `<path d="M${x(at)} 0V${y}" stroke="#7a869a" stroke-dasharray="2 3"/><circle cx="${x(at)}" cy="${y}" r="3" fill="#2457a7"/>` +
      `<text x="4" y="${y + 4}">${((at - zero) / 1000).toFixed(3)} s  ${escaped(what)}</text>`
    );
  });
  return `<svg viewBox="0 0 ${WIDTH} ${top + moments.length * 16 + 6}" role="img" aria-label="timeline">${bars.join('')}${marks.join('')}</svg>`;
}

function topologyPicture(): string {
  const columns = SITES.map((site, index) => {
    const x = 10 + index * 248;
    const fabric = FABRICS.find(({ cloud }) => cloud === site);
    const routers = ROUTERS.filter((router) => router.site === site);
    const client = clientAt(site);
    const boxes = [
      { y: 66, text: fabric === undefined ? 'LAN' : `${fabric.name} ${fabric.wanAddress}` },
      ...routers.map((router, row) => ({ y: 96 + row * 30, text: `${router.name} ${router.address}` })),
      { y: 160, text: `${client.name} ${client.address}` },
    ];
    return boxes
      .map(
        ({ y, text }) =>
          `<rect x="${x}" y="${y}" width="236" height="24" rx="4" fill="#e9eef6" stroke="#9fb0c9"/><text x="${x + 8}" y="${y + 16}">${escaped(text)}</text>`,
      )
      .join('');
  });
  return `<svg viewBox="0 0 1000 196" role="img" aria-label="topology"><rect x="10" y="10" width="980" height="30" rx="4" fill="#f4efe2" stroke="#c9b98d"/>
<text x="20" y="30">WAN 198.51.100.0/24, hub ${HUB.address}; 10.77.60.0/24 at all four sites</text>${columns.join('')}</svg>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
