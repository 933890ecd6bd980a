import type { CallContext, ExecuteReport, ExecutorPlugin } from '@routerd/plugin-sdk';
import { beforeEach, describe, expect, test } from 'vitest';
import { ComputeError, createGcpExecutor } from '../src/index.ts';
import { callFor, executing, fault, instanceName, MemoryCompute, nicRef, requested } from './memory-compute.ts';

let compute: MemoryCompute;
let executor: ExecutorPlugin;

beforeEach(() => {
  compute = new MemoryCompute();
  executor = createGcpExecutor(compute);
});

const dryRun: CallContext = {
  mode: 'dry-run',
  mutate: async (what) => {
    throw new Error(`refused to ${what}`);
  },
  note: () => undefined,
  spent: () => undefined,
};

const statusOf = (report: ExecuteReport): readonly string[] =>
  report.results.map(({ status, errorClass }) => (errorClass === undefined ? status : `${status} ${errorClass}`));

async function assign(...addresses: ReturnType<typeof requested>[]): Promise<ExecuteReport> {
  return executor.execute(callFor('assign-secondary-ip', addresses), executing);
}

async function unassign(...addresses: ReturnType<typeof requested>[]): Promise<ExecuteReport> {
  return executor.execute(callFor('unassign-secondary-ip', addresses), executing);
}

describe('assign', () => {
  test('writes a whole batch with one PATCH that keeps what others put there as it was', async () => {
    compute.put('a', '10.77.60.14', ['10.8.0.0/24'], { subnetworkRangeName: 'pods' });
    expect(statusOf(await assign(requested('10.77.60.10'), requested('10.77.60.12')))).toEqual([
      'succeeded',
      'succeeded',
    ]);
    expect(compute.journal.map(({ ranges }) => ranges)).toEqual([
      [
        { ipCidrRange: '10.8.0.0/24', subnetworkRangeName: 'pods' },
        { ipCidrRange: '10.77.60.10/32' },
        { ipCidrRange: '10.77.60.12/32' },
      ],
    ]);
  });

  test('twice writes once', async () => {
    await assign(requested('10.77.60.10'));
    const report = await assign(requested('10.77.60.10'));
    expect(report.results[0]?.message).toMatch(/^alreadyPresent/);
    expect(compute.journal).toHaveLength(1);
  });

  test('knows an address that is listed without its length', async () => {
    compute.put('a', '10.77.60.14', ['10.77.60.10']);
    expect((await assign(requested('10.77.60.10'))).results[0]?.message).toMatch(/^alreadyPresent/);
  });

  test('without permission takes nothing, names the holder, and assigns the rest', async () => {
    compute.put('b', '10.77.60.15', ['10.77.60.10/32']);
    const report = await assign(requested('10.77.60.10'), requested('10.77.60.12'));
    expect(statusOf(report)).toEqual(['failed held-elsewhere', 'succeeded']);
    expect(report.results[0]?.message).toContain(nicRef('b'));
  });

  test('with permission takes the address off its holder and puts it on ours: two writes', async () => {
    compute.put('b', '10.77.60.15', ['10.77.60.10/32', '10.77.60.13/32']);
    const report = await assign(requested('10.77.60.10', 'router-b'), requested('10.77.60.12', 'router-b'));
    expect(statusOf(report)).toEqual(['succeeded', 'succeeded']);
    expect(report.observed['displacedNicRef']).toBe(nicRef('b'));
    expect(compute.journal.map(({ name }) => name)).toEqual([instanceName('b'), instanceName('a')]);
    expect(compute.rangesOf('b')).toEqual(['10.77.60.13/32']);
  });

  test('takes the only alias of a holder by writing an empty list', async () => {
    compute.put('b', '10.77.60.15', ['10.77.60.10/32']);
    await assign(requested('10.77.60.10', 'router-b'));
    expect(compute.journal[0]).toEqual({ name: instanceName('b'), ranges: [] });
  });

  test('never takes a primary, nor a part of a wider range', async () => {
    compute.put('b', '10.77.60.15', ['10.77.60.64/28']);
    const report = await assign(requested('10.77.60.70', 'router-b'), requested('10.77.60.16', 'router-b'));
    expect(statusOf(report)).toEqual(['failed held-elsewhere', 'failed held-elsewhere']);
    expect(report.results.map(({ message }) => message).join()).toMatch(/wider alias range.*primary address/);
    expect(compute.journal).toEqual([]);
  });

  test('in one request an address is taken once: a second router that takes it back is not fought', async () => {
    compute.put('b', '10.77.60.15', ['10.77.60.10/32']);
    compute.beforeWrite = (name) => {
      if (name === instanceName('a')) compute.put('b', '10.77.60.15', ['10.77.60.10/32']);
    };
    const report = await assign(requested('10.77.60.10', 'router-b'));
    expect(statusOf(report)).toEqual(['failed held-elsewhere']);
    expect(report.results[0]?.message).toMatch(/another router seizes it too/);
    expect(compute.journal).toHaveLength(1);
  });

  test('takes up a seizure that was cut off between its two writes', async () => {
    compute.put('b', '10.77.60.15', ['10.77.60.10/32']);
    compute.beforeWrite = (name) => {
      if (name === instanceName('a')) throw new ComputeError(fault('rateLimitExceeded', 403));
    };
    await expect(assign(requested('10.77.60.10', 'router-b'))).rejects.toMatchObject({ errorClass: 'throttled' });
    expect([...compute.rangesOf('a'), ...compute.rangesOf('b')]).toEqual([]);
    compute.beforeWrite = undefined;
    expect(statusOf(await assign(requested('10.77.60.10', 'router-b')))).toEqual(['succeeded']);
  });

  test('what cannot be placed for good goes back to whom it was taken from', async () => {
    compute.put('b', '10.77.60.15', ['10.77.60.10/32', '10.77.60.13/32']);
    compute.beforeWrite = (name) => {
      if (name === instanceName('a')) throw new ComputeError(fault('QUOTA_EXCEEDED', undefined));
    };
    const report = await assign(requested('10.77.60.10', 'router-b'));
    expect(statusOf(report)).toEqual(['failed limit']);
    expect(report.results[0]?.message).toContain(`given back to ${nicRef('b')}`);
    expect(new Set(compute.rangesOf('b'))).toEqual(new Set(['10.77.60.10/32', '10.77.60.13/32']));
  });

  test('what does not fit is told before anything is taken from anybody for it', async () => {
    const full = Array.from({ length: 149 }, (_, index) => `10.77.61.${index}/32`);
    compute.put('a', '10.77.60.14', full);
    compute.put('b', '10.77.60.15', ['10.77.60.10/32', '10.77.60.12/32']);
    const report = await assign(requested('10.77.60.10', 'router-b'), requested('10.77.60.12', 'router-b'));
    expect(statusOf(report)).toEqual(['succeeded', 'failed limit']);
    expect(compute.rangesOf('b')).toEqual(['10.77.60.12/32']);
  });

  test('a lost race is read again and merged, never overwritten', async () => {
    let isFirst = true;
    compute.beforeWrite = () => {
      if (isFirst) compute.put('a', '10.77.60.14', ['10.77.60.99/32']);
      isFirst = false;
    };
    expect(statusOf(await assign(requested('10.77.60.10')))).toEqual(['succeeded']);
    expect(compute.rangesOf('a')).toEqual(['10.77.60.99/32', '10.77.60.10/32']);
  });

  test('a lost answer is settled by reading, without a second write', async () => {
    compute.faultAfter = new Error('fetch failed', {
      cause: Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
    });
    const report = await assign(requested('10.77.60.10'));
    expect(report.results[0]?.message).toMatch(/confirmed by reading.*ECONNRESET/);
    expect(compute.journal).toHaveLength(1);
  });

  test('an instance that is busy is a conflict', async () => {
    compute.beforeWrite = () => {
      throw new ComputeError(fault('resourceNotReady', 400));
    };
    await expect(assign(requested('10.77.60.10'))).rejects.toMatchObject({ errorClass: 'conflict' });
  });

  test('in a dry run only looks', async () => {
    compute.put('b', '10.77.60.15', ['10.77.60.10/32', '10.77.60.13/32']);
    const addresses = [requested('10.77.60.10', 'router-b'), requested('10.77.60.12'), requested('10.77.60.13')];
    const report = await executor.execute(callFor('assign-secondary-ip', addresses, { mode: 'dry-run' }), dryRun);
    expect(statusOf(report)).toEqual(['skipped', 'skipped', 'failed held-elsewhere']);
  });
});

