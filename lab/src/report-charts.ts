/** The two pictures of a scenario: the stages of each move, and what became of every probe. Boxes and text, so that both are readable on any width. */
import type { Moment, Move, ProbedFlow } from './evidence.ts';

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Each move from what began it, all on one scale: a bar for each stage, from the end of the one before to its own. */
export function renderMoves(moves: readonly Move[]): string {
  if (moves.length === 0) return '';
  const names = [...new Set(moves.flatMap(({ stages }) => stages.map(({ what }) => what)))];
  const span = Math.max(1, ...moves.flatMap(({ zero, stages }) => stages.map(({ at }) => (at ?? zero) - zero)));
  const key = names.map((what, index) => `<li><i class="s${index % 5}"></i>${escaped(what)}</li>`);
  const rows = moves.map((move) => moveRow(move, { names, span }));
  const header = names.map((what) => `<th class="n">${escaped(what)}</th>`);
  const cells = moves.map(({ name, zero, stages }) => {
    const times = names.map((what) => stages.find((stage) => stage.what === what)?.at);
    const columns = times.map((at) => `<td class="n">${at === undefined ? '' : `${(at - zero).toFixed(0)} ms`}</td>`);
    return `<tr><td>${escaped(name)}</td>${columns.join('')}</tr>`;
  });
  return `<h3>Moves, each from what began it</h3><ul class="key">${key.join('')}</ul><div class="rows">${rows.join('')}</div>
<details><summary>these times as a table</summary><div class="scroll"><table><thead><tr><th>Move</th>${header.join('')}</tr></thead><tbody>${cells.join('')}</tbody></table></div></details>`;
}

function moveRow(
  { name, zero, stages }: Move,
  { names, span }: { readonly names: readonly string[]; readonly span: number },
): string {
  let from = 0;
  const bars = stages.flatMap(({ what, at }) => {
    if (at === undefined) return [];
    const [start, until] = [from, at - zero];
    from = Math.max(from, until);
    const left = percent(start, span);
    const width = percent(Math.max(0, until - start), span);
    return `<span class="bar s${names.indexOf(what) % 5}" style="left:${left};width:${width}" title="${escaped(what)}: ${until.toFixed(0)} ms"></span>`;
  });
  return `<div class="label">${escaped(name)} <span class="quiet">${from.toFixed(0)} ms</span></div><div class="track">${bars.join('')}</div>`;
}

/** What was watched at one time: flows that overlap, and the moments among them. Each such stretch has a scale of its own, or seconds would vanish among minutes. */
interface Stretch {
  readonly from: number;
  readonly until: number;
  readonly flows: readonly ProbedFlow[];
  readonly moments: readonly Moment[];
}

/** Exported for its test. Moments that lie in no stretch belong to the next, or to the last. */
export function stretchesOf(moments: readonly Moment[], flows: readonly ProbedFlow[]): readonly Stretch[] {
  const groups: { from: number; until: number; readonly flows: ProbedFlow[] }[] = [];
  for (const flow of flows.toSorted((a, b) => a.from - b.from)) {
    const last = groups.at(-1);
    if (last === undefined || flow.from > last.until)
      groups.push({ from: flow.from, until: flow.until, flows: [flow] });
    else {
      last.flows.push(flow);
      last.until = Math.max(last.until, flow.until);
    }
  }
  if (groups.length === 0 && moments.length > 0) groups.push({ from: Infinity, until: -Infinity, flows: [] });
  const indexOf = ({ at }: Moment): number => {
    const found = groups.findIndex(({ until }) => at <= until);
    return found < 0 ? groups.length - 1 : found;
  };
  const byGroup = Map.groupBy(moments, indexOf);
  return groups.map(({ from, until, flows: ofGroup }, index) => {
    const inside = (byGroup.get(index) ?? []).toSorted((a, b) => a.at - b.at);
    const times = inside.map(({ at }) => at);
    return { from: Math.min(from, ...times), until: Math.max(until, ...times), flows: ofGroup, moments: inside };
  });
}

export function renderProbes(moments: readonly Moment[], flows: readonly ProbedFlow[]): string {
  const stretches = stretchesOf(moments, flows);
  if (stretches.length === 0) return '';
  const title = flows.length === 0 ? 'What happened when' : 'Probes between clients, and what happened when';
  const key =
    flows.length === 0
      ? ''
      : `<ul class="key"><li><i class="k-flow"></i>answered</li><li><i class="k-lost"></i>a probe never answered</li>` +
        `<li><i class="k-gap"></i>the longest time without an answer</li><li><i class="k-moment"></i>a moment</li></ul>`;
  return `<h3>${title}</h3>${key}${stretches.map(renderStretch).join('\n')}`;
}

function renderStretch({ from, until, flows, moments }: Stretch): string {
  const span = Math.max(1, until - from);
  const ticks = ticksOf(span).map((at) => `<span style="left:${percent(at, span)}">${at / 1000} s</span>`);
  const bars = flows.map((flow) => {
    const { lostAt, sent, longestGapMs } = flow;
    const lost = lostAt.length === 0 ? 'none lost' : `${lostAt.length} of ${sent} lost`;
    const told = `${lost}, longest gap ${longestGapMs.toFixed(0)} ms`;
    return `<div class="label">${escaped(flow.name)} <span class="quiet">${told}</span></div><div class="track" title="${escaped(told)}">${flowBar(flow, { from, span })}</div>`;
  });
  const points = moments.map(
    ({ at, what }) =>
      `<div class="label"><span class="quiet">${((at - from) / 1000).toFixed(3)} s</span>  ${escaped(what)}</div>` +
      `<div class="track dot"><span class="point" style="left:${percent(at - from, span)}"></span></div>`,
  );
  return `<figure class="rows" role="group" aria-label="timeline"><div></div><div class="track axis">${ticks.join('')}</div>${bars.join('')}${points.join('')}</figure>`;
}

/** Width of the drawing in its own units; it is stretched to the track. */
const UNITS = 1000;
/** A gap that is no longer than a few probes is none that anybody would look for. */
const SHOWN_GAP_MS = 50;

function flowBar(flow: ProbedFlow, { from, span }: { readonly from: number; readonly span: number }): string {
  const x = (at: number): string => (((at - from) / span) * UNITS).toFixed(1);
  const box = (kind: string, start: number, end: number): string =>
    `<rect class="${kind}" x="${x(start)}" y="2" height="10" width="${(Number(x(end)) - Number(x(start))).toFixed(1)}"/>`;
  const { longestGapAt, longestGapMs } = flow;
  const gap = longestGapMs > SHOWN_GAP_MS ? box('gap', longestGapAt, longestGapAt + longestGapMs) : '';
  const strokes = flow.lostAt.map((at) => `M${x(at)} 0v14`).join('');
  const lost = strokes === '' ? '' : `<path class="lost" d="${strokes}"/>`;
  return `<svg viewBox="0 0 ${UNITS} 14" preserveAspectRatio="none" role="img" aria-label="${escaped(flow.name)}">${box('flow', flow.from, flow.until)}${gap}${lost}</svg>`;
}

const TICKS_MAX = 7;
const TICK_STEPS_MS = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 60_000];

function ticksOf(spanMs: number): readonly number[] {
  const step = TICK_STEPS_MS.find((each) => spanMs / each <= TICKS_MAX) ?? spanMs / TICKS_MAX;
  // One at the very end would be cut off.
  return Array.from({ length: Math.floor((spanMs * 0.97) / step) + 1 }, (_, index) => index * step);
}

function percent(part: number, whole: number): string {
  return `${((part / whole) * 100).toFixed(2)}%`;
}
