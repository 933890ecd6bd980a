import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  API_VERSION,
  classNumber,
  ERROR_CLASSES,
  ERRORS,
  ExecutorError,
  result,
  serve,
  succeeded,
  VERBS,
  type ExecutorPlugin,
  type ResultMessage,
} from '../src/index.ts';
import { executeRequest, observeRequest } from './requests.ts';

const lines = (...documents: readonly unknown[]): string => documents.map((one) => `${JSON.stringify(one)}\n`).join('');

const NIC = { addresses: ['10.77.60.10/32'], forwarding: true };

/** Answers every assign after one mutating call; remembers the calls it made. */
function pluginWith(calls: string[], execute?: ExecutorPlugin['execute']): ExecutorPlugin {
  return {
    execute:
      execute ??
      (async (call, context) => {
        await context.mutate('assign', async () => {
          calls.push(call.attempt);
        });
        return { results: call.addresses.map(({ address }) => succeeded(address, 'assigned')), observed: {}, nic: NIC };
      }),
    observe: async () => NIC,
  };
}

async function served(
  input: string,
  plugin: ExecutorPlugin | (() => Promise<ExecutorPlugin>),
  isCallerAlive = () => true,
): Promise<{ readonly answers: readonly ResultMessage[]; readonly exits: readonly number[] }> {
  const written: string[] = [];
  const exits: number[] = [];
  await serve(plugin, {
    input: (async function* () {
      yield Buffer.from(input);
    })(),
    write: async (line) => void written.push(line),
    note: () => undefined,
    isCallerAlive,
    exit: (code) => void exits.push(code),
  });
  return { answers: written.map((line) => result.parse(z.json().parse(JSON.parse(line)))), exits };
}

const errorOf = (answer: ResultMessage | undefined): unknown =>
  answer?.status.status === 'failed' ? answer.status.error : undefined;

describe('serve', () => {
  test('answers requests in order with one line each, then exits with 0', async () => {
    const calls: string[] = [];
    const second = { ...executeRequest({ attempt: 'a2' }), id: 'r2' };
    const { answers, exits } = await served(lines(executeRequest(), observeRequest(), second), pluginWith(calls));
    expect(answers.map(({ id, kind }) => [id, kind])).toEqual([
      ['r1', 'ExecuteActionResult'],
      ['o1', 'ObserveNicResult'],
      ['r2', 'ExecuteActionResult'],
    ]);
    expect(answers[1]?.status).toEqual({ status: 'completed', nic: NIC });
    expect(calls).toEqual(['a1', 'a2']);
    expect(exits).toEqual([0]);
  });

  test.each([
    ['no JSON', 'hello\n', /not JSON/, '', 501],
    [
      'an unknown verb',
      lines({ ...executeRequest({ action: 'steal' as 'assign-secondary-ip' }) }),
      /spec\.action/,
      'r1',
      503,
    ],
    ['an unknown field', lines({ ...executeRequest(), extra: 1 }), /extra/, 'r1', 503],
    ['no address', lines(executeRequest({ addresses: [] })), /spec\.addresses/, 'r1', 503],
    ['another API version', lines({ ...executeRequest(), apiVersion: 'v0' }), /apiVersion/, 'r1', 503],
    ['a line that is too long', `${'x'.repeat(1024 * 1024 + 1)}\n`, /longer than 1048576 bytes/, '', 502],
  ])('refuses %s as invalid and goes on', async (_, input, message, id, number) => {
    const { answers } = await served(input + lines(observeRequest()), pluginWith([]));
    expect(answers).toHaveLength(2);
    expect(answers[0]?.id).toBe(id);
    expect(errorOf(answers[0])).toEqual({ class: 'invalid', number, message: expect.stringMatching(message) });
    expect(answers[1]?.status.status).toBe('completed');
  });

  test('refuses a mutating call in a dry run, whatever the plugin tries', async () => {
    const calls: string[] = [];
    const { answers } = await served(lines(executeRequest({ mode: 'dry-run' })), pluginWith(calls));
    expect(errorOf(answers[0])).toEqual({
      class: 'invalid',
      number: 507,
      message: 'refused to assign: the mode is dry-run',
    });
    expect(calls).toEqual([]);
  });

  test('changes nothing for a caller that has gone away', async () => {
    const calls: string[] = [];
    const { answers } = await served(lines(executeRequest()), pluginWith(calls), () => false);
    expect(errorOf(answers[0])).toMatchObject({ class: 'transport' });
    expect(calls).toEqual([]);
  });

  test('passes on the class and the wait that a plugin asks for', async () => {
    const plugin = pluginWith([], async () => {
      throw new ExecutorError('throttled', 'RequestLimitExceeded', { retryAfterMs: 1500 });
    });
    const { answers } = await served(lines(executeRequest()), plugin);
    expect(errorOf(answers[0])).toEqual({
      class: 'throttled',
      number: 100,
      message: 'RequestLimitExceeded',
      retryAfterMs: 1500,
    });
  });

  test('an exception without a class is an unknown outcome only after a mutating call', async () => {
    const before = pluginWith([], async () => {
      throw new TypeError('x is undefined');
    });
    const after = pluginWith([], async (_, context) => {
      await context.mutate('assign', async () => undefined);
      throw new TypeError('x is undefined');
    });
    expect(errorOf((await served(lines(executeRequest()), before)).answers[0])).toMatchObject({ class: 'transport' });
    expect(errorOf((await served(lines(executeRequest()), after)).answers[0])).toMatchObject({
      class: 'unknown-outcome',
    });
  });

  test('a result that breaks the protocol is not sent', async () => {
    const plugin = pluginWith([], async (call, context) => {
      await context.mutate('assign', async () => undefined);
      return {
        results: [succeeded(call.addresses[0]?.address ?? '', '')],
        observed: {},
        nic: { addresses: ['10.0.0.1'], forwarding: true },
      };
    });
    expect(errorOf((await served(lines(executeRequest()), plugin)).answers[0])).toMatchObject({
      class: 'unknown-outcome',
    });
  });

  test('a plugin that cannot be loaded says so in every answer', async () => {
    const load = async (): Promise<ExecutorPlugin> => {
      throw new Error('no such module');
    };
    const { answers } = await served(lines(executeRequest(), observeRequest()), load);
    expect(answers.map(errorOf)).toEqual([
      { class: 'invalid', number: 508, message: expect.stringContaining('no such module') },
      { class: 'invalid', number: 508, message: expect.stringContaining('no such module') },
    ]);
  });

  test('counts what a request cost, and passes on what the rate headers said', async () => {
    const plugin = pluginWith([], async (call, context) => {
      context.spent({ reads: 1, readsLeft: 90 });
      await context.mutate('assign', async () => undefined);
      context.spent({ reads: 2, readsLeft: 88, resetsAfterMs: 4000 });
      return { results: call.addresses.map(({ address }) => succeeded(address, 'assigned')), observed: {}, nic: NIC };
    });
    const { answers } = await served(lines(executeRequest()), plugin);
    expect(answers[0]?.usage).toEqual({ writes: 1, reads: 3, readsLeft: 88, resetsAfterMs: 4000 });
  });
});

