/** Checks of what parts make of startup-config. */
import { formatInstant } from '@routerd/resources';
import type { DoctorFacts } from './doctor-facts.ts';
import { check, type Finding } from './finding.ts';

export function dynamicFindings({ parts, problems, idlePolicies }: DoctorFacts): readonly Finding[] {
  const sources = [...new Set(parts.map(({ source }) => source))].toSorted();
  const builds = check('dynamic', 'effective-config', 'effective-config');
  return [
    problems.length === 0
      ? builds.pass('nothing of it is set aside')
      : builds.fail(
          problems.map(({ subject, reason }) => `${subject}: ${reason}`).join('; '),
          'Mend what is named; everything else is in effect.',
        ),
    ...sources.flatMap((source) =>
      sourceFindings(
        source,
        parts.filter((part) => part.source === source),
      ),
    ),
    ...idlePolicies.map((name) =>
      check('dynamic', 'override-policy', `DynamicOverridePolicy/${name}`).warn(
        'no part masks anything that it allows',
        'Remove the rules if nothing is to mask these resources; otherwise see `routerctl dynamic list`.',
      ),
    ),
  ];
}

function sourceFindings(source: string, parts: DoctorFacts['parts']): readonly Finding[] {
  const decoded = check('dynamic', 'part', source);
  const lasting = check('dynamic', 'part-expiry', source);
  const rejected = parts.flatMap((part) => (part.status === 'Rejected' ? [part] : []));
  const active = parts.find(({ status }) => status === 'Active');
  const expired = parts.flatMap((part) => (part.status === 'Expired' ? [part] : [])).at(-1);
  return [
    rejected.length === 0
      ? decoded.pass('every generation can be read and stands')
      : decoded.fail(
          rejected.map(({ generation, code, reason }) => `generation ${generation} (${code}): ${reason}`).join('; '),
          `See \`routerctl dynamic describe ${source}\`; the next good generation replaces it.`,
        ),
    active !== undefined || expired === undefined
      ? lasting.pass(
          active === undefined ? 'nothing of it has expired' : `in effect in generation ${active.generation}`,
        )
      : lasting.warn(
          `all that it has is expired, since ${formatInstant(expired.expiredAt)}`,
          'Is its plugin still run? See `routerctl plugin list`.',
        ),
  ];
}
