/** Probes and copies between clients that go on while something happens, and what came through. */
import { flowName, type Flow } from '../client-flows.ts';
import type { ProbedFlow } from '../evidence.ts';
import type { Lab } from '../lab.ts';
import type { Stage } from '../scenario.ts';
import { SteadyCopy } from './steady-copy.ts';
import { SteadyPing } from './steady-ping.ts';

/** Milliseconds between two probes of a flow. */
export const PROBE_INTERVAL_MS = 5;

export interface TrafficPlan {
  readonly pings: readonly Flow[];
  /** Each is one TCP connection of SSH, which has to live through everything and carry every byte. */
  readonly copies: readonly Flow[];
}

interface Running<T> {
  readonly flow: Flow;
  readonly of: T;
}

export class Traffic {
  readonly #pings: readonly Running<SteadyPing>[];
  readonly #copies: readonly Running<SteadyCopy>[];

  private constructor(pings: readonly Running<SteadyPing>[], copies: readonly Running<SteadyCopy>[]) {
    this.#pings = pings;
    this.#copies = copies;
  }

  /** Resolves when every flow is established. */
  static async start(lab: Lab, { pings, copies }: TrafficPlan): Promise<Traffic> {
    const copying = await Promise.all(copies.map(async (flow) => ({ flow, of: await SteadyCopy.start(lab, flow) })));
    const probing = await Promise.all(
      pings.map(async (flow) => ({
        flow,
        of: await SteadyPing.start(lab.vm(flow.from.name), flow.to.address, PROBE_INTERVAL_MS),
      })),
    );
    return new Traffic(probing, copying);
  }

  /** Waits until every flow of probes has had that many answers since it began. */
  async answered(count: number): Promise<void> {
    await Promise.all(this.#pings.map(async ({ of }) => of.answered(count)));
  }

  /** Ends all of it, and judges the copies: each must have arrived whole, over the one connection. @returns what became of the probes */
  async stop({ evidence }: Stage, during: string): Promise<readonly ProbedFlow[]> {
    const flows: ProbedFlow[] = [];
    for (const { flow, of: ping } of this.#pings) {
      const { text, answered, lost, ...times } = await ping.stop();
      const name = `${flowName(flow)} ${during}`;
      evidence.file(`ping-${name.replaceAll(/[^a-z0-9-]+/gi, '-')}.txt`, text);
      const probed = { name, sent: answered + lost.length, ...times };
      flows.push(probed);
      evidence.probed(probed);
      evidence.count(`${name}: packets lost of ${probed.sent}`, lost.length);
      evidence.measure(`${name}: longest gap between answers`, probed.longestGapMs);
    }
    for (const { flow, of: copy } of this.#copies) {
      const { sent, received, bytes } = await copy.stop();
      evidence.check(`${flowName(flow)} ${during}: sha256 of ${bytes} bytes over one SSH session`, sent, received);
    }
    return flows;
  }
}

/** Nothing may be lost. */
export function checkNoneLost({ evidence }: Stage, flows: readonly ProbedFlow[]): void {
  for (const { name, sent, lostAt } of flows) {
    evidence.check(`${name}: packets lost, one sent every ${PROBE_INTERVAL_MS} ms`, '0', `${lostAt.length}`);
    evidence.check(`${name}: packets sent`, 'at least 100', `${sent}`, sent >= 100);
  }
}

/** Nothing may be silent for longer. */
export function checkGaps({ evidence }: Stage, flows: readonly ProbedFlow[], limitMs: number): void {
  for (const { name, longestGapMs } of flows) {
    evidence.check(
      `${name}: longest gap between answers`,
      `under ${limitMs.toFixed(0)} ms`,
      `${longestGapMs.toFixed(0)} ms`,
      longestGapMs < limitMs,
    );
  }
}
