import { KINDS, type Instant, type Resource } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { createMemoryHealthProbe } from '../src/adapters/memory/memory-health-probe.ts';
import { dnsQuestion, isDnsResponse } from '../src/health/dns-message.ts';
import { createHealthChecker, type HealthChecker } from '../src/health/health-checker.ts';
import { judge, UNKNOWN_HEALTH, type HealthVerdict, type ProbeOutcome } from '../src/health/health-verdict.ts';
import { lowerHealthChecks } from '../src/lower/health-checks.ts';

function check(name: string, spec: Readonly<Record<string, unknown>> = {}): Resource {
  return KINDS.HealthCheck.parse({
    apiVersion: 'net.routerd.net/v1alpha1',
    kind: 'HealthCheck',
    metadata: { name },
    spec: { target: '192.0.2.1', interval: '10s', timeout: '1s', ...spec },
  });
}

const ANSWER: ProbeOutcome = { kind: 'answered', tookMs: 3 };
const FAILURE: ProbeOutcome = { kind: 'failed', detail: 'no echo' };

function after(outcomes: readonly ProbeOutcome[], thresholds = { healthy: 2, unhealthy: 3 }): HealthVerdict {
  return outcomes.reduce<HealthVerdict>(
    (verdict, outcome, at) => judge(verdict, outcome, thresholds, at as Instant),
    UNKNOWN_HEALTH,
  );
}

test.each<[string, readonly ProbeOutcome[], HealthVerdict['state']]>([
  ['nothing was asked', [], 'unknown'],
  ['too few answers', [ANSWER], 'unknown'],
  ['answers enough', [ANSWER, ANSWER], 'healthy'],
  ['too few failures after that', [ANSWER, ANSWER, FAILURE, FAILURE], 'healthy'],
  ['an answer between failures', [ANSWER, ANSWER, FAILURE, FAILURE, ANSWER, FAILURE], 'healthy'],
  ['failures enough', [ANSWER, ANSWER, FAILURE, FAILURE, FAILURE], 'unhealthy'],
  ['failures from the beginning', [FAILURE, FAILURE, FAILURE], 'unhealthy'],
  ['one answer after that', [FAILURE, FAILURE, FAILURE, ANSWER], 'unhealthy'],
  ['answers enough again', [FAILURE, FAILURE, FAILURE, ANSWER, ANSWER], 'healthy'],
])('%s', (_, outcomes, state) => {
  expect(after(outcomes).state).toBe(state);
});

test('a state is dated from when it was reached, not from the last probe', () => {
  expect(after([ANSWER, ANSWER, ANSWER, ANSWER]).since).toBe(1);
});

test('what is asked follows from the resource, with the usual port of its service', () => {
  const lowered = lowerHealthChecks([
    check('web', { protocol: 'http' }),
    check('names', { protocol: 'dns', port: 5353 }),
    check('echo', { target: undefined, interface: 'wan0', healthyThreshold: 2 }),
  ]);
  expect(lowered.map(({ name, target, question }) => [name, target, question])).toEqual([
    ['echo', 'defaultGateway', { protocol: 'icmp' }],
    ['names', '192.0.2.1', { protocol: 'dns', port: 5353 }],
    ['web', '192.0.2.1', { protocol: 'http', port: 80 }],
  ]);
  expect(lowered[0]).toMatchObject({ interface: 'wan0', intervalMs: 10_000, thresholds: { healthy: 2, unhealthy: 3 } });
});

function rig(...resources: readonly Resource[]) {
  const clock = new ManualClock(0 as Instant);
  const probe = createMemoryHealthProbe();
  const checker: HealthChecker = createHealthChecker({ clock, log: new RecordingLog(), random: () => 0, probe });
  const told: string[] = [];
  checker.onChange(() => told.push(checker.verdict('uplink').state));
  checker.setDesired(lowerHealthChecks(resources));
  /** Whole seconds, so that every question that falls due is asked and judged on the way. */
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second <= seconds; second += 1) {
      if (second > 0) clock.advance(1000);
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    }
  };
  return { checker, probe, told, pass };
}

test('one is asked once an interval, and only a change is told', async () => {
  const { checker, probe, told, pass } = rig(check('uplink'));
  await pass(60);
  expect(probe.asked).toHaveLength(7);
  expect(told).toEqual(['healthy']);
  probe.silence();
  await pass(20);
  expect(told).toEqual(['healthy']);
  await pass(10);
  expect(told).toEqual(['healthy', 'unhealthy']);
  expect(checker.verdict('uplink').last).toMatchObject({ kind: 'failed' });
  probe.answer();
  await pass(10);
  expect(told).toEqual(['healthy', 'unhealthy', 'healthy']);
  await checker.stop();
});

test('a check that stays as it is keeps its verdict, and one that is defined in another way begins anew', async () => {
  const { checker, told, pass } = rig(check('uplink'));
  await pass(1);
  checker.setDesired(lowerHealthChecks([check('uplink'), check('other')]));
  expect(checker.verdict('uplink').state).toBe('healthy');
  checker.setDesired(lowerHealthChecks([check('uplink', { target: '192.0.2.2' })]));
  expect(told.at(-1)).toBe('unknown');
  await pass(1);
  expect(told.at(-1)).toBe('healthy');
  checker.setDesired([]);
  expect(checker.verdict('uplink').state).toBe('unknown');
  await checker.stop();
});

test('after its end nothing is asked any more', async () => {
  const { checker, probe, pass } = rig(check('uplink'));
  await pass(1);
  await checker.stop();
  await pass(60);
  expect(probe.asked).toHaveLength(1);
});

test('a response with the id of the question is an answer, and a question is none', () => {
  const question = dnsQuestion(0x1234);
  expect(isDnsResponse(question, 0x1234)).toBe(false);
  const response = Uint8Array.from(question, (byte, at) => (at === 2 ? byte | 0x80 : byte));
  expect(isDnsResponse(response, 0x1234)).toBe(true);
  expect(isDnsResponse(response, 0x1235)).toBe(false);
  expect(isDnsResponse(response.slice(0, 11), 0x1234)).toBe(false);
});
