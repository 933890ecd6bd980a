import { ExecutorError, type ExecuteReport, type ExecutorPlugin } from '@routerd/plugin-sdk';
import { beforeEach, describe, expect, test } from 'vitest';
import { createAwsExecutor } from '../src/index.ts';
import { callFor, dryRun, Ec2Fault, executing, MemoryEc2, requested } from './memory-ec2.ts';

let ec2: MemoryEc2;
let executor: ExecutorPlugin;

beforeEach(() => {
  ec2 = new MemoryEc2();
  executor = createAwsExecutor(() => ec2);
});

const statusOf = (report: ExecuteReport): readonly string[] =>
  report.results.map(({ status, errorClass }) => (errorClass === undefined ? status : `${status} ${errorClass}`));

describe('assign', () => {
  test('puts the whole batch on with one request', async () => {
    const report = await executor.execute(
      callFor('assign-secondary-ip', [requested('10.77.60.10'), requested('10.77.60.12')]),
      executing,
    );
    expect(statusOf(report)).toEqual(['succeeded', 'succeeded']);
    expect(report.nic?.addresses).toEqual(['10.77.60.10/32', '10.77.60.12/32']);
    expect(ec2.journal).toEqual(['assign 10.77.60.10,10.77.60.12 eni-a']);
  });

  test('twice asks EC2 once, and answers alreadyPresent', async () => {
    const call = callFor('assign-secondary-ip', [requested('10.77.60.10')]);
    await executor.execute(call, executing);
    const report = await executor.execute(call, executing);
    expect(report.results[0]).toMatchObject({ status: 'succeeded', message: expect.stringMatching(/^alreadyPresent/) });
    expect(ec2.journal).toHaveLength(1);
  });

  test('takes nothing from another interface without permission, and still assigns the rest', async () => {
    ec2.put('eni-b', '10.77.60.5', ['10.77.60.10']);
    const report = await executor.execute(
      callFor('assign-secondary-ip', [requested('10.77.60.10'), requested('10.77.60.12')]),
      executing,
    );
    expect(statusOf(report)).toEqual(['failed held-elsewhere', 'succeeded']);
    expect(report.results[0]?.message).toBe('10.77.60.10 is held by eni-b');
    expect(ec2.secondariesOf('eni-b')).toEqual(['10.77.60.10']);
    expect(ec2.journal.some((entry) => entry.startsWith('reassign'))).toBe(false);
  });

  test('with permission takes a secondary, and assigns what is free without force', async () => {
    ec2.put('eni-b', '10.77.60.5', ['10.77.60.10']);
    const addresses = [requested('10.77.60.10', 'router-b'), requested('10.77.60.12', 'router-b')];
    const report = await executor.execute(callFor('assign-secondary-ip', addresses), executing);
    expect(statusOf(report)).toEqual(['succeeded', 'succeeded']);
    expect(ec2.journal).toEqual(['reassign 10.77.60.10 eni-a', 'assign 10.77.60.12 eni-a']);
    expect(ec2.secondariesOf('eni-b')).toEqual([]);
  });

  test('never takes the primary of a machine', async () => {
    await expect(
      executor.execute(callFor('assign-secondary-ip', [requested('10.77.60.11', 'router-b')]), executing),
    ).resolves.toMatchObject({
      results: [
        {
          status: 'failed',
          errorClass: 'held-elsewhere',
          message: expect.stringContaining('primary address of eni-vm'),
        },
      ],
    });
    expect(ec2.journal).toEqual([]);
  });

  test('takes only from the interface that the plan names, where it names one', async () => {
    ec2.put('eni-c', '10.77.60.6', ['10.77.60.10']);
    const nic = {
      provider: 'aws',
      providerRef: 'aws',
      nicRef: 'eni-a',
      target: { region: 'r', 'nicOf.router-b': 'eni-b' },
    } as const;
    const call = callFor('assign-secondary-ip', [requested('10.77.60.10', 'router-b')], { nic });
    expect(statusOf(await executor.execute(call, executing))).toEqual(['failed held-elsewhere']);
    expect(ec2.journal).toEqual([]);
  });

  test('looks again when a stale listing had hidden the holder', async () => {
    ec2.put('eni-b', '10.77.60.5', ['10.77.60.10']);
    ec2.staleHolders = [];
    const report = await executor.execute(
      callFor('assign-secondary-ip', [requested('10.77.60.10', 'router-b')]),
      executing,
    );
    expect(statusOf(report)).toEqual(['succeeded']);
    expect(ec2.journal).toEqual(['assign 10.77.60.10 eni-a', 'reassign 10.77.60.10 eni-a']);
  });

  test('a lost answer is settled by reading, and the request is not repeated', async () => {
    ec2.nextFault = { error: new Ec2Fault('ECONNRESET', 'socket hang up', 0), isApplied: true };
    const report = await executor.execute(callFor('assign-secondary-ip', [requested('10.77.60.10')]), executing);
    expect(report.results[0]).toMatchObject({
      status: 'succeeded',
      message: expect.stringContaining('confirmed by reading'),
    });
    expect(ec2.journal).toHaveLength(1);
  });

  test('a refusal of the whole call carries its class and the request id', async () => {
    ec2.nextFault = { error: new Ec2Fault('PrivateIpAddressLimitExceeded', 'will exceed limit'), isApplied: false };
    const failing = executor.execute(callFor('assign-secondary-ip', [requested('10.77.60.10')]), executing);
    await expect(failing).rejects.toThrow(/PrivateIpAddressLimitExceeded: will exceed limit \(request req-1\)/);
    await expect(failing).rejects.toMatchObject({ errorClass: 'limit' });
  });

  test('in a dry run only looks', async () => {
    ec2.put('eni-b', '10.77.60.5', ['10.77.60.10']);
    const addresses = [requested('10.77.60.10'), requested('10.77.60.12')];
    const report = await executor.execute(callFor('assign-secondary-ip', addresses, { mode: 'dry-run' }), dryRun);
    expect(statusOf(report)).toEqual(['failed held-elsewhere', 'skipped']);
  });
});

