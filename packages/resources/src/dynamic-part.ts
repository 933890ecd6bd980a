/** The stored form of a dynamic part, with each of its resources parsed. */
import type { z } from 'zod';
import type { Problem } from './diagnostic.ts';
import type { dynamicConfigDirective, resourceReference } from './kinds/config.ts';
import { DYNAMIC_CONFIG_PART, type Resource } from './resource.ts';
import { err, ok, type Result } from './result.ts';
import { parseResource, type ResourceFault } from './schema/parse-resource.ts';
import { problemsOf } from './schema/schema-problems.ts';

/** Exactly one resource, by the three parts of its identity. */
export type ResourceReference = z.output<typeof resourceReference>;
export type DynamicConfigDirective = z.output<typeof dynamicConfigDirective>;

type StoredPart = z.output<typeof DYNAMIC_CONFIG_PART>;

/** Kind `DynamicConfigPart`: what the store keeps and `routerctl dynamic describe` shows. */
export interface DynamicConfigPartResource extends Omit<StoredPart, 'spec'> {
  readonly spec: Omit<StoredPart['spec'], 'resources'> & { readonly resources: readonly Resource[] };
}

/**
 * Checks a stored or proposed part by itself. Whether it fits startup-config and may mask what it masks, and whether its
 * digest is that of its content, is for others to judge.
 * @returns the part, or everything that is wrong with it: paths begin at the part, `spec.resources[3].spec.mtu`
 */
export function parseDynamicConfigPart(input: unknown): Result<DynamicConfigPartResource, ResourceFault> {
  const parsed = DYNAMIC_CONFIG_PART.safeParse(input);
  if (!parsed.success) {
    return err({ code: 'resource.invalid', problems: problemsOf(parsed.error.issues, DYNAMIC_CONFIG_PART, input) });
  }
  const { spec, ...envelope } = parsed.data;
  const resources: Resource[] = [];
  const problems: Problem[] = [];
  for (const [position, entry] of spec.resources.entries()) {
    const result = parseResource(entry);
    if (result.ok) resources.push(result.value);
    else {
      for (const problem of result.error.problems) {
        problems.push({ ...problem, path: ['spec', 'resources', position, ...problem.path] });
      }
    }
  }
  if (problems.length > 0) return err({ code: 'resource.invalid', problems });
  return ok({ ...envelope, spec: { ...spec, resources } });
}
