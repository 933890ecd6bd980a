/** Paths to overlay peers, as they are measured. */
import type { PathLoss, PathStatus } from '@routerd/dataplane';
import { ofKind, type ResourceOf } from '@routerd/resources';
import type { NodeView } from './node-view.ts';

type OverlayPeer = ResourceOf<'OverlayPeer'>;

/** Loss in percent, times in milliseconds, sizes in bytes with IP header; what is not known is absent. */
export interface OverlayPeerView {
  readonly peer: string;
  readonly node: string;
  readonly interface?: string;
  readonly state: PathStatus['phase'];
  readonly detail?: string;
  readonly rttMs?: number;
  readonly jitterMs?: number;
  readonly loss: { readonly roundTrip?: number; readonly toPeer?: number; readonly fromPeer?: number };
  readonly mtu: { readonly toPeer?: number; readonly fromPeer?: number; readonly estimated?: number };
  /** Seconds since 1970, of the WireGuard peer that was heard last on the interface; 0 for never. */
  readonly latestHandshake?: number;
  readonly counters: PathStatus['counters'];
}

export function overlayPeersView(node: NodeView): { readonly items: readonly OverlayPeerView[] } {
  const effective = node.derived()?.effective ?? node.startup;
  return { items: ofKind(effective, 'OverlayPeer').map((peer) => overlayPeerView(node, peer)) };
}

function overlayPeerView(node: NodeView, { metadata: { name: peer }, spec }: OverlayPeer): OverlayPeerView {
  const status = node.path(peer);
  const { interface: device } = spec.underlay;
  const tunnel = node.host().observed?.wireGuard.find(({ name }) => name === device);
  return {
    peer,
    node: spec.nodeID,
    ...(device === undefined ? {} : { interface: device }),
    state: status.phase,
    ...(status.detail === undefined ? {} : { detail: status.detail }),
    ...(status.rttMs === undefined ? {} : { rttMs: tenths(status.rttMs) }),
    ...(status.jitterMs === undefined ? {} : { jitterMs: tenths(status.jitterMs) }),
    loss: lossView(status.loss),
    mtu: {
      ...(status.mtuToPeer === undefined ? {} : { toPeer: status.mtuToPeer }),
      ...(status.mtuFromPeer === undefined ? {} : { fromPeer: status.mtuFromPeer }),
      ...(status.estimatedMtu === undefined ? {} : { estimated: status.estimatedMtu }),
    },
    ...(tunnel === undefined
      ? {}
      : { latestHandshake: Math.max(0, ...tunnel.peers.map(({ latestHandshake }) => latestHandshake)) }),
    counters: status.counters,
  };
}

function lossView({ roundTrip, toPeer, fromPeer }: PathLoss): OverlayPeerView['loss'] {
  return {
    ...(roundTrip === undefined ? {} : { roundTrip: tenths(roundTrip * 100) }),
    ...(toPeer === undefined ? {} : { toPeer: tenths(toPeer * 100) }),
    ...(fromPeer === undefined ? {} : { fromPeer: tenths(fromPeer * 100) }),
  };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

const PHASES = {
  probing: 'Pending',
  up: 'Up',
  'one-way': 'Degraded',
  silent: 'Degraded',
  unmeasured: 'Applied',
} as const;
const REASONS = { 'one-way': 'PathOneWay', silent: 'PathSilent' } as const;

/** Numbers that change all the time are left to `routerctl overlay peers`: a stored status changes with its meaning alone. */
export function overlayPeerStatus(
  node: NodeView,
  { metadata, spec }: OverlayPeer,
): Readonly<Record<string, unknown>> & { readonly phase: string; readonly summary: string } {
  const { phase, detail, mtuToPeer, mtuFromPeer, estimatedMtu } = node.path(metadata.name);
  const isSmall = [mtuToPeer, mtuFromPeer].some((mtu) => mtu !== undefined && mtu < (estimatedMtu ?? 0));
  const reason =
    phase === 'one-way' || phase === 'silent' ? REASONS[phase] : isSmall ? 'PathMTUBelowEstimate' : undefined;
  return {
    phase: reason === 'PathMTUBelowEstimate' ? 'Degraded' : PHASES[phase],
    summary: `${spec.nodeID} over ${spec.underlay.interface ?? spec.underlay.type}, ${phase}`,
    pathState: phase,
    ...(reason === undefined ? {} : { reason }),
    ...(detail === undefined ? {} : { detail }),
    ...(mtuToPeer === undefined ? {} : { pathMTUToPeer: mtuToPeer }),
    ...(mtuFromPeer === undefined ? {} : { pathMTUFromPeer: mtuFromPeer }),
    ...(estimatedMtu === undefined ? {} : { estimatedMTU: estimatedMtu }),
  };
}
