/** How long each stage of a succession took: noticed, decided, done at the provider, felt by those who talk. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { MoveStage, ProbedFlow } from '../evidence.ts';
import type { Lab } from '../lab.ts';
import type { Stage } from '../scenario.ts';

const logLine = z.object({
  event: z.string(),
  /** RFC 3339 with milliseconds. */
  time: z.string(),
  node: z.string().optional(),
  phase: z.string().optional(),
  role: z.string().optional(),
});

export interface Succession {
  /** `aws lost`: what the figures are called by. */
  readonly name: string;
  /** Who is succeeded, and by whom. */
  readonly from: string;
  readonly to: string;
  /** When it began: the power-off, the order. Wall clock, milliseconds. */
  readonly zero: number;
  /** When the first change was asked of the provider's API. */
  readonly calledAt: number | undefined;
  /** When the last of what was captured was captured by the successor, as the fabric or the LAN shows it. */
  readonly providerDoneAt: number | undefined;
  /** What that is called; `provider done` unless told. */
  readonly doneIs?: string;
  readonly flows: readonly ProbedFlow[];
}

/**
 * Provider and packets are what fabric and clients saw. When it was noticed and decided only the successor can tell: from its log; it is printed, never asserted.
 * A flow that lost nothing has no first packet.
 */
export function measureStages(
  { lab, evidence }: Stage,
  { name, from, to, zero, calledAt, providerDoneAt, doneIs = 'provider done', flows }: Succession,
): void {
  const said = saidSince(lab, to, zero);
  // Where VRRP decides who captures, winning its election is what noticing is.
  const detected =
    said.find(({ event, role }) => event === 'dataplane.vrrp.role' && role === 'master') ??
    said.find(({ event, node }) => event === 'federation.member.dead' && node === from);
  const decided = said.findLast(({ event, phase }) => event === 'capture.record.won' && phase === 'acquiring');
  const through = flows.filter(({ lostAt }) => lostAt.length > 0).map((flow) => flow.longestGapAt + flow.longestGapMs);
  const stages: readonly MoveStage[] = [
    { what: 'detected', at: detected?.at },
    { what: 'decided', at: decided?.at },
    { what: 'provider called', at: calledAt },
    { what: doneIs, at: providerDoneAt },
    { what: 'first packet through', at: through.length === 0 ? undefined : Math.max(...through) },
  ];
  evidence.move({ name, zero, stages });
  for (const { what, at } of stages) {
    // Nothing is to be noticed when it was ordered, and nothing comes through again that never broke off.
    if (at !== undefined) evidence.measure(`${name}: ${what} after`, at - zero);
  }
}

interface Said {
  readonly at: number;
  readonly event: string;
  readonly node?: string | undefined;
  readonly phase?: string | undefined;
  readonly role?: string | undefined;
}

const EVENTS = ['federation.member.dead', 'capture.record.won', 'dataplane.vrrp.role'];

function saidSince(lab: Lab, router: string, zero: number): readonly Said[] {
  return readFileSync(lab.logFile(router, 'routerd'), 'utf8')
    .split('\n')
    .filter((line) => EVENTS.some((event) => line.includes(event)))
    .flatMap((line) => {
      const parsed = logLine.safeParse(JSON.parse(line));
      return parsed.success ? [{ ...parsed.data, at: Date.parse(parsed.data.time) }] : [];
    })
    .filter(({ at }) => at >= zero);
}
