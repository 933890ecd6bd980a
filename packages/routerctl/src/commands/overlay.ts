/** routerctl overlay: the paths to other routers, as they are measured. */
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
import { age, renderTable } from '../output.ts';

const peers = z.object({
  items: z.array(
    z.object({
      peer: z.string(),
      node: z.string(),
      interface: z.string().optional(),
      state: z.string(),
      detail: z.string().optional(),
      rttMs: z.number().optional(),
      jitterMs: z.number().optional(),
      loss: z.object({ toPeer: z.number().optional(), fromPeer: z.number().optional() }),
      mtu: z.object({
        toPeer: z.number().optional(),
        fromPeer: z.number().optional(),
        estimated: z.number().optional(),
      }),
      latestHandshake: z.number().optional(),
    }),
  ),
});
type Peer = z.output<typeof peers>['items'][number];

const peersCommand = buildCommand<OutputFlags, [], Context>({
  async func(this: Context, flags: OutputFlags) {
    const now = this.now();
    show(this, flags.output, await clientOf(this, flags).get('/v1/overlay/peers'), (value) =>
      peersTable(peers.parse(value).items, now),
    );
  },
  parameters: { flags: { output: outputFlag, socket: socketFlag }, aliases: outputAliases },
  docs: {
    brief: 'Round trip, loss and path MTU to each overlay peer',
    fullDescription: [
      'Round trip, loss and path MTU to each overlay peer.',
      '',
      'Loss is of the last minute, each direction on its own. MTU is the largest packet that passes, as found by trying; below the',
      'estimate large packets are lost, since TCP segments are clamped to the estimate.',
      '',
      'EXAMPLES',
      '  routerctl overlay peers',
    ].join('\n'),
  },
});

function peersTable(items: readonly Peer[], now: number): string {
  const unit = (value: number | undefined, name: string): string | undefined =>
    value === undefined ? undefined : `${value}${name}`;
  const table = renderTable<Peer>(
    [
      { title: 'PEER', value: ({ peer }) => peer },
      { title: 'INTERFACE', value: (row) => row.interface },
      { title: 'STATE', value: ({ state }) => state },
      { title: 'RTT', value: ({ rttMs }) => unit(rttMs, 'ms') },
      { title: 'JITTER', value: ({ jitterMs }) => unit(jitterMs, 'ms') },
      { title: 'LOSS-TO', value: ({ loss }) => unit(loss.toPeer, '%') },
      { title: 'LOSS-FROM', value: ({ loss }) => unit(loss.fromPeer, '%') },
      { title: 'MTU-TO', value: ({ mtu }) => mtu.toPeer },
      { title: 'MTU-FROM', value: ({ mtu }) => mtu.fromPeer },
      { title: 'ESTIMATE', value: ({ mtu }) => mtu.estimated },
      {
        title: 'HANDSHAKE',
        value: ({ latestHandshake }) =>
          latestHandshake === undefined || latestHandshake === 0 ? undefined : age(now - latestHandshake * 1000),
      },
    ],
    items,
  );
  const notes = items.flatMap(({ peer, detail }) => (detail === undefined ? [] : [`${peer}: ${detail}`]));
  return notes.length === 0 ? table : `${table}\n\n${notes.join('\n')}`;
}

export const overlayRoutes = buildRouteMap<string, Context>({
  routes: { peers: peersCommand },
  docs: { brief: 'Paths to the other routers' },
});
