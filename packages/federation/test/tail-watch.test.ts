import { setImmediate as turn } from 'node:timers/promises';
import type { Instant } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { afterEach, expect, test } from 'vitest';
import { TailWatch, type StreamEnds } from '../src/adapters/nats/tail-watch.ts';

const CREATED = '2026-01-01T00:00:00Z';
let ending = new AbortController();
afterEach(() => {
  ending.abort();
  ending = new AbortController();
});

interface Watched {
  readonly tail: TailWatch;
  readonly outcome: Promise<string | undefined>;
  /** How often the end was found, and how often the hubs were asked. */
  readonly counts: { ends: number; asked: number };
  /** What the hubs say from now on. */
  readonly says: (ends: Partial<StreamEnds> | undefined) => void;
  readonly pass: (milliseconds: number) => Promise<void>;
}

function watch(position: number): Watched {
  const clock = new ManualClock(0 as Instant);
  const counts = { ends: 0, asked: 0 };
  const whole = { leader: 'hub-1', servedBy: 'hub-2', created: CREATED, lastSequence: 100, messages: 100, unsent: 0 };
  let ends: StreamEnds | undefined = { ...whole, sentSequence: position };
  const ask = async (): Promise<StreamEnds | undefined> => {
    counts.asked += 1;
    return Promise.resolve(ends);
  };
  const tail = new TailWatch({ clock, ask, created: CREATED, position });
  const outcome = tail.run(() => (counts.ends += 1), ending.signal);
  return {
    tail,
    outcome,
    counts,
    says: (said) => {
      ends = said === undefined ? undefined : { ...whole, sentSequence: position, ...said };
    },
    pass: async (milliseconds) => {
      for (let passed = 0; passed < milliseconds; passed += 100) {
        clock.advance(100);
        await turn();
      }
    },
  };
}

test('a copy that stands still while the log is longer ends the reading, and is named', async () => {
  const { tail, outcome, pass } = watch(60);
  tail.reached(100);
  await pass(3000);
  expect(await outcome).toBe('hub-2 goes no further than 60, and hub-1 ends at 100');
});

test('who reads what the log has is not in doubt, and hubs are asked rarely', async () => {
  const { tail, counts, pass } = watch(90);
  tail.reached(100);
  tail.read(100);
  await pass(20_000);
  expect(counts.asked).toBe(0);
  await pass(15_000);
  expect(counts).toEqual({ ends: 1, asked: 1 });
});

test('a standstill of which nobody told is found all the same', async () => {
  const { outcome, pass } = watch(60);
  await pass(35_000);
  expect(await outcome).toContain('hub-2 goes no further than 60');
});

test('what others say of a log that was longer once is asked about, and forgotten', async () => {
  const { tail, counts, pass } = watch(100);
  tail.reached(5000);
  await pass(2000);
  expect(counts).toEqual({ ends: 1, asked: 1 });
  tail.reached(100);
  await pass(5000);
  expect(counts.asked).toBe(1);
});

test('messages that are on their way are waited for', async () => {
  const { tail, says, counts, pass } = watch(60);
  says({ sentSequence: 80 });
  tail.reached(100);
  await pass(3000);
  tail.read(80);
  says({ sentSequence: 100 });
  await pass(2000);
  tail.read(100);
  await pass(3000);
  expect(counts.ends).toBe(1);
});

test('what was sent to a pull that had just ended, and so never came, ends the reading', async () => {
  const { says, outcome, pass } = watch(99);
  says({ sentSequence: 100, unsent: 0 });
  await pass(40_000);
  expect(await outcome).toBe('hub-2 has sent 100, and nothing came after 99');
});

test('hubs that do not answer, as while they elect, end no reading', async () => {
  const { tail, says, counts, outcome, pass } = watch(60);
  says(undefined);
  tail.reached(100);
  await pass(20_000);
  expect(counts.asked).toBeGreaterThan(5);
  says({ lastSequence: 60 });
  await pass(3000);
  expect(counts.ends).toBe(1);
  says({});
  tail.reached(100);
  await pass(5000);
  expect(await outcome).toContain('hub-2 goes no further');
});

test('the end of the hub that orders the log is the end, also where its newest messages are lost', async () => {
  const { tail, says, counts, pass } = watch(60);
  says({ servedBy: 'hub-1' });
  tail.reached(100);
  await pass(3000);
  expect(counts.ends).toBe(1);
});

test('a copy that has more than the log is another history', async () => {
  const { outcome, pass } = watch(140);
  await pass(33_000);
  expect(await outcome).toBe('hub-2 has 140 where hub-1 ends at 100');
});

test('a stream that was made anew is read anew', async () => {
  const { says, outcome, pass } = watch(100);
  says({ created: '2026-01-02T00:00:00Z' });
  await pass(31_000);
  expect(await outcome).toBe('the stream was made anew');
});

test('an emptied log has no end that could be read', async () => {
  const { tail, says, counts, pass } = watch(0);
  says({ messages: 0 });
  tail.reached(100);
  await pass(3000);
  expect(counts.ends).toBe(1);
});
