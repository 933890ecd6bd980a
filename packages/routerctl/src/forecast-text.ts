/** A forecast in words: what moves, in which order, at which cost, and what would be left. */
import { z } from 'zod';
import { renderTable } from './output.ts';

const step = z.looseObject({
  round: z.number(),
  at: z.iso.datetime(),
  node: z.string(),
  what: z.string(),
  addresses: z.array(z.string()),
});
type Step = z.output<typeof step>;

const item = z.object({
  pool: z.string(),
  settled: z.boolean(),
  moves: z.array(
    z.object({ address: z.string(), domain: z.string(), from: z.string().nullable(), to: z.string().nullable() }),
  ),
  leases: z.array(z.object({ address: z.string(), before: z.string().nullable(), after: z.string().nullable() })),
  steps: z.array(step),
  calls: z.record(z.string(), z.number()),
  unheld: z.array(
    z.object({
      address: z.string(),
      domain: z.string(),
      site: z.string(),
      isNew: z.boolean(),
      because: z.array(z.string()),
    }),
  ),
  assumptions: z.array(z.string()),
});
type ForecastItem = z.output<typeof item>;

export const forecasts = z.object({ items: z.array(item) });

/** Addresses shown by name; of more it is told how many. */
const NAMED_MAX = 3;

export function forecastText(title: string, forecast: ForecastItem): string {
  const { pool, settled, moves, leases, steps, calls, unheld, assumptions } = forecast;
  const total = Object.entries(calls).map(([provider, count]) => `${provider} ${count}`);
  return [
    `${title} · pool ${pool}`,
    '',
    `MOVES (${moves.length})`,
    ...orNone(movesTable(moves)),
    ...(leases.length === 0 ? [] : ['', `LEASES (${leases.length})`, ...leases.map(leaseLine)]),
    '',
    'PREDICTED ORDER (steps of one round do not wait for each other)',
    ...orNone(stepsTable(steps)),
    '',
    `API CALLS PER PROVIDER: ${total.join(', ') || 'none'}`,
    '',
    `LEFT WITHOUT A HOLDER: ${unheld.length === 0 ? 'none' : unheld.length}`,
    ...unheld.map(
      ({ address, site, isNew, because }) =>
        `  ${address} at ${site}${isNew ? '' : ' (as now)'}: ${because[0] ?? 'no router of the site is left'}`,
    ),
    ...(settled ? [] : ['', 'It did not come to rest: what is shown is how far it came.']),
    '',
    `Assumed: ${assumptions.join('; ')}.`,
  ].join('\n');
}

function orNone(table: string): readonly string[] {
  return table === '' ? ['  none'] : table.split('\n').map((line) => `  ${line}`);
}

function movesTable(moves: ForecastItem['moves']): string {
  const groups = new Map<string, { readonly change: string; readonly domain: string; readonly addresses: string[] }>();
  for (const { address, domain, from, to } of moves) {
    const change = `${from ?? 'nobody'} → ${to ?? 'nobody'}`;
    const key = `${domain} ${change}`;
    const group = groups.get(key) ?? { change, domain, addresses: [] };
    group.addresses.push(address);
    groups.set(key, group);
  }
  if (groups.size === 0) return '';
  return renderTable(
    [
      { title: 'DOMAIN', value: (group: { readonly domain: string }) => group.domain },
      { title: 'CHANGE', value: (group) => group.change },
      { title: 'ADDRESSES', value: (group) => named(group.addresses) },
    ],
    [...groups.values()],
  );
}

function leaseLine({ address, before, after }: ForecastItem['leases'][number]): string {
  return `  ${address}: ${before ?? 'nobody'} → ${after ?? 'nobody'}`;
}

function stepsTable(steps: readonly Step[]): string {
  if (steps.length === 0) return '';
  return renderTable(
    [
      { title: 'ROUND', value: (row: Step) => row.round },
      { title: 'ROUTER', value: (row) => row.node },
      { title: 'DOES', value: doesText },
      { title: 'ADDRESSES', value: (row) => named(row.addresses) },
    ],
    steps,
  );
}

function doesText(row: Step): string {
  const text = (key: string): string => (typeof row[key] === 'string' ? row[key] : '');
  switch (row.what) {
    case 'deliver':
      return text('via') === '' ? 'delivers no more' : `delivers through ${text('via')}`;
    case 'lease':
      return text('owner') === '' ? 'sees no owner' : `sees ${text('status')} at ${text('owner')}`;
    case 'claim':
      return text('from') === '' ? 'claims' : `claims from ${text('from')}`;
    case 'hold':
      return 'has verified, and holds';
    case 'release':
      return 'begins to release';
    case 'vacate':
      return 'has released';
    case 'call': {
      const seized =
        Array.isArray(row['seizedFrom']) && row['seizedFrom'].length > 0 ? ` from ${row['seizedFrom'].join(', ')}` : '';
      return `${text('verb')}${seized} (${String(row['calls'])} ${row['calls'] === 1 ? 'call' : 'calls'} to ${text('provider') || 'its provider'})`;
    }
    case 'answer':
      return 'answers ARP';
    case 'fall-silent':
      return 'stops answering ARP';
    default:
      return row.what;
  }
}

function named(addresses: readonly string[]): string {
  const shown = addresses.slice(0, NAMED_MAX).join(', ');
  return addresses.length <= NAMED_MAX ? shown : `${shown} and ${addresses.length - NAMED_MAX} more`;
}
