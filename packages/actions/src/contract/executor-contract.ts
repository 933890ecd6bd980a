/** What every provider executor must do, whatever the vendor. An adapter's test file is one call to this. */
import type { ActionVerb } from '@routerd/mobility';
import type { HostAddress } from '@routerd/resources';
import { describe, expect, test } from 'vitest';
import type { ExecuteOutcome, ExecuteRequest, NicTarget, ProviderExecutor } from '../ports.ts';

/** Two NICs of one network at a provider, emulated or real, and a view of it that does not go through the executor. */
export interface ExecutorRig {
  readonly executor: ProviderExecutor;
  readonly nic: NicTarget;
  readonly otherNic: NicTarget;
  /** How a request names the holder of `otherNic` (of `nic`) in `seizeFrom`. */
  readonly otherHolder: string;
  readonly holder: string;
  /** Two addresses that no NIC has and both may get. */
  readonly addresses: readonly [HostAddress, HostAddress];
  /** Which of the two NICs has the address, by `nicRef`. */
  readonly holderOf: (address: HostAddress) => Promise<string | undefined>;
  /** Whether the NIC may carry packets that are not its own. */
  readonly isForwarding: (nic: NicTarget) => Promise<boolean>;
  /** Everything that was ever changed, as the provider counts it. */
  readonly changes: () => Promise<number>;
}

const signal = (): AbortSignal => new AbortController().signal;

interface RequestParts {
  readonly verb: ActionVerb;
  readonly nic: NicTarget;
  readonly addresses: readonly HostAddress[];
  readonly epoch?: number;
  readonly seizeFrom?: string;
  readonly mode?: ExecuteRequest['mode'];
}

function requestOf({ verb, nic, addresses, epoch = 1, seizeFrom, mode = 'execute' }: RequestParts): ExecuteRequest {
  return {
    nic,
    verb,
    addresses: addresses.map((address) => ({
      address,
      captureKey: `cloudedge|${address}|provider:${nic.providerRef}:placement:contract`,
      captureEpoch: epoch,
      seizeFrom,
    })),
    mode,
    attempt: `contract-${verb}-${epoch}`,
  };
}

/** @returns the outcome; a fault of the whole call fails the test with the executor's words */
async function run(executor: ProviderExecutor, parts: RequestParts): Promise<ExecuteOutcome> {
  const answer = await executor.execute(requestOf(parts), signal());
  if (!answer.ok) throw new Error(`${answer.error.code} (${answer.error.errorClass}): ${answer.error.detail}`);
  return answer.value;
}

const statuses = ({ results }: ExecuteOutcome): readonly string[] => results.map(({ status }) => status);

/** @param open gets a rig whose addresses are free and whose NICs do not forward; what it needs to clean up it registers itself */
export function executorContract(name: string, open: () => Promise<ExecutorRig>): void {
  describe(`executor contract: ${name}`, () => {
    assignContract(open);
    moveContract(open);
    forwardingContract(open);
    readOnlyContract(open);
  });
}

function assignContract(open: () => Promise<ExecutorRig>): void {
  test('one call assigns all its addresses and reads the NIC back', async () => {
    const { executor, nic, addresses, holderOf } = await open();
    const outcome = await run(executor, { verb: 'assign-secondary-ip', nic, addresses });
    expect(statuses(outcome)).toEqual(['succeeded', 'succeeded']);
    expect(outcome.results.map(({ address }) => address)).toEqual(addresses);
    for (const address of addresses) expect(await holderOf(address)).toBe(nic.nicRef);
    expect(outcome.nic?.addresses).toEqual(expect.arrayContaining([...addresses]));
  });

  test('assigning twice leaves one assignment and succeeds', async () => {
    const { executor, nic, addresses, holderOf, changes } = await open();
    const [address] = addresses;
    await run(executor, { verb: 'assign-secondary-ip', nic, addresses: [address] });
    const before = await changes();
    expect(statuses(await run(executor, { verb: 'assign-secondary-ip', nic, addresses: [address] }))).toEqual([
      'succeeded',
    ]);
    expect(await holderOf(address)).toBe(nic.nicRef);
    expect(await changes()).toBe(before);
  });

  test('unassigning takes it off, and what is absent is unassigned already', async () => {
    const { executor, nic, addresses, holderOf } = await open();
    const [address, absent] = addresses;
    await run(executor, { verb: 'assign-secondary-ip', nic, addresses: [address] });
    const outcome = await run(executor, { verb: 'unassign-secondary-ip', nic, addresses: [address, absent] });
    expect(statuses(outcome)).toEqual(['succeeded', 'succeeded']);
    expect(await holderOf(address)).toBeUndefined();
    expect(outcome.nic?.addresses ?? []).not.toContain(address);
  });

  test('unassigning a second time is a look', async () => {
    const { executor, nic, addresses, changes } = await open();
    const [address] = addresses;
    await run(executor, { verb: 'assign-secondary-ip', nic, addresses: [address] });
    await run(executor, { verb: 'unassign-secondary-ip', nic, addresses: [address] });
    const before = await changes();
    expect(statuses(await run(executor, { verb: 'unassign-secondary-ip', nic, addresses: [address] }))).toEqual([
      'succeeded',
    ]);
    expect(await changes()).toBe(before);
  });

  test('unassigning what another NIC holds leaves it there', async () => {
    const { executor, nic, otherNic, addresses, holderOf } = await open();
    const [address] = addresses;
    await run(executor, { verb: 'assign-secondary-ip', nic: otherNic, addresses: [address] });
    expect(statuses(await run(executor, { verb: 'unassign-secondary-ip', nic, addresses: [address] }))).toEqual([
      'succeeded',
    ]);
    expect(await holderOf(address)).toBe(otherNic.nicRef);
  });
}

