/** The document `Router`: a list of resources in one document, and how this router reconciles. */
import { z } from 'zod';
import type { Problem } from './diagnostic.ts';
import { problemsOf } from './schema/schema-problems.ts';
import { metadata } from './resource.ts';
import * as s from './scalars.ts';

const reconcile = z
  .strictObject({
    mode: z
      .enum(['strict', 'progressive'])
      .default('strict')
      .describe(
        '`strict`: what cannot be applied whole is not begun: `apply --once` refuses all of a plan that would cut management, the daemon leaves the interface in question as it is. `progressive`: each does what can be done.',
      ),
    protectedInterfaces: z
      .array(s.interfaceName)
      .default([])
      .describe(
        'Nothing is taken away there that leads to this router, unless `routerd apply` is told to; what would be is shown in the status.',
      ),
    protectedZones: z.array(s.ref('FirewallZone')).default([]).describe('The same for all interfaces of a zone.'),
  })
  .meta(s.instead({ autoTuneConntrack: 'Declare a Sysctl for net.netfilter.nf_conntrack_max.' }));

const ROUTER_API_VERSION = 'routerd.net/v1alpha1';

/** `spec.resources` are checked one by one: each is reported by itself. */
export const ROUTER_DOCUMENT = z
  .strictObject({
    apiVersion: z.literal(ROUTER_API_VERSION),
    kind: z.literal('Router'),
    metadata,
    spec: z.strictObject({
      reconcile: reconcile.optional().describe('How this router brings the host to what is declared.'),
      resources: z
        .array(z.unknown().meta({ expected: 'a resource' }))
        .default([])
        .describe('As separate documents would be.'),
    }),
  })
  .describe('Resources in one document, and how this router reconciles.');

export type ReconcileSettings = z.output<typeof reconcile>;

/** A Router that says how it reconciles, without its resources. */
export interface Router {
  readonly kind: 'Router';
  readonly metadata: { readonly name: string };
  readonly spec: { readonly reconcile: ReconcileSettings };
}

export interface RouterDocument {
  /** Undefined when the document says nothing besides resources, or is invalid. */
  readonly router: Router | undefined;
  readonly problems: readonly Problem[];
}

/** Checks the document besides its resources. */
export function parseRouterDocument(value: unknown): RouterDocument {
  const parsed = ROUTER_DOCUMENT.safeParse(value);
  if (!parsed.success) {
    return { router: undefined, problems: problemsOf(parsed.error.issues, ROUTER_DOCUMENT, value) };
  }
  const { kind, metadata: own, spec } = parsed.data;
  const router =
    spec.reconcile === undefined ? undefined : { kind, metadata: own, spec: { reconcile: spec.reconcile } };
  return { router, problems: [] };
}
