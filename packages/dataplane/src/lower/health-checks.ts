/** HealthCheck → what is asked, of whom and how often. Pure. */
import { ofKind, type Resource, type ResourceOf } from '@routerd/resources';
import type { HealthQuestion, HealthTarget } from '../health/health-probe.ts';
import type { HealthThresholds } from '../health/health-verdict.ts';
import { byText } from '../text-order.ts';

export interface LoweredHealthCheck {
  /** `metadata.name` of the HealthCheck. */
  readonly name: string;
  readonly target: HealthTarget;
  readonly question: HealthQuestion;
  readonly interface: string | undefined;
  /** From start to start of a probe; at least the timeout. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly thresholds: HealthThresholds;
}

/** Sorted by name. */
export function lowerHealthChecks(resources: readonly Resource[]): readonly LoweredHealthCheck[] {
  return ofKind(resources, 'HealthCheck')
    .map(({ metadata: { name }, spec }) => ({
      name,
      target: spec.targetSource === 'defaultGateway' ? ('defaultGateway' as const) : (spec.target ?? 'defaultGateway'),
      question: questionOf(spec),
      interface: spec.interface,
      intervalMs: spec.interval,
      timeoutMs: spec.timeout,
      thresholds: { healthy: spec.healthyThreshold, unhealthy: spec.unhealthyThreshold },
    }))
    .toSorted(byText(({ name }) => name));
}

/** Ports that a service has where the resource names none; tcp always names one. */
const USUAL_PORT = { tcp: 0, dns: 53, http: 80 } as const;

function questionOf({ protocol, port }: ResourceOf<'HealthCheck'>['spec']): HealthQuestion {
  return protocol === 'icmp' ? { protocol } : { protocol, port: port ?? USUAL_PORT[protocol] };
}
