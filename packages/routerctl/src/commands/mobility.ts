/** routerctl mobility: which site owns what, who captures it where, and the routers of each pool. */
import { buildCommand, buildRouteMap } from '@stricli/core';
import { z } from 'zod';
import {
  clientOf,
  outputAliases,
  outputFlag,
  show,
  socketFlag,
  type Context,
  type OutputFlags,
} from '../command-context.ts';
import { documented } from '../documented.ts';
import { age, renderTable } from '../output.ts';
import { freezeCommand, handOverCommand, releaseCommand } from './order.ts';

const leases = z.object({
  items: z.array(
    z.object({
      pool: z.string(),
      address: z.string(),
      status: z.string(),
      site: z.string(),
      ownerNode: z.string(),
      leaseEpoch: z.number(),
      since: z.iso.datetime(),
      challenger: z.string().optional(),
      frozenBy: z.string().optional(),
      handingTo: z.string().optional(),
    }),
  ),
});
type Lease = z.output<typeof leases>['items'][number];

const captures = z.object({
  items: z.array(
    z.object({
      address: z.string(),
      domain: z.string(),
      holder: z.string().optional(),
      phase: z.string(),
      epoch: z.number().optional(),
      since: z.iso.datetime().optional(),
      reason: z.string().optional(),
      because: z.array(z.string()).optional(),
      lastAction: z.object({ id: z.number(), verb: z.string(), status: z.string() }).optional(),
    }),
  ),
});

const pools = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      prefix: z.string(),
      self: z.string(),
      leases: z.record(z.string(), z.number()),
      noRoom: z.array(z.string()),
      members: z.array(
        z.object({
          node: z.string(),
          site: z.string(),
          domain: z.string(),
          priority: z.number(),
          liveness: z.string(),
          draining: z.boolean(),
          captures: z.number(),
          capacity: z.number().optional(),
        }),
      ),
    }),
  ),
});
type Pool = z.output<typeof pools>['items'][number];

function listing(path: string, brief: string, asTable: (value: unknown, now: number) => string) {
  return buildCommand<OutputFlags, [], Context>({
    async func(this: Context, flags: OutputFlags) {
      show(this, flags.output, await clientOf(this, flags).get(path), (value) => asTable(value, this.now()));
    },
    parameters: { flags: { output: outputFlag, socket: socketFlag }, aliases: outputAliases },
    docs: documented(brief, [`routerctl ${path.slice('/v1/'.length).replace('/', ' ')}`]),
  });
}

function leaseTable(value: unknown, now: number): string {
  return renderTable(
    [
      { title: 'ADDRESS', value: (row: Lease) => row.address },
      { title: 'STATUS', value: (row) => row.status },
      { title: 'SITE', value: (row) => row.site },
      { title: 'OWNER', value: (row) => row.ownerNode },
      { title: 'EPOCH', value: (row) => row.leaseEpoch },
      { title: 'FOR', value: (row) => age(now - Date.parse(row.since)) },
      { title: 'POOL', value: (row) => row.pool },
      { title: 'NOTE', value: noteOf },
    ],
    leases.parse(value).items,
  );
}

function noteOf({ challenger, frozenBy, handingTo }: Lease): string | undefined {
  if (frozenBy !== undefined) return `frozen by ${frozenBy}`;
  if (handingTo !== undefined) return `handed over to ${handingTo}`;
  return challenger === undefined ? undefined : `challenged by ${challenger}`;
}

function captureTable(value: unknown, now: number): string {
  return renderTable(
    [
      { title: 'ADDRESS', value: (row: z.output<typeof captures>['items'][number]) => row.address },
      { title: 'DOMAIN', value: (row) => row.domain },
      { title: 'HOLDER', value: (row) => row.holder },
      { title: 'PHASE', value: (row) => row.phase },
      { title: 'EPOCH', value: (row) => row.epoch },
      { title: 'FOR', value: (row) => (row.since === undefined ? undefined : age(now - Date.parse(row.since))) },
      {
        title: 'LAST ACTION',
        value: ({ lastAction }) =>
          lastAction === undefined ? undefined : `${lastAction.id} ${lastAction.verb} ${lastAction.status}`,
      },
      { title: 'BECAUSE', value: (row) => row.because?.at(-1) ?? row.reason },
    ],
    captures.parse(value).items,
  );
}

function poolText(value: unknown): string {
  return pools.parse(value).items.map(onePool).join('\n\n');
}

function onePool({ name, prefix, leases: counts, noRoom, members }: Pool): string {
  const told = Object.entries(counts)
    .map(([status, count]) => `${count} ${status}`)
    .join(', ');
  const table = renderTable(
    [
      { title: 'MEMBER', value: (row: Pool['members'][number]) => row.node },
      { title: 'SITE', value: (row) => row.site },
      { title: 'PRIORITY', value: (row) => row.priority },
      { title: 'STATE', value: (row) => (row.draining ? `${row.liveness}, draining` : row.liveness) },
      {
        title: 'CAPTURES',
        value: ({ captures: count, capacity }) => (capacity === undefined ? count : `${count} of ${capacity}`),
      },
      { title: 'DOMAIN', value: (row) => row.domain },
    ],
    members,
  );
  const full = noRoom.length === 0 ? [] : [`no NIC here has room for: ${noRoom.join(', ')}`];
  return [`${name} ${prefix}: leases ${told || 'none'}`, ...full, table].join('\n');
}

export const mobilityRoutes = buildRouteMap<string, Context>({
  routes: {
    leases: listing('/v1/mobility/leases', 'Which site owns which address', leaseTable),
    captures: listing(
      '/v1/mobility/captures',
      'Which router captures which address, in every capture domain',
      captureTable,
    ),
    pools: listing(
      '/v1/mobility/pools',
      'The routers of each pool: alive, draining, and how much each captures',
      poolText,
    ),
    freeze: freezeCommand,
    handOver: handOverCommand,
    release: releaseCommand,
  },
  docs: {
    brief: 'Leases, captures and pools; freeze or hand over an address',
    fullDescription:
      'Leases, captures and pools as this node sees them.\n\nEXAMPLES\n  routerctl mobility leases\n  routerctl mobility captures -o json\n  routerctl mobility pools\n  routerctl mobility hand-over 10.77.60.10 --to aws\n  routerctl explain 10.77.60.10        why one address is where it is\n\nEXIT CODES\n  0 shown, or ordered   1 refused, or the daemon cannot be asked   2 wrong usage',
  },
});
