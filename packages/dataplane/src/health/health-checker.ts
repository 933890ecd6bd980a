/**
 * Asks what HealthChecks say, and tells when one becomes healthy or unhealthy.
 *
 * 1. One question of a check is under way at a time; the next starts an interval after the start of the last.
 * 2. A check that is defined in another way begins anew as `unknown`; one that stays as it is keeps its verdict and its rhythm.
 * 3. Only a change of a state is told: whoever uses it needs no look at it in between.
 */
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { LoweredHealthCheck } from '../lower/health-checks.ts';
import type { HealthProbe } from './health-probe.ts';
import { judge, UNKNOWN_HEALTH, type HealthVerdict } from './health-verdict.ts';

export interface HealthCheckerPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Evenly between 0 and 1, 1 excluded: checks that are declared together are not asked together. */
  readonly random: () => number;
  readonly probe: HealthProbe;
}

export interface HealthChecker {
  /** Takes the whole set; idempotent. */
  setDesired(checks: readonly LoweredHealthCheck[]): void;
  /** By name of the HealthCheck; unknown for what is not in the set. */
  verdict(name: string): HealthVerdict;
  /** Called after each change of a state. */
  onChange(listener: () => void): () => void;
  /** Asks no more. */
  stop(): Promise<void>;
}

/** The first question of a check comes within this part of its interval, and within a second. */
const FIRST_PART_MAX = 0.1;
const FIRST_AFTER_MS_MAX = 1000;

interface Running {
  /** Of its definition. */
  readonly content: string;
  readonly stopping: AbortController;
  readonly ended: Promise<void>;
}

export function createHealthChecker(ports: HealthCheckerPorts): HealthChecker {
  const running = new Map<string, Running>();
  const verdicts = new Map<string, HealthVerdict>();
  const listeners = new Set<() => void>();
  const ending = new Set<Promise<void>>();

  const onVerdict = (name: string, verdict: HealthVerdict): void => {
    const before = verdicts.get(name) ?? UNKNOWN_HEALTH;
    verdicts.set(name, verdict);
    if (before.state === verdict.state) return;
    ports.log.info('a health check changed', {
      event: 'dataplane.health.changed',
      check: name,
      state: verdict.state,
      ...(verdict.last?.kind === 'failed' ? { detail: verdict.last.detail } : {}),
    });
    for (const listener of listeners) listener();
  };
  const end = (name: string, { stopping, ended }: Running): void => {
    stopping.abort();
    running.delete(name);
    verdicts.delete(name);
    ending.add(ended);
    void ended.then(() => ending.delete(ended));
  };
  return {
    setDesired(checks) {
      const desired = new Map(checks.map((check) => [check.name, check]));
      let hasChanged = false;
      for (const [name, current] of running) {
        const check = desired.get(name);
        if (check !== undefined && JSON.stringify(check) === current.content) continue;
        hasChanged ||= (verdicts.get(name)?.state ?? 'unknown') !== 'unknown';
        end(name, current);
      }
      for (const check of checks) {
        if (running.has(check.name)) continue;
        const stopping = new AbortController();
        const ended = keepAsking(check, ports, stopping.signal, (verdict) => onVerdict(check.name, verdict));
        running.set(check.name, { content: JSON.stringify(check), stopping, ended });
      }
      if (hasChanged) for (const listener of listeners) listener();
    },
    verdict: (name) => verdicts.get(name) ?? UNKNOWN_HEALTH,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stop() {
      for (const [name, current] of running) end(name, current);
      await Promise.all(ending);
    },
  };
}

async function keepAsking(
  { target, question, interface: interfaceName, intervalMs, timeoutMs, thresholds }: LoweredHealthCheck,
  { clock, random, probe }: HealthCheckerPorts,
  signal: AbortSignal,
  onVerdict: (verdict: HealthVerdict) => void,
): Promise<void> {
  let verdict = UNKNOWN_HEALTH;
  let next = clock.monotonic() + random() * Math.min(intervalMs * FIRST_PART_MAX, FIRST_AFTER_MS_MAX);
  for (;;) {
    await clock.sleepUntil(next as Monotonic, signal);
    if (signal.aborted) return;
    const startedAt = clock.monotonic();
    const outcome = await probe.ask(target, question, { interface: interfaceName, timeoutMs }, signal);
    if (signal.aborted) return;
    verdict = judge(verdict, outcome, thresholds, clock.now());
    onVerdict(verdict);
    next = startedAt + intervalMs;
  }
}
