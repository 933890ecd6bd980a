/**
 * The Promela model of the capture protocol, checked exhaustively within its bounds. What it covers: docs/adr/0010-….
 * Each broken variant must be refuted, or the model would prove nothing.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const MODEL = path.join(import.meta.dirname, 'capture.pml');
const TIME_LIMIT_MS = 240_000;
let scratch = '';

beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'routerd-model-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test.each([
  ['two routers, a crash, a wiped log', {}],
  ['two routers, two crashes, a longer history', { WIPES: 0, CRASHES: 2, LOG_MAX: 7, EPOCH_MAX: 4 }],
  ['three routers', { ROUTERS: 3, WIPES: 0, CRASHES: 1, LOG_MAX: 5 }],
])(
  'no history of %s lets the provider act below an epoch, but on what was overtaken on its way',
  (_, bounds) => {
    const { errors, isComplete, states } = check(bounds);
    expect({ errors, isComplete }).toEqual({ errors: 0, isComplete: true });
    expect(states).toBeGreaterThan(10_000);
  },
  TIME_LIMIT_MS,
);

test.each(['READ_FENCE', 'NO_HIGH_WATER', 'SAME_EPOCH'])(
  'the model without what %s takes away is refuted',
  (broken) => {
    expect(check({ [broken]: 1 }).errors).toBe(1);
  },
  TIME_LIMIT_MS,
);

test.each(['NONE_OVERTAKEN', 'NONE_FORGOTTEN'])(
  'that there is %s is more than the protocol can promise',
  (claim) => {
    expect(check({ [claim]: 1 }).errors).toBe(1);
  },
  TIME_LIMIT_MS,
);

test(
  'the provider can be made to act in every epoch of the model',
  () => {
    expect(check({ REACHES_EPOCH: 3 }).errors).toBe(1);
  },
  TIME_LIMIT_MS,
);

interface Verdict {
  readonly errors: number;
  /** Every state within the bounds was visited, or an error ended the search. */
  readonly isComplete: boolean;
  readonly states: number;
}

function check(definitions: Readonly<Record<string, number>>): Verdict {
  const folder = mkdtempSync(path.join(scratch, 'run-'));
  const run = (command: string, ...parameters: readonly string[]): string =>
    execFileSync(command, parameters, { cwd: folder, encoding: 'utf8', timeout: TIME_LIMIT_MS });
  run('spin', ...Object.entries(definitions).map(([name, value]) => `-D${name}=${value}`), '-a', MODEL);
  // Safety alone is asked for; a state is kept compressed, and the search gives up at 3 GB rather than take the machine down.
  run('gcc', '-O2', '-w', '-DSAFETY', '-DCOLLAPSE', '-DMEMLIM=3000', '-o', 'pan', 'pan.c');
  // -E: a process that has nothing left to do is no error; -n: nothing is said about code that was not reached.
  const report = run('./pan', '-E', '-n', '-m200000');
  const errors = Number(/errors: (\d+)/.exec(report)?.[1] ?? Number.NaN);
  const states = Number(/(\d+) states, stored/.exec(report)?.[1] ?? Number.NaN);
  return { errors, states, isComplete: !/Search not completed|max search depth too small/.test(report) };
}