describe('unassign', () => {
  test('of an address that is not there succeeds without a request', async () => {
    const report = await executor.execute(callFor('unassign-secondary-ip', [requested('10.77.60.10')]), executing);
    expect(report.results[0]).toMatchObject({ status: 'succeeded', message: expect.stringMatching(/^alreadyAbsent/) });
    expect(ec2.journal).toEqual([]);
  });

  test('leaves other interfaces alone', async () => {
    ec2.put('eni-b', '10.77.60.5', ['10.77.60.10']);
    expect(
      statusOf(await executor.execute(callFor('unassign-secondary-ip', [requested('10.77.60.10')]), executing)),
    ).toEqual(['succeeded']);
    expect(ec2.secondariesOf('eni-b')).toEqual(['10.77.60.10']);
  });

  test('refuses the primary', async () => {
    expect(
      statusOf(await executor.execute(callFor('unassign-secondary-ip', [requested('10.77.60.4')]), executing)),
    ).toEqual(['failed invalid']);
  });
});

describe('forwarding', () => {
  test('is switched on once, and the prior value is told', async () => {
    const call = callFor('ensure-forwarding-enabled', [requested('10.77.60.10')]);
    const first = await executor.execute(call, executing);
    expect(first).toMatchObject({ observed: { priorSourceDestCheck: 'true' }, nic: { forwarding: true } });
    const second = await executor.execute(call, executing);
    expect(second).toMatchObject({ observed: { priorSourceDestCheck: 'false' }, nic: { forwarding: true } });
    expect(ec2.journal).toEqual(['check false eni-a']);
  });
});

test.each([
  ['region', { target: {} }, 'target.region is required'],
  ['nicRef', { nicRef: '' }, 'target.nicRef is required'],
])('a request without %s is invalid', async (_, fields, message) => {
  const nic = { provider: 'aws', providerRef: 'aws', nicRef: 'eni-a', target: { region: 'r' }, ...fields } as const;
  await expect(executor.observe(nic, dryRun)).rejects.toThrow(new ExecutorError('invalid', message, { number: 506 }));
});

test('an interface that does not exist is not found', async () => {
  const nic = { provider: 'aws', providerRef: 'aws', nicRef: 'eni-none', target: { region: 'r' } } as const;
  await expect(executor.observe(nic, dryRun)).rejects.toMatchObject({ errorClass: 'not-found' });
});
