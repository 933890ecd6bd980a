/** Paths to overlay peers, and HealthChecks, in numbers. What is not known has no sample. */
import { PATH_PHASES, type PathStatus } from '@routerd/dataplane';
import { ofKind } from '@routerd/resources';
import type { NodeView } from '../views/node-view.ts';
import type { Family, Metric, Sample } from './metric.ts';

const metric = <Label extends string>(name: string, help: string, ...labels: Label[]): Metric<Label> => ({
  name: `routerd_overlay_${name}`,
  kind: 'gauge',
  help,
  labels,
});
const PHASE = metric('path_phase', 'Whether the path is in that phase; one of them is 1.', 'peer', 'phase');
const RTT = metric('path_rtt_seconds', 'Round trip inside the tunnel, smoothed.', 'peer');
const JITTER = metric('path_jitter_seconds', 'How much the round trip differs from one sample to the next.', 'peer');
const LOSS = metric('path_loss_ratio', 'Lost of the last sixty samples, 0 to 1.', 'peer', 'direction');
const MTU = metric('path_mtu_bytes', 'Largest packet that passes, as found by trying.', 'peer', 'direction');
const ESTIMATE = metric('path_mtu_estimate_bytes', 'What clamps are derived from; more has to pass.', 'peer');
const SENT: Metric<'peer'> = {
  ...metric('path_sent_bytes_total', 'What the measurement has sent, inside the tunnel.', 'peer'),
  kind: 'counter',
};
const HEALTHY = metric(
  'health_check_healthy',
  'Whether the HealthCheck is healthy; none while too little is known.',
  'check',
);

export const OVERLAY_METRICS: readonly Metric[] = [PHASE, RTT, JITTER, LOSS, MTU, ESTIMATE, SENT, HEALTHY];

export function overlayFamilies(node: Pick<NodeView, 'derived' | 'startup' | 'path' | 'health'>): readonly Family[] {
  const effective = node.derived()?.effective ?? node.startup;
  const paths = ofKind(effective, 'OverlayPeer').map(({ metadata: { name } }) => ({
    peer: name,
    path: node.path(name),
  }));
  const ofPaths = (value: (path: PathStatus) => number | undefined): readonly Sample[] =>
    paths.flatMap(({ peer, path }) => sample({ peer }, value(path)));
  const bothWays = (
    values: (path: PathStatus) => readonly [number | undefined, number | undefined],
  ): readonly Sample[] =>
    paths.flatMap(({ peer, path }) => {
      const [toPeer, fromPeer] = values(path);
      return [...sample({ peer, direction: 'to' }, toPeer), ...sample({ peer, direction: 'from' }, fromPeer)];
    });
  return [
    {
      metric: PHASE,
      samples: paths.flatMap(({ peer, path }) =>
        PATH_PHASES.map((phase) => ({ labels: { peer, phase }, value: path.phase === phase ? 1 : 0 })),
      ),
    },
    { metric: RTT, samples: ofPaths(({ rttMs }) => seconds(rttMs)) },
    { metric: JITTER, samples: ofPaths(({ jitterMs }) => seconds(jitterMs)) },
    { metric: LOSS, samples: bothWays(({ loss: { toPeer, fromPeer } }) => [toPeer, fromPeer]) },
    { metric: MTU, samples: bothWays(({ mtuToPeer, mtuFromPeer }) => [mtuToPeer, mtuFromPeer]) },
    { metric: ESTIMATE, samples: ofPaths(({ estimatedMtu }) => estimatedMtu) },
    { metric: SENT, samples: ofPaths(({ counters }) => counters.bytesSent) },
    {
      metric: HEALTHY,
      samples: ofKind(effective, 'HealthCheck').flatMap(({ metadata: { name } }) => {
        const { state } = node.health(name);
        return sample({ check: name }, state === 'unknown' ? undefined : state === 'healthy' ? 1 : 0);
      }),
    },
  ];
}

function sample(labels: Readonly<Record<string, string>>, value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ labels, value }];
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}
