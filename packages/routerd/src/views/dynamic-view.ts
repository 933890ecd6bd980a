/** What the API shows of dynamic parts: what became of each, what they hold, and what they made of startup-config. */
import { isDamaged, type EffectiveResource, type PartVerdict, STARTUP_SOURCE } from '@routerd/config';
import { authoredForm, formatInstant, type AuthoredResource, type Instant, type Resource } from '@routerd/resources';
import { NEVER, plannedSource, type DerivedConfig } from '../derived-config.ts';
import type { PoolState } from '../pool-state.ts';
import { shownSpec } from './shown-spec.ts';

type Part = DerivedConfig['parts'][number];

/** GET /v1/dynamic/parts: one line a part and generation, by source, the newest first. */
export function partsView(derived: DerivedConfig, pools: readonly PoolState[]): readonly unknown[] {
  const { config } = derived;
  return partsOf(derived, pools)
    .map((part) => partLine(part, config.parts))
    .toSorted(bySourceAndGeneration);
}

/** GET /v1/dynamic/parts?source=S: everything about each generation of one source; none for an unknown source. */
export function partDetails(derived: DerivedConfig, pools: readonly PoolState[], source: string): readonly unknown[] {
  const { config } = derived;
  return partsOf(derived, pools)
    .filter((part) => part.source === source)
    .map((part): PartLine => ({ ...partLine(part, config.parts), ...contentOf(part) }))
    .toSorted(bySourceAndGeneration);
}

/** GET /v1/config/effective: resources as an author would write them, those of parts marked with their source. */
export function effectiveView({ config }: DerivedConfig): unknown {
  return {
    items: config.resources.map(({ resource, source }) => ({
      source,
      resource: source === STARTUP_SOURCE ? shownForm(resource) : marked(shownForm(resource), source),
    })),
    suppressed: suppressedView(config.suppressed),
  };
}

/** GET /v1/config/diff: what parts add to startup-config and leave out of it. */
export function diffView({ config }: DerivedConfig): unknown {
  return {
    added: config.resources.filter(isAdded).map(({ resource, source }) => ({ source, resource: shownForm(resource) })),
    suppressed: suppressedView(config.suppressed),
  };
}

function isAdded({ source }: EffectiveResource): boolean {
  return source !== STARTUP_SOURCE;
}

function suppressedView(suppressed: DerivedConfig['config']['suppressed']): readonly unknown[] {
  return suppressed.map(({ resource, maskedBy, maskedUntil, reason }) => ({
    resource: shownForm(resource),
    maskedBy,
    maskedUntil: formatInstant(maskedUntil),
    reason,
  }));
}

/** As an author would write it, without what must not be shown. */
function shownForm(resource: Resource): AuthoredResource {
  const form = authoredForm(resource);
  return { ...form, spec: shownSpec(form.spec) };
}

const SOURCE_ANNOTATION = 'routerd.net/dynamic-source';

function marked(resource: AuthoredResource, source: string): AuthoredResource {
  const { annotations, ...metadata } = resource.metadata;
  const others = typeof annotations === 'object' ? annotations : {};
  return { ...resource, metadata: { ...metadata, annotations: { ...others, [SOURCE_ANNOTATION]: source } } };
}

/** The planner's actions change without its resources: they are taken from where they live. */
function partsOf({ parts }: DerivedConfig, pools: readonly PoolState[]): readonly Part[] {
  const bySource = new Map(pools.map((pool) => [plannedSource(pool), pool]));
  return parts.map((part) => {
    const pool = isDamaged(part) ? undefined : bySource.get(part.source);
    if (pool === undefined || isDamaged(part)) return part;
    return {
      ...part,
      actionPlans: [...pool.plans()].flatMap(({ actions }) => actions.map((action) => ({ ...action }))),
    };
  });
}

interface PartLine {
  readonly source: string;
  readonly generation: number;
  readonly [field: string]: unknown;
}

/** Counts are left out where the content is damaged, the expiry where the part is made anew by every pass. */
function partLine(part: Part, verdicts: readonly PartVerdict[]): PartLine {
  const { source, generation, observedAt, expiresAt } = part;
  const verdict = verdicts.find((other) => other.source === source && other.generation === generation);
  return {
    source,
    generation,
    status: verdict?.status ?? 'Rejected',
    ...(isDamaged(part)
      ? {}
      : {
          resources: part.resources.length,
          directives: part.directives.length,
          actionPlans: part.actionPlans.length,
          ...('digest' in part ? { digest: part.digest } : {}),
        }),
    observedAt: formatInstant(observedAt),
    ...expiryOf(expiresAt),
    ...(verdict !== undefined && 'reason' in verdict ? { code: verdict.code, reason: verdict.reason } : {}),
  };
}

function expiryOf(expiresAt: Instant): { readonly expiresAt?: string } {
  return expiresAt === NEVER ? {} : { expiresAt: formatInstant(expiresAt) };
}

function contentOf(part: Part): { readonly content?: unknown } {
  if (isDamaged(part)) return {};
  const { resources, directives, actionPlans } = part;
  return { content: { resources: resources.map(shownForm), directives, actionPlans } };
}

function bySourceAndGeneration(a: PartLine, b: PartLine): number {
  if (a.source !== b.source) return a.source < b.source ? -1 : 1;
  return b.generation - a.generation;
}