test('unassign takes a batch off with one PATCH; what is absent succeeds, and what another NIC has stays there', async () => {
  compute.put('b', '10.77.60.15', ['10.77.60.13/32']);
  await assign(requested('10.77.60.10'), requested('10.77.60.12'));
  const report = await unassign(requested('10.77.60.10'), requested('10.77.60.12'), requested('10.77.60.13'));
  expect(statusOf(report)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  expect(compute.rangesOf('a')).toEqual([]);
  expect(compute.rangesOf('b')).toEqual(['10.77.60.13/32']);
  expect(compute.journal).toHaveLength(2);
});

describe('forwarding', () => {
  const enable = async (): Promise<ExecuteReport> =>
    executor.execute(callFor('ensure-forwarding-enabled', [requested('10.77.60.10')]), executing);

  test('is switched on with one update of the whole instance, and the prior value is told', async () => {
    expect(await enable()).toMatchObject({ observed: { priorCanIpForward: 'false' }, nic: { forwarding: true } });
    await enable();
    expect(compute.journal).toHaveLength(1);
  });

  test.each([
    ['invalid', 400, /create the instance with --can-ip-forward/],
    ['forbidden', 403, /grant compute\.instances\.update/],
  ] as const)('that GCP refuses (%s) is told with what to do', async (code, status, remedy) => {
    compute.beforeWrite = () => {
      throw new ComputeError(fault(code, status));
    };
    await expect(enable()).rejects.toThrow(remedy);
  });
});

test('a name that is no NIC of an instance is refused', async () => {
  const nic = { provider: 'gcp', providerRef: 'gcp', nicRef: 'nic0', target: {} } as const;
  await expect(executor.observe(nic, dryRun)).rejects.toMatchObject({ errorClass: 'invalid' });
  await expect(executor.observe({ ...nic, nicRef: '' }, dryRun)).rejects.toThrow('target.nicRef is required');
  await expect(executor.observe({ ...nic, nicRef: nicRef('gone') }, dryRun)).rejects.toMatchObject({
    errorClass: 'not-found',
  });
});
