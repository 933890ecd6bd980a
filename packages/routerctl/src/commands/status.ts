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
import { age, renderFields, renderTable } from '../output.ts';

const nodeStatus = z.object({
  node: z.string(),
  ready: z.boolean(),
  waitingFor: z.array(z.string()),
  startedAt: z.number(),
  federation: z.object({
    connected: z.boolean(),
    hub: z.string().optional(),
    outboxDepth: z.number(),
    refused: z.record(z.string(), z.number()),
    clock: z.object({ aheadMs: z.number(), agreeing: z.number(), of: z.number() }).optional(),
    members: z.record(z.string(), z.string()),
  }),
  host: z.object({
    settled: z.boolean(),
    phase: z.string().default(''),
    reason: z.string().optional(),
    residuals: z.array(z.string()),
    withheld: z.array(z.object({ operation: z.string(), reason: z.string(), remedy: z.string() })).default([]),
  }),
  overlay: z
    .array(z.object({ peer: z.string(), state: z.string(), loss: z.object({ roundTrip: z.number().optional() }) }))
    .default([]),
  actions: z.record(z.string(), z.number()),
  pools: z.array(
    z.object({
      name: z.string(),
      prefix: z.string(),
      leases: z.record(z.string(), z.number()),
      claims: z.number(),
      held: z.number(),
    }),
  ),
  problems: z.array(z.object({ subject: z.string(), reason: z.string() })),
});

export const statusCommand = buildCommand<OutputFlags, [], Context>({
  async func(this: Context, flags: OutputFlags) {
    show(this, flags.output, await clientOf(this, flags).get('/v1/status'), (value) =>
      statusText(nodeStatus.parse(value), this.now()),
    );
  },
  parameters: { flags: { output: outputFlag, socket: socketFlag }, aliases: outputAliases },
  docs: { brief: 'What the node does, and what it waits for' },
});

/** Told only when it is wrong: most of the group agree on another time. */
function clockRow(clock: z.output<typeof nodeStatus>['federation']['clock']): readonly (readonly [string, string])[] {
  if (clock === undefined) return [];
  const way = clock.aheadMs > 0 ? 'behind' : 'ahead of';
  const seconds = Math.round(Math.abs(clock.aheadMs) / 1000);
  return [
    ['Clock', `ClockSkewed: ${seconds} s ${way} ${clock.agreeing} of ${clock.of} clocks; run NTP on this machine`],
  ];
}

function statusText(status: z.output<typeof nodeStatus>, now: number): string {
  const counts = (map: Readonly<Record<string, number>>): string =>
    Object.entries(map)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ') || 'none';
  const head = renderFields([
    ['Node', status.node],
    ['State', status.ready ? 'ready' : `waiting for ${status.waitingFor.join('; ')}`],
    ['Up', age(now - status.startedAt)],
    [
      'Federation',
      status.federation.connected
        ? `connected to ${status.federation.hub ?? 'a hub'}, ${status.federation.outboxDepth} facts unsent`
        : `not connected, ${status.federation.outboxDepth} facts unsent`,
    ],
    ...clockRow(status.federation.clock),
    ['Refused', counts(status.federation.refused)],
    ['Host', hostText(status.host)],
    ['Overlay', overlayText(status.overlay)],
    ['Actions', counts(status.actions)],
  ]);
  const members = renderTable(
    [
      { title: 'MEMBER', value: ([name]: readonly [string, string]) => name },
      { title: 'LIVENESS', value: ([, liveness]) => liveness },
    ],
    Object.entries(status.federation.members),
  );
  const pools = renderTable(
    [
      { title: 'POOL', value: (pool: (typeof status.pools)[number]) => pool.name },
      { title: 'PREFIX', value: (pool) => pool.prefix },
      { title: 'LEASES', value: (pool) => counts(pool.leases) },
      { title: 'CLAIMS', value: (pool) => pool.claims },
      { title: 'HELD', value: (pool) => pool.held },
    ],
    status.pools,
  );
  const troubles = [
    ...status.host.residuals,
    ...status.host.withheld.map(({ operation, reason, remedy }) => `withheld: ${operation}: ${reason} ${remedy}`),
    ...status.problems.map(({ subject, reason }) => `${subject}: ${reason}`),
  ];
  return [
    head,
    members,
    pools,
    ...(troubles.length === 0 ? [] : [`PROBLEMS\n${troubles.map((line) => `  ${line}`).join('\n')}`]),
  ].join('\n\n');
}

/** How many paths are in each state; those that are not well by name. */
function overlayText(paths: z.output<typeof nodeStatus>['overlay']): string {
  const up = paths.filter(({ state }) => state === 'up').length;
  const others = paths.filter(({ state }) => state !== 'up').map(({ peer, state }) => `${peer} ${state}`);
  if (paths.length === 0) return 'no peers';
  return [`${up} of ${paths.length} paths up`, ...others].join(', ');
}

function hostText({ settled, phase, reason, residuals, withheld }: z.output<typeof nodeStatus>['host']): string {
  if (settled) return 'as planned';
  if (reason !== undefined) return `${phase}: ${reason}`;
  const troubles = [
    ...(withheld.length === 0 ? [] : [`${withheld.length} changes are withheld`]),
    ...(residuals.length === 0 ? [] : [`${residuals.length} changes did not land`]),
  ].join(', ');
  return phase === 'Degraded' ? `Degraded: ${troubles}` : troubles;
}