describe('negotiation', () => {
  const describeWith = (versions: readonly string[]): unknown => ({
    apiVersion: API_VERSION,
    kind: 'DescribeRequest',
    id: 'd1',
    spec: { versions },
  });

  test('takes the first version that it speaks, and names what it has', async () => {
    const plugin: ExecutorPlugin = {
      ...pluginWith([]),
      about: { name: 'routerd-aws', release: '1.2.0', providers: ['aws'], storesEpoch: false },
      check: async () => ({ results: [], forwarding: 'unknown' }),
    };
    const { answers } = await served(lines(describeWith(['other/v9', API_VERSION])), plugin);
    expect(answers[0]?.kind).toBe('DescribeResult');
    expect(answers[0]?.status).toEqual({
      status: 'completed',
      version: API_VERSION,
      executor: { name: 'routerd-aws', release: '1.2.0' },
      requests: ['ExecuteActionRequest', 'ObserveNicRequest', 'DescribeRequest', 'CheckRequest'],
      actions: [...VERBS],
      providers: ['aws'],
      storesEpoch: false,
    });
  });

  test('refuses a caller that speaks nothing it knows, and says what it speaks', async () => {
    const { answers } = await served(lines(describeWith(['other/v9'])), pluginWith([]));
    expect(errorOf(answers[0])).toEqual({
      class: 'invalid',
      number: 504,
      message: `this executor speaks ${API_VERSION}, not other/v9`,
    });
  });

  test.each(['InventoryRequest', 'CheckRequest', 'PreflightRequest'])('%s is refused by who has none', async (kind) => {
    const { nic } = observeRequest().spec;
    const specs: Readonly<Record<string, unknown>> = {
      InventoryRequest: { nic },
      CheckRequest: { nic, addresses: ['10.77.60.10/32'] },
      PreflightRequest: { nic, actions: ['assign-secondary-ip'] },
    };
    const { answers } = await served(lines({ ...observeRequest(), kind, spec: specs[kind] }), pluginWith([]));
    expect(answers[0]?.kind).toBe(kind.replace('Request', 'Result'));
    expect(errorOf(answers[0])).toMatchObject({ class: 'invalid', number: 505 });
  });

  test('a plugin cannot change anything in a request that reads', async () => {
    const plugin: ExecutorPlugin = {
      ...pluginWith([]),
      preflight: async (_nic, _actions, context) => {
        await context.mutate('try it out', async () => undefined);
        return { findings: [] };
      },
    };
    const { nic } = observeRequest().spec;
    const asked = { ...observeRequest(), kind: 'PreflightRequest', spec: { nic, actions: ['assign-secondary-ip'] } };
    const { answers } = await served(lines(asked), plugin);
    expect(errorOf(answers[0])).toMatchObject({ class: 'invalid', number: 507 });
  });
});

test('every number of the catalogue is there once, in the hundred of its class', () => {
  expect(new Set(ERRORS.map(({ number }) => number)).size).toBe(ERRORS.length);
  for (const { number, class: errorClass } of ERRORS) {
    expect(Math.floor(number / 100) * 100).toBe(classNumber(errorClass));
  }
  expect(ERROR_CLASSES.map(classNumber).every((number) => number >= 100 && number % 100 === 0)).toBe(true);
});
