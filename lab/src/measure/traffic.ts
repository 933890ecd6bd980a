/** Probes and copies between clients that go on while something happens, and what came through. */
import { flowName, type Flow } from '../client-flows.ts';
import type { ProbedFlow } from '../evidence.ts';
import type { Lab } from '../lab.ts';
import type { Stage } from '../scenario.ts';
import { SteadyCopy } from './steady-copy.ts';
import { SteadyPing } from './steady-ping.ts';
import { echoText, SteadySession } from './steady-session.ts';

/** Milliseconds between two probes of a flow. */
export const PROBE_INTERVAL_MS = 5;

/** What flows share this machine with, beside what a fabric leaves vacant. */
const VACANCY_MARGIN_MS = 300;

export interface TrafficPlan {
  readonly pings: readonly Flow[];
  /** Each is one TCP connection of SSH, which has to live through everything and carry every byte. */
  readonly copies: readonly Flow[];
  /** Each is somebody who works over SSH, whose connection is idle most of the time. */
  readonly sessions?: readonly Flow[];
}

interface Running<T> {
  readonly flow: Flow;
  readonly of: T;
}

export class Traffic {
  readonly #pings: readonly Running<SteadyPing>[];
  readonly #copies: readonly Running<SteadyCopy>[];
  readonly #sessions: readonly Running<SteadySession>[];

  private constructor(
    pings: readonly Running<SteadyPing>[],
    copies: readonly Running<SteadyCopy>[],
    sessions: readonly Running<SteadySession>[],
  ) {
    this.#pings = pings;
    this.#copies = copies;
    this.#sessions = sessions;
  }

  /** Resolves when every flow is established. */
  static async start(lab: Lab, { pings, copies, sessions = [] }: TrafficPlan): Promise<Traffic> {
    const copying = await Promise.all(copies.map(async (flow) => ({ flow, of: await SteadyCopy.start(lab, flow) })));
    const working = await Promise.all(
      sessions.map(async (flow) => ({ flow, of: await SteadySession.start(lab, flow) })),
    );
    const probing = await Promise.all(
      pings.map(async (flow) => ({
        flow,
        of: await SteadyPing.start(lab.vm(flow.from.name), flow.to.address, PROBE_INTERVAL_MS),
      })),
    );
    return new Traffic(probing, copying, working);
  }

  /** Waits until every flow of probes has had that many answers since it began. */
  async answered(count: number): Promise<void> {
    await Promise.all(this.#pings.map(async ({ of }) => of.answered(count)));
  }

  /** Waits until every flow of probes has had that many more answers. */
  async answeredMore(count: number): Promise<void> {
    await Promise.all(this.#pings.map(async ({ of }) => of.answered(of.answers + count)));
  }

  /** Ends all of it, and judges copies and sessions: each must have arrived whole, over the one connection. @returns what became of the probes */
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
    for (const { flow, of: session } of this.#sessions) {
      const end = await session.stop();
      const name = `${flowName(flow)} ${during}: an SSH session`;
      evidence.check(`${name} ends with`, '0', `${end.exitCode}`);
      const all = `all ${Math.max(1, end.typed)}, in order`;
      evidence.check(`${name}: lines that came back`, all, echoText(end));
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

/**
 * Where a provider takes an address from one NIC and then gives it to another, a flow loses what is sent in between, and nothing else.
 * @param vacancyMs for how long the fabric carried an address to nobody
 */
export function checkVacancyLoss(stage: Stage, flows: readonly ProbedFlow[], vacancyMs: number): void {
  const limitMs = vacancyMs + VACANCY_MARGIN_MS;
  checkGaps(stage, flows, limitMs);
  const most = Math.ceil(limitMs / PROBE_INTERVAL_MS);
  const why = `the address was on no NIC for ${vacancyMs.toFixed(0)} ms, and ${VACANCY_MARGIN_MS} are let pass`;
  for (const { name, lostAt } of flows) {
    const title = `${name}: packets lost, one sent every ${PROBE_INTERVAL_MS} ms`;
    stage.evidence.check(title, `at most ${most}: ${why}`, `${lostAt.length}`, lostAt.length <= most);
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
