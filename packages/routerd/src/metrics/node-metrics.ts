/** All that a node measures: the catalogue, and the text that `GET /metrics` answers. */
import type { NodeAdapters, RoutingNode } from '../compose-node.ts';
import type { Route } from '../api/http-server.ts';
import { ACTION_METRICS, CountingExecutor } from './action-metrics.ts';
import { DATAPLANE_METRICS, TimedHost } from './dataplane-metrics.ts';
import { FEDERATION_METRICS, FederationMeter } from './federation-metrics.ts';
import type { Family, Metric } from './metric.ts';
import { METRICS_CONTENT_TYPE, metricsText } from './metrics-text.ts';
import { LeaseMoves, MOBILITY_METRICS, MobilityMeter } from './mobility-metrics.ts';
import { OVERLAY_METRICS, overlayFamilies } from './overlay-metrics.ts';
import { PROCESS_METRICS, ProcessMeter } from './process-metrics.ts';

/** In the order in which they are told. */
export const METRICS: readonly Metric[] = [
  ...PROCESS_METRICS,
  ...FEDERATION_METRICS,
  ...MOBILITY_METRICS,
  ...ACTION_METRICS,
  ...DATAPLANE_METRICS,
  ...OVERLAY_METRICS,
];

/** What counts in front of a node's adapters; they are made before the node is. */
export interface Meters {
  readonly process: ProcessMeter;
  readonly host: TimedHost;
  readonly executor: CountingExecutor;
  readonly leases: LeaseMoves;
}

export function createMeters(
  { clock, host, executor, leases }: Pick<NodeAdapters, 'clock' | 'host' | 'executor' | 'leases'>,
  version: string,
): Meters {
  return {
    process: new ProcessMeter(version),
    host: new TimedHost(host, clock),
    executor: new CountingExecutor(executor, clock),
    leases: new LeaseMoves(leases),
  };
}

/** @param node not started yet, so that nothing is missed */
export function nodeMetrics(node: RoutingNode, meters: Meters): () => readonly Family[] {
  const { view, federation, reconciler, engine, host } = node;
  const ofFederation = new FederationMeter(federation, view.node);
  const ofMobility = new MobilityMeter({
    self: view.node,
    pools: reconciler.pools,
    registry: federation.registry,
    moves: meters.leases,
    waitingFor: () => reconciler.waitingFor(),
    problems: () => reconciler.derived()?.problems.length ?? 0,
  });
  return () => [
    ...meters.process.families(),
    ...ofFederation.families(),
    ...ofMobility.families(),
    ...meters.executor.families(engine.rows()),
    ...meters.host.families(host.status()),
    ...overlayFamilies(view),
  ];
}

export function metricsRoutes(families: () => readonly Family[]): readonly Route[] {
  return [
    {
      method: 'GET',
      pattern: '/metrics',
      handle: () => ({ status: 200, text: metricsText(families()), contentType: METRICS_CONTENT_TYPE }),
    },
  ];
}
