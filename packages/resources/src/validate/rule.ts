/** A rule that relates resources to each other. */
import type { DiagnosticCode } from '../diagnostic-codes.ts';
import type { FieldPath, Problem } from '../diagnostic.ts';
import { isOfKind, type Kind, type Resource, type ResourceOf } from '../resource.ts';
import type { ResourceIndex } from './resource-index.ts';

/**
 * Whom a rule is for: `authored` holds for what operators write, `derived` for what dynamic parts carry.
 */
export type Authorship = 'authored' | 'derived';

export interface Rule {
  readonly subject: Kind;
  /**
   * Kinds of which one more resource can put it in conflict with a subject: one of the two is then at fault, by
   * declaration order or always the subject. A reference is never broken by an addition, so most rules have none, and
   * adding a part costs the checks of its own resources only.
   */
  readonly brokenBy: readonly Kind[];
  readonly appliesTo: Authorship | 'both';
  readonly check: (resource: Resource, index: ResourceIndex) => readonly Problem[];
}

export function rule<K extends Kind>(
  subject: K,
  check: (resource: ResourceOf<K>, index: ResourceIndex) => Iterable<Problem>,
  { brokenBy = [], appliesTo = 'both' }: { brokenBy?: readonly Kind[]; appliesTo?: Rule['appliesTo'] } = {},
): Rule {
  return {
    subject,
    brokenBy,
    appliesTo,
    check: (resource, index) => (isOfKind(resource, subject) ? [...check(resource, index)] : []),
  };
}

export interface Words {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly remedy?: string;
  readonly at?: 'key' | 'value';
}

export function errorAt(path: FieldPath, { at = 'value', ...words }: Words): Problem {
  return { severity: 'error', path, at, ...words };
}

export function warningAt(path: FieldPath, { at = 'value', ...words }: Words): Problem {
  return { severity: 'warning', path, at, ...words };
}
