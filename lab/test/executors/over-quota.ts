/**
 * More to do than the account's token bucket lets through at once: the engine, the executor as a process with the vendor's SDK, and the emulator
 * that counts as the vendor counts. One address goes into each request, so that there are as many as there are addresses.
 */
import { expect, test } from 'vitest';
import type { JournalEntry } from '../../src/cloud/control-messages.ts';
import { seizeAll } from './fail-over.ts';
import { address, type ExecutorStage } from './executor-stage.ts';

export interface OverQuota {
  readonly stage: () => ExecutorStage;
  readonly addresses: number;
  /** Of the vendor's bucket; so little that the addresses do not fit into it. */
  readonly percent: number;
}

export function overQuotaTest({ stage, addresses, percent }: OverQuota): void {
  test('a bucket that is too small for what is to be done is drained without a storm', async () => {
    await stage().reset();
    const { control } = stage().rig;
    const bare = Array.from({ length: addresses }, (_, index) => `10.77.60.${150 + index}`);
    await control.changeAddresses(`${stage().nicA.provider}-router-b`, { assign: bare });
    await control.playCard({ card: 'quota', amount: percent });
    await control.resetJournal();
    await seizeAll(stage(), bare, 1);
    const calls = (await control.journal()).filter(({ service }) => service === 'api');
    const refused = calls.filter(isRefused);
    process.stdout.write(
      `${stage().nicA.provider}: ${addresses} addresses with ${percent} % of the bucket: ${calls.length} calls, ${refused.length} refused\n`,
    );
    // None may be refused where the machine is slower than the bucket fills.
    expect(refused.length).toBeLessThanOrEqual(3 * addresses);
    const holders = await Promise.all(bare.map(async (one) => stage().holderOf(address(one))));
    expect(new Set(holders)).toEqual(new Set([stage().nicA.nicRef]));
    await control.clearFaults();
  });
}

/** The next change after a refusal that says when to come back comes no earlier. For vendors whose emulator says so. */
export function retryAfterTest(stage: () => ExecutorStage, retryAfterMs: number): void {
  test('a change that was throttled is asked for again no earlier than the provider wants it', async () => {
    await stage().reset();
    const { control } = stage().rig;
    await control.changeAddresses(`${stage().nicA.provider}-router-b`, { assign: ['10.77.60.110'] });
    await control.resetJournal();
    await control.playCard({ card: 'throttle', count: 2 });
    await seizeAll(stage(), ['10.77.60.110'], 1);
    const changes = await stage().mutations();
    expect(changes.slice(0, 3).map(isRefused)).toEqual([true, true, false]);
    const pauses = changes.slice(1, 3).map(({ at }, index) => at - (changes[index]?.at ?? at));
    for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(retryAfterMs);
  });
}

function isRefused({ outcome }: JournalEntry): boolean {
  return outcome?.fault === 'throttle';
}
