import { buildCommand } from '@stricli/core';
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
import { age, renderFields, renderTable } from '../output.ts';

const status = z.object({
  connected: z.boolean(),
  hub: z.string().nullable(),
  factsCaughtUp: z.boolean(),
  registryCaughtUp: z.boolean(),
  outboxDepth: z.number(),
  facts: z.number(),
  captureRecords: z.number(),
  orders: z.number(),
  refused: z.record(z.string(), z.number()),
  lastError: z.string().nullable(),
  lastErrorAt: z.number().nullable(),
  clock: z
    .object({ state: z.string(), aheadMs: z.number(), agreeing: z.number(), of: z.number() })
    .nullable()
    .default(null),
  poolsDiffer: z.array(z.object({ node: z.string(), pools: z.array(z.string()) })),
});
const peer = z.object({
  node: z.string(),
  liveness: z.string(),
  silentForMs: z.number().nullable(),
  factsBehind: z.number().nullable(),
  capturesBehind: z.number().nullable(),
  clockAheadMs: z.number().nullable(),
  differingPools: z.array(z.string()),
});
const delivery = z.object({
  subject: z.string(),
  type: z.string(),
  sequence: z.number(),
  observedAt: z.number(),
  state: z.string(),
  read: z.array(z.string()),
  unread: z.array(z.string()),
});

const parameters = { flags: { output: outputFlag, socket: socketFlag }, aliases: outputAliases } as const;

export const federationStatusCommand = buildCommand<OutputFlags, [], Context>({
  async func(this: Context, flags: OutputFlags) {
    show(this, flags.output, await clientOf(this, flags).get('/v1/federation/status'), (value) =>
      statusText(status.parse(value), this.now()),
    );
  },
  parameters,
  docs: documented('The connection to the hub, what waits, and what was refused and why', [
    'routerctl federation status',
  ]),
});

function statusText(shown: z.output<typeof status>, now: number): string {
  const refused = Object.entries(shown.refused).map(([reason, count]) => `${reason} ${count}`);
  const differ = shown.poolsDiffer.map(({ node, pools }) => `${node}: ${pools.join(', ')}`);
  return renderFields([
    ['Hub', shown.connected ? (shown.hub ?? 'connected') : 'not connected'],
    ['Facts', `${shown.facts}${shown.factsCaughtUp ? '' : ', not all read yet'}`],
    ['Captures', `${shown.captureRecords}${shown.registryCaughtUp ? '' : ', not all read yet'}`],
    ['Orders', shown.orders],
    ['Outbox', shown.outboxDepth],
    ['Refused', refused.length === 0 ? 'nothing' : refused.join(', ')],
    ['Pools differ', differ.length === 0 ? 'nowhere' : differ.join('; ')],
    ['Clock', groupClockText(shown.clock)],
    ['Last error', lastErrorText(shown, now)],
  ]);
}

function groupClockText(clock: z.output<typeof status>['clock']): string {
  if (clock === null) return 'no majority of the group agrees on a time';
  const { state, aheadMs, agreeing, of } = clock;
  const way = aheadMs > 0 ? 'behind' : 'ahead of';
  const text = `${(Math.abs(aheadMs) / 1000).toFixed(1)} s ${way} the time that ${agreeing} of ${of} clocks agree on`;
  return state === 'ClockSkewed' ? `ClockSkewed: ${text}; run NTP on this machine` : text;
}

/** What is over is told with its age, so that nobody takes it for what is wrong now. */
function lastErrorText({ lastError, lastErrorAt }: z.output<typeof status>, now: number): string {
  if (lastErrorAt === null) return 'none';
  const since = `${age(now - lastErrorAt)} ago`;
  return lastError === null ? `none now, the last was ${since}` : `${lastError} (${since})`;
}

export const peersCommand = buildCommand<OutputFlags, [], Context>({
  async func(this: Context, flags: OutputFlags) {
    show(this, flags.output, await clientOf(this, flags).get('/v1/federation/peers'), (value) =>
      renderTable(
        [
          { title: 'NODE', value: (item: z.output<typeof peer>) => item.node },
          { title: 'LIVENESS', value: (item) => item.liveness },
          { title: 'LAST SEEN', value: (item) => (item.silentForMs === null ? 'never' : age(item.silentForMs)) },
          { title: 'FACTS BEHIND', value: (item) => item.factsBehind ?? undefined },
          { title: 'CAPTURES BEHIND', value: (item) => item.capturesBehind ?? undefined },
          { title: 'CLOCK', value: (item) => clockText(item.clockAheadMs) },
          {
            title: 'POOLS',
            value: (item) => (item.differingPools.length === 0 ? 'agree' : `differ: ${item.differingPools.join(', ')}`),
          },
        ],
        z.object({ items: z.array(peer) }).parse(value).items,
      ),
    );
  },
  parameters,
  docs: documented(
    'Each peer: when it was last seen, how far it is behind, its clock, and pools that it defines otherwise',
    ['routerctl federation peers'],
  ),
});

function clockText(aheadMs: number | null): string | undefined {
  if (aheadMs === null) return undefined;
  return `${aheadMs > 0 ? '+' : ''}${aheadMs}ms`;
}

export const deliveriesCommand = buildCommand<OutputFlags, [], Context>({
  async func(this: Context, flags: OutputFlags) {
    show(this, flags.output, await clientOf(this, flags).get('/v1/federation/deliveries'), (value) =>
      renderTable(
        [
          { title: 'ADDRESS', value: (item: z.output<typeof delivery>) => item.subject },
          { title: 'TYPE', value: (item) => item.type },
          { title: 'SEQUENCE', value: (item) => item.sequence },
          { title: 'STATE', value: (item) => item.state },
          { title: 'READ BY', value: (item) => item.read.join(',') },
          { title: 'NOT YET', value: (item) => item.unread.join(',') },
          { title: 'AGE', value: (item) => age(this.now() - item.observedAt) },
        ],
        z.object({ items: z.array(delivery) }).parse(value).items,
      ),
    );
  },
  parameters,
  docs: documented("This node's last fact about each address, and who has read it", [
    'routerctl federation deliveries',
  ]),
});
