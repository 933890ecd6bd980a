/** A process that writes what must survive until it is killed, and says each time what was acknowledged: `<number>\n` on stdout. */
import { writeSync } from 'node:fs';
import type { CaptureEpoch, CaptureKey } from '@routerd/mobility';
import { durationMs, instant, type HostAddress, type NodeName, type PoolName, type SiteName } from '@routerd/resources';
import { createLog } from '@routerd/runtime';
import { openStore } from '../src/open-store.ts';

const file = process.argv[2];
if (file === undefined) throw new Error('usage: endless-writer FILE');
const opened = openStore(file, { log: createLog('silent') });
if (!opened.ok) throw new Error(opened.error.message);
const { facts, highWater, ledger, leases } = opened.value;

for (let number = 1; ; number += 1) {
  const address = `10.77.60.${number % 250}/32` as HostAddress;
  const { sequence } = facts.appendLocal((next) => {
    const fact = {
      id: `fact-${next}`,
      type: 'routerd.client.ipv4.observed',
      source: 'onprem-router-a' as NodeName,
      group: 'cloudedge',
      pool: 'cloudedge' as PoolName,
      site: 'onprem' as SiteName,
      address,
      observedAt: instant(number),
      ttl: durationMs(1000),
      sequence: next,
      origin: 'test',
    } as const;
    return { fact, wire: `wire ${next}` };
  }, 0);
  highWater.raise([{ key: 'cloudedge|address|domain' as CaptureKey, epoch: sequence as CaptureEpoch }]);
  ledger.record([{ key: `route:${sequence}`, priorValue: undefined }]);
  leases.saveLeases([], []);
  writeSync(1, `${sequence}\n`);
}
