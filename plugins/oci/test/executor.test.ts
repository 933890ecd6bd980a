import type { ExecuteReport, ExecutorPlugin } from '@routerd/plugin-sdk';
import { beforeEach, describe, expect, test } from 'vitest';
import { createOciExecutor } from '../src/index.ts';
import { callFor, dryRun, executing, MemoryNetwork, OciFault, requested } from './memory-network.ts';

let network: MemoryNetwork;
let executor: ExecutorPlugin;

beforeEach(() => {
  network = new MemoryNetwork();
  executor = createOciExecutor(() => network);
});

const statusOf = (report: ExecuteReport): readonly string[] =>
  report.results.map(({ status, errorClass }) => (errorClass === undefined ? status : `${status} ${errorClass}`));
const tags = (epoch: number): Readonly<Record<string, string>> => ({ routerdEpoch: String(epoch), costCentre: '42' });

async function assign(...addresses: ReturnType<typeof requested>[]): Promise<ExecuteReport> {
  return executor.execute(callFor('assign-secondary-ip', addresses), executing);
}

describe('assign', () => {
  test('creates the address with its fence in the tags', async () => {
    const report = await assign(requested('10.77.60.10'), requested('10.77.60.12'));
    expect(statusOf(report)).toEqual(['succeeded', 'succeeded']);
    expect(report.nic?.addresses).toEqual(['10.77.60.10/32', '10.77.60.12/32']);
    expect(network.tagsOf('10.77.60.10')).toEqual({
      routerdEpoch: '7',
      routerdHolder: 'vnic-a',
      routerdKey: 'pool|10.77.60.10/32|provider:oci:placement:g',
    });
  });

  test('twice creates once', async () => {
    await assign(requested('10.77.60.10'));
    const report = await assign(requested('10.77.60.10'));
    expect(report.results[0]?.message).toMatch(/^alreadyPresent/);
    expect(network.journal).toHaveLength(1);
  });

  test('raises the epoch of what it has from an earlier tenure, and keeps what it has from a later one', async () => {
    network.put('10.77.60.10', 'vnic-a', tags(6));
    expect(statusOf(await assign(requested('10.77.60.10', 7)))).toEqual(['succeeded']);
    expect(network.tagsOf('10.77.60.10')).toMatchObject({ routerdEpoch: '7', costCentre: '42' });
    expect(statusOf(await assign(requested('10.77.60.10', 5), requested('10.77.60.12')))).toEqual([
      'failed conflict',
      'succeeded',
    ]);
  });

  test('takes nothing without permission, and still assigns the rest', async () => {
    network.put('10.77.60.10', 'vnic-b', tags(3));
    const report = await assign(requested('10.77.60.10'), requested('10.77.60.12'));
    expect(statusOf(report)).toEqual(['failed held-elsewhere', 'succeeded']);
    expect(network.holderOf('10.77.60.10')).toBe('vnic-b');
  });

  test('moves a secondary in one write, with the new epoch and the tags that others set', async () => {
    const id = network.put('10.77.60.10', 'vnic-b', tags(3));
    expect(statusOf(await assign(requested('10.77.60.10', 7, 'router-b')))).toEqual(['succeeded']);
    expect(network.journal).toEqual([`update ${id} vnic-a`]);
    expect(network.tagsOf('10.77.60.10')).toMatchObject({
      routerdEpoch: '7',
      routerdHolder: 'vnic-a',
      costCentre: '42',
    });
  });

  test.each([
    ['a newer epoch', '10.77.60.10', /since epoch 9/],
    ['a primary', '10.77.60.11', /primary address of vnic-vm/],
  ])('never moves %s', async (_, bare, message) => {
    network.put('10.77.60.10', 'vnic-b', tags(9));
    const report = await assign(requested(bare, 7, 'router-b'));
    expect(report.results[0]).toMatchObject({ errorClass: 'held-elsewhere', message: expect.stringMatching(message) });
    expect(network.journal).toEqual([]);
  });

  test('a holder that raises its epoch in between wins', async () => {
    network.put('10.77.60.10', 'vnic-b', tags(3));
    network.beforeWrite = () => {
      network.beforeWrite = undefined;
      network.put('10.77.60.10', 'vnic-b', tags(8));
    };
    expect(statusOf(await assign(requested('10.77.60.10', 7, 'router-b')))).toEqual(['failed held-elsewhere']);
    expect(network.holderOf('10.77.60.10')).toBe('vnic-b');
  });

  test('a listing that hid the holder is looked at again', async () => {
    network.put('10.77.60.10', 'vnic-b', tags(3));
    network.blindLookups = 1;
    expect(statusOf(await assign(requested('10.77.60.10', 7, 'router-b')))).toEqual(['succeeded']);
    expect(network.holderOf('10.77.60.10')).toBe('vnic-a');
  });

  test("a reserved address that is on no VNIC is nobody's to take, unless a capture of ours left it", async () => {
    network.put('10.77.60.10', undefined);
    expect(statusOf(await assign(requested('10.77.60.10')))).toEqual(['failed held-elsewhere']);
    network.put('10.77.60.10', undefined, { routerdKey: requested('10.77.60.10').captureKey, routerdEpoch: '3' });
    expect(statusOf(await assign(requested('10.77.60.10')))).toEqual(['succeeded']);
  });

  test('a lost answer is settled by reading, without a second write', async () => {
    network.faultAfter = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } });
    const report = await assign(requested('10.77.60.10'));
    expect(report.results[0]).toMatchObject({
      status: 'succeeded',
      message: expect.stringContaining('confirmed by reading'),
    });
    expect(network.journal).toHaveLength(1);
  });

  test('a limit ends it at once, with the request id', async () => {
    network.beforeWrite = () => {
      throw new OciFault(400, 'LimitExceeded', 'too many');
    };
    expect((await assign(requested('10.77.60.10'))).results[0]).toMatchObject({
      errorClass: 'limit',
      message: expect.stringContaining('LimitExceeded: too many (request req-1)'),
    });
  });

  test('every attempt of one tenure sends one retry token, until OCI says that its object is gone', async () => {
    const refusing = (code: string) => () => {
      network.beforeWrite = undefined;
      throw new OciFault(409, code);
    };
    network.beforeWrite = refusing('IncorrectState');
    await assign(requested('10.77.60.10', 7));
    const [first, second] = network.retryTokens;
    expect(first).toBe(second);
    network = new MemoryNetwork();
    executor = createOciExecutor(() => network);
    network.beforeWrite = refusing('InvalidatedRetryToken');
    expect(statusOf(await assign(requested('10.77.60.10', 7)))).toEqual(['succeeded']);
    expect(network.retryTokens[0]).toBe(first);
    expect(network.retryTokens[1]).not.toBe(first);
  });

  test('in a dry run only looks', async () => {
    network.put('10.77.60.10', 'vnic-b', tags(3));
    const addresses = [requested('10.77.60.10', 7, 'router-b'), requested('10.77.60.12')];
    const report = await executor.execute(callFor('assign-secondary-ip', addresses, { mode: 'dry-run' }), dryRun);
    expect(report.results.map(({ message }) => message)).toEqual([
      'dry run: would move 10.77.60.10 from vnic-b to vnic-a',
      'dry run: would assign 10.77.60.12 to vnic-a',
    ]);
  });
});

