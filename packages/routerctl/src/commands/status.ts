import { setTimeout } from 'node:timers/promises';
import { visibleWord } from '@routerd/resources';
import { buildCommand } from '@stricli/core';
import { z } from 'zod';
import type { ClientResult } from '../api-client.ts';
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
import { timeoutFlag } from '../timeout-flag.ts';

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

interface StatusFlags extends OutputFlags {
  readonly wait: boolean;
  readonly timeout: number;
}

const LOOK_AGAIN_MS = 250;

export const statusCommand = buildCommand<StatusFlags, [], Context>({
  async func(this: Context, flags: StatusFlags) {
    const client = clientOf(this, flags);
    const ask = async (): Promise<ClientResult> => client.get('/v1/status');
    const isReady = (answer: ClientResult): boolean => answer.ok && nodeStatus.parse(answer.value).ready;
    const end = this.now() + flags.timeout * 1000;
    let answer = await ask();
    while (flags.wait && !isReady(answer) && this.now() < end) {
      await setTimeout(LOOK_AGAIN_MS);
      answer = await ask();
    }
    show(this, flags.output, answer, (value) => statusText(nodeStatus.parse(value), this.now()));
    if (flags.wait && !isReady(answer)) this.process.exitCode = 1;
  },
  parameters: {
    flags: {
      output: outputFlag,
      socket: socketFlag,
      wait: { kind: 'boolean', default: false, brief: 'Wait until the daemon answers and is ready' },
      timeout: timeoutFlag(60),
    },
    aliases: outputAliases,
  },
  docs: {
    brief: 'What the node does, and what it waits for',
    fullDescription: [
      'What the node does, and what it waits for. It is ready when it has read its host, its NIC and',
      'what the group knows since its start; before that it captures and releases nothing.',
      '',
      'EXAMPLES',
      '  routerctl status',
      '  routerctl status --wait --timeout 120            after a start, in a script',
      "  routerctl status -o json | jq '.waitingFor'",
      '',
      'EXIT CODES',
      '  0 told; with --wait: it is ready   1 the daemon cannot be asked, or is not ready in time   2 wrong usage',
    ].join('\n'),
  },
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
    ...(troubles.length === 0 ? [] : [`PROBLEMS\n${troubles.map((line) => `  ${visibleWord(line)}`).join('\n')}`]),
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
