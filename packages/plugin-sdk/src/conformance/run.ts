/** Runs every check, each from a clean cloud, and says what came of it. */
import { randomBytes } from 'node:crypto';
import { Bench, Deviation, Untested } from './bench.ts';
import { CHECKS, type Check } from './checks.ts';
import type { ConformancePlan, TestCloud } from './plan.ts';
import { PROCESS_CHECKS } from './process-checks.ts';
import { READ_CHECKS } from './read-checks.ts';

export interface Finding {
  readonly area: string;
  readonly claim: string;
  readonly verdict: 'passed' | 'failed' | 'untested';
  /** What was found instead, or why it could not be tested; empty when it passed. */
  readonly detail: string;
  readonly milliseconds: number;
}

export interface ConformanceOptions {
  readonly plan: ConformancePlan;
  readonly cloud: TestCloud;
  /** Where relative paths of the plan start. */
  readonly folder: string;
  readonly onFinding?: (finding: Finding) => void;
}

/** Never rejects for what the executor does; a test cloud that fails makes its check fail. */
export async function runConformance(options: ConformanceOptions): Promise<readonly Finding[]> {
  const { plan, cloud, folder, onFinding = () => undefined } = options;
  const planted = `conformance-secret-${randomBytes(12).toString('hex')}`;
  let output = '';
  const bench = new Bench({
    plan,
    cloud,
    folder,
    // Something secret in its environment, as a plugin may well have: it must not show anywhere.
    env: { ROUTERD_CONFORMANCE_TOKEN: planted, ...plan.env },
    onOutput: (text) => void (output += text),
  });
  const findings: Finding[] = [];
  const tell = (finding: Finding): void => {
    findings.push(finding);
    onFinding(finding);
  };
  try {
    for (const check of [...CHECKS, ...READ_CHECKS, ...PROCESS_CHECKS]) tell(await runCheck(check, bench, cloud));
  } finally {
    await bench.kill();
  }
  const shown = [planted, ...plan.secrets].filter((secret) => output.includes(secret));
  tell({
    area: 'redaction',
    claim: 'no secret is in anything that was written during all of this',
    verdict: shown.length === 0 ? 'passed' : 'failed',
    detail: shown.length === 0 ? '' : `${shown.length} of ${plan.secrets.length + 1} secrets are in its output`,
    milliseconds: 0,
  });
  return findings;
}

async function runCheck({ area, claim, run }: Check, bench: Bench, cloud: TestCloud): Promise<Finding> {
  const began = performance.now();
  const finding = (verdict: Finding['verdict'], detail: string): Finding => ({
    area,
    claim,
    verdict,
    detail,
    milliseconds: Math.round(performance.now() - began),
  });
  try {
    await cloud.reset();
    bench.beginCheck();
    await run(bench);
    return finding('passed', '');
  } catch (cause) {
    await bench.kill(); // what it still does belongs to this check
    if (cause instanceof Untested) return finding('untested', cause.message);
    if (cause instanceof Deviation) return finding('failed', cause.message);
    return finding('failed', `the check broke: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
