/** All checks over the facts. Pure: `routerctl doctor` prints what this returns. */
import { unreachable } from '@routerd/resources';
import { actionFindings } from './action-checks.ts';
import type { DoctorFacts } from './doctor-facts.ts';
import { dynamicFindings } from './dynamic-checks.ts';
import { federationFindings } from './federation-checks.ts';
import { DOCTOR_AREAS, type DoctorArea } from './catalogue.ts';
import { check, reportOf, type DoctorReport, type Finding } from './finding.ts';
import { claimFindings } from './hybrid-claim-checks.ts';
import { hybridConfigFindings } from './hybrid-config-checks.ts';
import { hybridHostFindings } from './hybrid-host-checks.ts';
import { overlayFindings } from './overlay-checks.ts';
import { pluginFindings } from './plugin-checks.ts';

/** @param areas all unless told; in the order given */
export function examine(facts: DoctorFacts, areas: readonly DoctorArea[] = DOCTOR_AREAS): DoctorReport {
  return reportOf(areas.flatMap((area) => findingsOf(area, facts)));
}

function findingsOf(area: DoctorArea, facts: DoctorFacts): readonly Finding[] {
  switch (area) {
    case 'hybrid':
      return hybridFindings(facts);
    case 'federation':
      return federationFindings(facts);
    case 'dynamic':
      return dynamicFindings(facts);
    case 'plugin':
      return pluginFindings(facts);
    case 'actions':
      return actionFindings(facts);
    default:
      return unreachable(area);
  }
}

function hybridFindings(facts: DoctorFacts): readonly Finding[] {
  const host = facts.host?.kind === 'read' ? facts.host.value : undefined;
  const findings = [
    ...hybridConfigFindings(facts),
    ...overlayFindings(facts),
    ...claimFindings(facts, host),
    ...(host === undefined ? [] : hybridHostFindings(facts, host)),
    ...(facts.host?.kind === 'unreadable'
      ? [
          check('hybrid', 'host', 'host').fail(
            `this host could not be read: ${facts.host.detail}`,
            'Run routerd as root.',
          ),
        ]
      : []),
  ];
  return findings.length > 0
    ? findings
    : [check('hybrid', 'resources', 'hybrid').skip('no hybrid resource is declared')];
}
