/** What HealthChecks ask of the network: one question at a time, and whether it was answered. */
import type { Ipv4 } from '@routerd/resources';
import type { ProbeOutcome } from './health-verdict.ts';

/** `defaultGateway`: that of the main table, looked up for each probe, because leases change it. */
export type HealthTarget = Ipv4 | 'defaultGateway';

/**
 * What counts as an answer. icmp: an echo reply. tcp: a connection; a refusal is a failure, since nobody serves there. dns: any response
 * to a question for the name servers of the root. http: a response to `GET /` with a status below 400.
 */
export type HealthQuestion =
  | { readonly protocol: 'icmp' }
  | { readonly protocol: 'tcp' | 'dns' | 'http'; readonly port: number };

export interface HealthProbe {
  /**
   * Asks once. Never throws.
   * @param options.interface whose address is the source, and for icmp the way out; undefined: as the host routes it
   * @param options.timeoutMs after which silence is a failure
   * @param signal ends it early; the outcome is then of no account
   */
  ask(
    target: HealthTarget,
    question: HealthQuestion,
    options: { readonly interface: string | undefined; readonly timeoutMs: number },
    signal: AbortSignal,
  ): Promise<ProbeOutcome>;
}
