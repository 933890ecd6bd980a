import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Lab } from '../lab.ts';

const leaseLine = z.object({
  event: z.literal('mobility.lease.changed'),
  /** RFC 3339 with milliseconds. */
  time: z.string(),
  address: z.string(),
});

/** When a router's daemon logged its first lease of an address: wall clock, milliseconds. What routerd says; only ever printed. */
export function leaseSeenAt(lab: Lab, routerName: string, address: string): number | undefined {
  const text = readFileSync(lab.logFile(routerName, 'routerd'), 'utf8');
  for (const line of text.split('\n')) {
    if (!line.includes('mobility.lease.changed') || !line.includes(`${address}/32`)) continue;
    const parsed = leaseLine.safeParse(JSON.parse(line));
    if (parsed.success && parsed.data.address === `${address}/32`) return Date.parse(parsed.data.time);
  }
  return undefined;
}
