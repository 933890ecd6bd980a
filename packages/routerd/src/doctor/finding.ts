/** What a check found. Codes are stable: other programs look for them. */
import type { CheckName, DoctorArea } from './catalogue.ts';

/** Worst last. */
export const FINDING_STATUSES = ['skip', 'pass', 'warn', 'fail'] as const;
export type FindingStatus = (typeof FINDING_STATUSES)[number];

export interface Finding {
  readonly area: DoctorArea;
  /** `<area>.<check>`, one for each check, whatever it finds. */
  readonly code: `${DoctorArea}.${string}`;
  /** What was looked at: `RemoteAddressClaim/x`, an interface, a node. */
  readonly name: string;
  readonly status: FindingStatus;
  /** What was found, or why nothing could be. */
  readonly detail: string;
  /** What to do; always with `warn` and `fail`. */
  readonly remedy?: string;
}

export interface DoctorReport {
  readonly summary: Readonly<Record<FindingStatus, number>> & { readonly overall: FindingStatus };
  readonly checks: readonly Finding[];
}

export interface Check {
  pass(detail: string): Finding;
  skip(detail: string): Finding;
  warn(detail: string, remedy: string): Finding;
  fail(detail: string, remedy: string): Finding;
}

export function check<Area extends DoctorArea>(area: Area, code: CheckName<Area>, name: string): Check {
  const head = { area, code: `${area}.${code}`, name } as const;
  return {
    pass: (detail) => ({ ...head, status: 'pass', detail }),
    skip: (detail) => ({ ...head, status: 'skip', detail }),
    warn: (detail, remedy) => ({ ...head, status: 'warn', detail, remedy }),
    fail: (detail, remedy) => ({ ...head, status: 'fail', detail, remedy }),
  };
}

export function reportOf(checks: readonly Finding[]): DoctorReport {
  const count = (status: FindingStatus): number => checks.filter((finding) => finding.status === status).length;
  const counts = { skip: count('skip'), pass: count('pass'), warn: count('warn'), fail: count('fail') };
  const overall = FINDING_STATUSES.findLast((status) => counts[status] > 0) ?? 'skip';
  return { summary: { overall, ...counts }, checks };
}
