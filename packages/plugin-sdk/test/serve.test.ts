import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ExecutorError, serve, succeeded, result, type ExecutorPlugin, type ResultMessage } from '../src/index.ts';
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
    ['no JSON', 'hello\n', /not JSON/, ''],
    [
      'an unknown verb',
      lines({ ...executeRequest({ action: 'steal' as 'assign-secondary-ip' }) }),
      /spec\.action/,
      'r1',
    ],
    ['an unknown field', lines({ ...executeRequest(), extra: 1 }), /extra/, 'r1'],
    ['no address', lines(executeRequest({ addresses: [] })), /spec\.addresses/, 'r1'],
    ['another API version', lines({ ...executeRequest(), apiVersion: 'v0' }), /apiVersion/, 'r1'],
    ['a line that is too long', `${'x'.repeat(1024 * 1024 + 1)}\n`, /longer than 1048576 bytes/, ''],
  ])('refuses %s as invalid and goes on', async (_, input, message, id) => {
    const { answers } = await served(input + lines(observeRequest()), pluginWith([]));
    expect(answers).toHaveLength(2);
    expect(answers[0]?.id).toBe(id);
    expect(errorOf(answers[0])).toEqual({ class: 'invalid', message: expect.stringMatching(message) });
    expect(answers[1]?.status.status).toBe('completed');
  });

  test('refuses a mutating call in a dry run, whatever the plugin tries', async () => {
    const calls: string[] = [];
    const { answers } = await served(lines(executeRequest({ mode: 'dry-run' })), pluginWith(calls));
    expect(errorOf(answers[0])).toEqual({ class: 'invalid', message: 'refused to assign: the mode is dry-run' });
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
    expect(errorOf(answers[0])).toEqual({ class: 'throttled', message: 'RequestLimitExceeded', retryAfterMs: 1500 });
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
      { class: 'invalid', message: expect.stringContaining('no such module') },
      { class: 'invalid', message: expect.stringContaining('no such module') },
    ]);
  });
});
