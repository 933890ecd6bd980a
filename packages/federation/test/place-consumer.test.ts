import { setImmediate as turn } from 'node:timers/promises';
import type { ConsumerConfig, ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import type { Instant } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { beforeEach, expect, test } from 'vitest';
import { firstAnswer } from '../src/adapters/nats/ask-hubs.ts';
import { clearPlace } from '../src/adapters/nats/place-consumer.ts';

const NAMES = ['node', 'node_2', 'node_3', 'node_4'];
/** Of the client, after which it gives up. */
const PATIENCE_MS = 2500;
let clock: ManualClock;
/** What the hubs were asked, with the milliseconds at which. */
let heard: string[];
beforeEach(() => {
  clock = new ManualClock(0 as Instant);
  heard = [];
});

test('a consumer that a missing hub was given is made under the next name, before anybody has timed out', async () => {
  const made = settled(place({ missing: ['node', 'node_2'] }));
  await pass(1300);
  expect(await made).toBe('node_3');
  expect(heard.slice(4)).toEqual(['make node 0', 'make node_2 600', 'make node_3 1200']);
});

test('what is left under each name is removed first, whether or not anybody says so', async () => {
  const made = settled(place({ silent: NAMES }));
  await pass(700);
  expect(await made).toBe('node');
  expect(heard.slice(0, 5)).toEqual([...NAMES.map((name) => `remove ${name} 0`), 'make node 600']);
});

test('a slow answer to the first question counts, and the rest are not asked', async () => {
  const made = settled(place({ slowMs: 1500 }));
  await pass(4000);
  expect(await made).toBe('node');
  expect(heard.filter((each) => each.startsWith('make'))).toEqual([
    'make node 0',
    'make node_2 600',
    'make node_3 1200',
  ]);
});

test('when no hub answers under any name, that is a time-out', async () => {
  const made = settled(place({ missing: NAMES }));
  await pass(2500);
  expect(await made).toBe('timeout');
});

test('a refusal ends the questions at once', async () => {
  let asked = 0;
  const refuse = async (): Promise<never> => {
    asked += 1;
    return Promise.reject(new Error('stream not found'));
  };
  await expect(firstAnswer([refuse, refuse], clock)).rejects.toThrow('stream not found');
  await pass(1000);
  expect(asked).toBe(1);
});

interface Hubs {
  /** Names whose consumer is given to the hub that is missing. */
  readonly missing?: readonly string[];
  /** Names whose removal nobody answers. */
  readonly silent?: readonly string[];
  readonly slowMs?: number;
}

async function place({ missing = [], silent = [], slowMs = 0 }: Hubs): Promise<ConsumerInfo> {
  const answer = async <T>(isSilent: boolean, value: T): Promise<T> => {
    await clock.sleepUntil(
      (clock.monotonic() + (isSilent ? PATIENCE_MS : slowMs)) as never,
      new AbortController().signal,
    );
    if (isSilent) throw new errors.TimeoutError();
    return value;
  };
  const note = (what: string, name = ''): void => void heard.push(`${what} ${name} ${clock.monotonic()}`);
  const consumers = {
    delete: async (_stream: string, name: string) => {
      note('remove', name);
      return silent.includes(name) ? answer(true, true) : Promise.resolve(true);
    },
    add: async (_stream: string, { name = '' }: Partial<ConsumerConfig>) => {
      note('make', name);
      return answer(missing.includes(name), { name });
    },
  };
  const manager = { consumers } as unknown as JetStreamManager;
  return clearPlace({ manager, stream: 'S', names: NAMES, clock }).make({});
}

/** Its name, or why there is none. */
async function settled(made: Promise<ConsumerInfo>): Promise<string> {
  return made.then(
    ({ name }) => name,
    (cause: Error) => cause.message,
  );
}

async function pass(milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 50) {
    await turn();
    clock.advance(50);
  }
  await turn();
}
