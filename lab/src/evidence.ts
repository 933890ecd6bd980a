/** What a scenario saw: every assertion with expected and observed, measurements, and the raw output behind them, in one folder. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '@routerd/runtime';
import { CHECKOUT, type LabFiles } from './lab-files.ts';

export interface Assertion {
  readonly name: string;
  readonly expected: string;
  readonly observed: string;
  readonly passed: boolean;
}

export interface Measurement {
  readonly name: string;
  /** `undefined` when it was not seen. */
  readonly milliseconds: number | undefined;
}

/** What a moment of a story was, by the wall clock of this machine in milliseconds. */
export interface Moment {
  readonly at: number;
  readonly what: string;
}

/** A flow of probes, for a plot: when it began and ended, and which probes were never answered. Wall clock, milliseconds. */
export interface ProbedFlow {
  readonly name: string;
  readonly from: number;
  readonly until: number;
  readonly sent: number;
  readonly lostAt: readonly number[];
  readonly longestGapMs: number;
  /** When the longest time without an answer began. */
  readonly longestGapAt: number;
}

export interface MoveStage {
  readonly what: string;
  /** Wall clock, milliseconds; `undefined` for what did not happen or was not seen. */
  readonly at: number | undefined;
}

/** One succession, from what began it. */
export interface Move {
  readonly name: string;
  readonly zero: number;
  /** In the order in which they follow. */
  readonly stages: readonly MoveStage[];
}

/** How often captures moved; more than had to is flapping. */
export interface MoveCount {
  readonly name: string;
  readonly expected: number;
  readonly counted: number;
}

export interface Tally {
  readonly name: string;
  readonly count: number;
}

const KEPT = 'the evidence can be written';

export class Evidence {
  readonly scenario: string;
  readonly dir: string;
  readonly #startedAt = new Date();
  readonly #start = performance.now();
  readonly #assertions: Assertion[] = [];
  readonly #measurements: Measurement[] = [];
  readonly #moments: Moment[] = [];
  readonly #flows: ProbedFlow[] = [];
  readonly #tallies: Tally[] = [];
  readonly #moves: Move[] = [];
  readonly #moveCounts: MoveCount[] = [];

  constructor(files: LabFiles, scenario: string) {
    this.scenario = scenario;
    const stamp = this.#startedAt.toISOString().replaceAll(/[-:]|\.\d+/g, '');
    this.dir = path.join(files.evidenceDir, `${stamp}-${scenario}`);
    this.#write(() => mkdirSync(this.dir, { recursive: true }));
  }

  /** Records one assertion; a scenario goes on after a failed one, so that one run tells everything. @returns whether it held */
  check(name: string, expected: string, observed: string, passed: boolean = expected === observed): boolean {
    this.#assertions.push({ name, expected, observed, passed });
    return passed;
  }

  measure(name: string, milliseconds: number | undefined): void {
    this.#measurements.push({ name, milliseconds });
  }

  mark(what: string, at: number | undefined): void {
    if (at !== undefined) this.#moments.push({ at, what });
  }

  probed(flow: ProbedFlow): void {
    this.#flows.push(flow);
  }

  move(move: Move): void {
    this.#moves.push(move);
  }

  /** An assertion: neither fewer nor more than had to. */
  checkMoves(name: string, { expected, counted }: Omit<MoveCount, 'name'>): void {
    this.#moveCounts.push({ name, expected, counted });
    this.check(name, `${expected}`, `${counted}`);
  }

  count(name: string, count: number): void {
    this.#tallies.push({ name, count });
  }

  /** A disk that takes nothing any more fails the scenario, once, and ends nothing. */
  file(name: string, text: string): void {
    const file = path.join(this.dir, name);
    this.#write(() => {
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    });
  }

  #write(work: () => void): void {
    try {
      work();
    } catch (cause) {
      if (this.#assertions.some(({ name }) => name === KEPT)) return;
      this.check(KEPT, 'yes', cause instanceof Error ? cause.message : String(cause));
    }
  }

  get assertions(): readonly Assertion[] {
    return this.#assertions;
  }

  get measurements(): readonly Measurement[] {
    return this.#measurements;
  }

  get moments(): readonly Moment[] {
    return this.#moments.toSorted((a, b) => a.at - b.at);
  }

  get flows(): readonly ProbedFlow[] {
    return this.#flows;
  }

  get moves(): readonly Move[] {
    return this.#moves;
  }

  get moveCounts(): readonly MoveCount[] {
    return this.#moveCounts;
  }

  get tallies(): readonly Tally[] {
    return this.#tallies;
  }

  get failed(): readonly Assertion[] {
    return this.#assertions.filter((assertion) => !assertion.passed);
  }

  /** A scenario that asserted nothing has shown nothing. */
  get passed(): boolean {
    return this.#assertions.length > 0 && this.failed.length === 0;
  }

  async finish(conditions: Readonly<Record<string, unknown>>): Promise<void> {
    const commit = await runCommand(['git', 'rev-parse', 'HEAD'], { cwd: CHECKOUT });
    const document = {
      runId: path.basename(this.dir),
      scenario: this.scenario,
      result: this.passed ? 'PASS' : 'FAIL',
      commit: commit.ok ? commit.value.stdout.trim() : 'unknown',
      startedAt: this.#startedAt.toISOString(),
      durationMs: Math.round(performance.now() - this.#start),
      conditions,
      measurements: this.#measurements,
      counts: this.#tallies,
      moves: this.#moves,
      moveCounts: this.#moveCounts,
      timeline: this.moments,
      flows: this.#flows,
      assertions: this.#assertions,
    };
    this.file('evidence.json', `${JSON.stringify(document, undefined, 2)}\n`);
  }
}