function moveContract(open: () => Promise<ExecutorRig>): void {
  test('an address on another NIC is not taken unless the request says from whom', async () => {
    const { executor, nic, otherNic, addresses, holderOf } = await open();
    const [held, free] = addresses;
    await run(executor, { verb: 'assign-secondary-ip', nic: otherNic, addresses: [held] });
    const outcome = await executor.execute(
      requestOf({ verb: 'assign-secondary-ip', nic, addresses: [held, free] }),
      signal(),
    );
    const errorClass = outcome.ok
      ? outcome.value.results.find(({ address }) => address === held)?.errorClass
      : outcome.error.errorClass;
    expect(errorClass).toBe('held-elsewhere');
    expect(await holderOf(held)).toBe(otherNic.nicRef);
  });

  test('a seize moves the address from the holder that it names', async () => {
    const { executor, nic, otherNic, otherHolder, addresses, holderOf } = await open();
    const [address] = addresses;
    await run(executor, { verb: 'assign-secondary-ip', nic: otherNic, addresses: [address] });
    const move = { verb: 'assign-secondary-ip', nic, addresses: [address], epoch: 2, seizeFrom: otherHolder } as const;
    expect(statuses(await run(executor, move))).toEqual(['succeeded']);
    expect(await holderOf(address)).toBe(nic.nicRef);
    expect(statuses(await run(executor, move))).toEqual(['succeeded']);
    expect(await holderOf(address)).toBe(nic.nicRef);
  });

  test('a seize of an address that nobody holds assigns it', async () => {
    const { executor, nic, otherHolder, addresses, holderOf } = await open();
    const [address] = addresses;
    const move = { verb: 'assign-secondary-ip', nic, addresses: [address], seizeFrom: otherHolder } as const;
    expect(statuses(await run(executor, move))).toEqual(['succeeded']);
    expect(await holderOf(address)).toBe(nic.nicRef);
  });
}

function forwardingContract(open: () => Promise<ExecutorRig>): void {
  test('forwarding goes on and off, and repeating either changes nothing', async () => {
    const { executor, nic, addresses, isForwarding, changes } = await open();
    const [address] = addresses;
    for (const [verb, wanted] of [
      ['ensure-forwarding-enabled', true],
      ['ensure-forwarding-disabled', false],
    ] as const) {
      const outcome = await run(executor, { verb, nic, addresses: [address] });
      expect(statuses(outcome)).toEqual(['succeeded']);
      expect(await isForwarding(nic)).toBe(wanted);
      const before = await changes();
      await run(executor, { verb, nic, addresses: [address] });
      expect(await changes()).toBe(before);
    }
  });
}

function readOnlyContract(open: () => Promise<ExecutorRig>): void {
  test('a dry run answers for every address and changes nothing', async () => {
    const { executor, nic, addresses, changes } = await open();
    const before = await changes();
    for (const verb of [
      'assign-secondary-ip',
      'unassign-secondary-ip',
      'ensure-forwarding-enabled',
      'ensure-forwarding-disabled',
    ] as const) {
      const outcome = await run(executor, { verb, nic, addresses, mode: 'dry-run' });
      expect(outcome.results.map(({ address }) => address)).toEqual(addresses);
    }
    expect(await changes()).toBe(before);
  });

  test('observing shows the secondary addresses and the forwarding of one NIC', async () => {
    const { executor, nic, otherNic, addresses, changes } = await open();
    const [mine, theirs] = addresses;
    await run(executor, { verb: 'assign-secondary-ip', nic, addresses: [mine] });
    await run(executor, { verb: 'assign-secondary-ip', nic: otherNic, addresses: [theirs] });
    await run(executor, { verb: 'ensure-forwarding-enabled', nic, addresses: [mine] });
    const before = await changes();
    const observed = await executor.observe(nic, signal());
    expect(observed).toMatchObject({ ok: true, value: { forwarding: true } });
    const seen = observed.ok ? observed.value.addresses : [];
    expect(seen).toContain(mine);
    expect(seen).not.toContain(theirs);
    expect(await changes()).toBe(before);
  });

  test('a NIC that does not exist is a fault that no retry heals', async () => {
    const { executor, nic } = await open();
    const observed = await executor.observe({ ...nic, nicRef: `${nic.nicRef}-no-such` }, signal());
    expect(observed.ok).toBe(false);
    expect(['not-found', 'invalid', 'permission']).toContain(observed.ok ? 'ok' : observed.error.errorClass);
  });

  test('a call that is cancelled before it began changes nothing', async () => {
    const { executor, nic, addresses, changes } = await open();
    const before = await changes();
    const request = requestOf({ verb: 'assign-secondary-ip', nic, addresses });
    expect(await executor.execute(request, AbortSignal.abort())).toMatchObject({
      ok: false,
      error: { code: 'executor.cancelled' },
    });
    expect(await changes()).toBe(before);
  });
}