describe('unassign', () => {
  const unassign = async (...addresses: ReturnType<typeof requested>[]): Promise<ExecuteReport> =>
    executor.execute(callFor('unassign-secondary-ip', addresses), executing);

  test('removes what is ours, leaves what is not, and succeeds for what is absent', async () => {
    network.put('10.77.60.10', 'vnic-a', tags(7));
    network.put('10.77.60.12', 'vnic-b', tags(7));
    const report = await unassign(
      requested('10.77.60.10', 8),
      requested('10.77.60.12', 8),
      requested('10.77.60.13', 8),
    );
    expect(statusOf(report)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(network.holderOf('10.77.60.10')).toBeUndefined();
    expect(network.holderOf('10.77.60.12')).toBe('vnic-b');
  });

  test('that is older than the tag leaves the address', async () => {
    network.put('10.77.60.10', 'vnic-a', tags(9));
    expect(statusOf(await unassign(requested('10.77.60.10', 7)))).toEqual(['failed conflict']);
  });

  test('a 404 while the listing still shows it proves nothing', async () => {
    network.put('10.77.60.10', 'vnic-a', tags(7));
    network.beforeWrite = () => {
      throw new OciFault(404, 'NotAuthorizedOrNotFound');
    };
    expect(statusOf(await unassign(requested('10.77.60.10', 8)))).toEqual(['failed not-found']);
  });
});

test('forwarding is switched on once, and the prior value is told', async () => {
  const call = callFor('ensure-forwarding-enabled', [requested('10.77.60.10')]);
  expect(await executor.execute(call, executing)).toMatchObject({
    observed: { priorSkipSourceDestCheck: 'false' },
    nic: { forwarding: true },
  });
  await executor.execute(call, executing);
  expect(network.journal).toEqual(['skip true vnic-a']);
});

test('a VNIC that is not shown is not found, one that is not named is invalid', async () => {
  const nic = { provider: 'oci', providerRef: 'oci', nicRef: 'vnic-none', target: {} } as const;
  await expect(executor.observe(nic, dryRun)).rejects.toMatchObject({ errorClass: 'not-found' });
  await expect(executor.observe({ ...nic, nicRef: '' }, dryRun)).rejects.toThrow('target.nicRef is required');
});
