/** One value to a resource: kind, API group, then the kind's schema. */
import type { DiagnosticCode } from '../diagnostic-codes.ts';
import type { Problem } from '../diagnostic.ts';
import { isKind, KINDS, STORED_KINDS, type Kind, type Resource } from '../resource.ts';
import { err, ok, type Result } from '../result.ts';
import { nearestSpelling } from '../spelling.ts';
import { describeValue, problemsOf, quoted } from './schema-problems.ts';
import { memberOf } from './schema-shape.ts';

export interface ResourceFault {
  readonly code: 'resource.invalid';
  /** All of them, in the order of the schema; at least one. */
  readonly problems: readonly Problem[];
}

/** Checks one resource by itself; what it refers to is not looked at. Never throws. */
export function parseResource(input: unknown): Result<Resource, ResourceFault> {
  const kind = kindOf(input);
  if (!kind.ok) return err({ code: 'resource.invalid', problems: [kind.error] });
  const schema = KINDS[kind.value];
  const parsed = schema.safeParse(input);
  if (parsed.success) return ok(parsed.data);
  const problems = problemsOf(parsed.error.issues, schema, input).map((problem) =>
    problem.path.length === 1 && problem.path[0] === 'apiVersion' && problem.code !== 'field.missing'
      ? wrongApiVersion(kind.value, memberOf(input, 'apiVersion'))
      : problem,
  );
  return err({ code: 'resource.invalid', problems });
}

function kindOf(input: unknown): Result<Kind, Problem> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return err(
      problem(
        'document.not-a-mapping',
        [],
        `Found ${describeValue(input)}; expected a resource: a mapping with apiVersion, kind, metadata, spec.`,
      ),
    );
  }
  const kind = memberOf(input, 'kind');
  const kinds = Object.keys(KINDS).toSorted();
  if (kind === undefined) {
    return err(problem('kind.missing', [], `Field "kind" is missing; expected one of ${kinds.join(', ')}.`));
  }
  if (typeof kind !== 'string') {
    return err(problem('kind.unknown', ['kind'], `Found ${describeValue(kind)}; expected one of ${kinds.join(', ')}.`));
  }
  if (isKind(kind)) return ok(kind);
  if (Object.hasOwn(STORED_KINDS, kind)) {
    return err(problem('kind.not-authored', ['kind'], `${kind} cannot be declared: ${STORED_KINDS[kind]}.`));
  }
  const nearest = nearestSpelling(kind, kinds);
  const unknown = problem('kind.unknown', ['kind'], `Unknown kind ${quoted(kind)}; allowed: ${kinds.join(', ')}.`);
  return err(nearest === undefined ? unknown : { ...unknown, remedy: `Did you mean ${quoted(nearest)}?` });
}

function wrongApiVersion(kind: Kind, found: unknown): Problem {
  const wanted = KINDS[kind].shape.apiVersion.value;
  return {
    ...problem(
      'kind.wrong-api-version',
      ['apiVersion'],
      `${kind} must use apiVersion ${wanted}; found ${describeValue(found)}.`,
    ),
    remedy: `Write apiVersion: ${wanted}.`,
  };
}

function problem(code: DiagnosticCode, path: readonly string[], message: string): Problem {
  return { severity: 'error', code, path, at: path.length === 0 ? 'key' : 'value', message };
}
