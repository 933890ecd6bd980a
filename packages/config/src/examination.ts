/** Whether one dynamic part can stand on a startup-config alone, remembered for as long as both are the same values. */
import {
  err,
  identityOf,
  indexResources,
  ofKind,
  ok,
  type Kind,
  type Resource,
  type ResourceIndex,
  type ResourceOf,
  type Result,
} from '@routerd/resources';
import type { DynamicConfigPart } from './dynamic-config-part.ts';
import type { EffectiveResource } from './effective-config.ts';
import { brokenBy, errorOf, grantKey, newlyBroken, type Foundation } from './foundation.ts';
import { without } from './layered-index.ts';
import { duplicate, invalid, nameOf, type Rejection } from './part-verdict.ts';

/** What is derived once per part and startup-config. */
export interface Examination {
  readonly source: string;
  readonly directives: DynamicConfigPart['directives'];
  /** Why the part cannot stand on startup-config alone; undefined if it can. */
  readonly rejection: Rejection | undefined;
  /** Its source, by the identity of each resource. */
  readonly identities: ReadonlyMap<string, string>;
  readonly kinds: ReadonlySet<Kind>;
  /** What of startup-config it masks; empty for a part that is rejected. */
  readonly masked: ReadonlySet<Resource>;
  readonly claims: readonly ResourceOf<'RemoteAddressClaim'>[];
  /** Names of its claims, by address. Made when it is asked for first. */
  readonly claimNames: () => ReadonlyMap<string, string>;
  /** Its resources besides the claims: what of the part a claim can refer to. */
  readonly companions: readonly Resource[];
  /** Its resources, as parts of effective-config. */
  readonly entries: readonly EffectiveResource[];
}

/**
 * What the daemon reads once when it starts, and what says who may do what: neither added nor masked by a part, because
 * that would be without effect, or give a plugin rights that nobody granted.
 */
const FIXED_AT_START: ReadonlySet<string> = new Set<Kind>([
  'DynamicConfigSource',
  'DynamicOverridePolicy',
  'EventGroup',
  'EventPeer',
  'EventSubscription',
  'MobilityPool',
  'Plugin',
  'ProviderActionPolicy',
]);

/**
 * Cost: linear in the part's resources (about a microsecond for a claim), and in startup-config for a part that masks;
 * constant for the same content again.
 */
export function examine(part: DynamicConfigPart, foundation: Foundation): Examination {
  const { source, resources, directives } = part;
  const known = foundation.examined.get(resources);
  if (known?.source === source && known.directives === directives) return known;
  const masked = masksOf(part, foundation);
  const claims = ofKind(resources, 'RemoteAddressClaim');
  const companions = companionsOf(part, claims.length, foundation);
  const identities = new Map<string, string>();
  const examination: Examination = {
    source,
    directives,
    rejection: masked.ok
      ? (duplicateIn(part, foundation, identities) ??
        fixedAtStart(companions) ??
        invalidOn(foundation, { resources, companions, claims, masked: masked.value }))
      : masked.error,
    identities,
    kinds: kindsOf(companions, claims),
    masked: masked.ok ? masked.value : new Set(),
    claims,
    claimNames: once(() => new Map(claims.map(({ metadata, spec }) => [spec.address, metadata.name]))),
    companions,
    entries: resources.map((resource) => ({ resource, source })),
  };
  foundation.examined.set(resources, examination);
  return examination;
}

export function targetIdentity({ apiVersion, kind, name }: DynamicConfigPart['directives'][number]['target']): string {
  return identityOf({ apiVersion, kind, metadata: { name } });
}

/** Every mask is granted for exactly this source and target, and names something that startup-config declares. */
function masksOf(
  { source, directives }: DynamicConfigPart,
  { byIdentity, grants }: Foundation,
): Result<ReadonlySet<Resource>, Rejection> {
  const masked = new Set<Resource>();
  for (const { target } of directives) {
    const identity = targetIdentity(target);
    const resource = `${target.kind}/${target.name}`;
    const declared = byIdentity.get(identity);
    if (declared === undefined) {
      const reason = `${resource} (${target.apiVersion}) is not declared in startup-config, and nothing else can be masked.`;
      return err({ code: 'part.mask-unknown-target', resource, reason });
    }
    if (FIXED_AT_START.has(target.kind)) {
      const reason = `${resource}: ${withArticle(target.kind)} is read when the daemon starts and cannot be masked.`;
      return err({ code: 'part.fixed-at-start', resource, reason });
    }
    if (!grants.has(grantKey(source, identity))) {
      const reason = `dynamic mask not allowed by DynamicOverridePolicy: no policy grants ${source} the mask of ${resource}.`;
      return err({ code: 'part.mask-forbidden', resource, reason });
    }
    masked.add(declared);
  }
  return ok(masked);
}

/** @param found gets the identities, with the source of the part */
function duplicateIn(
  { source, resources }: DynamicConfigPart,
  { byIdentity }: Foundation,
  found: Map<string, string>,
): Rejection | undefined {
  for (const resource of resources) {
    const identity = rememberedIdentity(resource);
    if (byIdentity.has(identity)) return duplicate(resource, 'is declared in startup-config already');
    if (found.has(identity)) return duplicate(resource, 'occurs twice in the part');
    found.set(identity, source);
  }
  return undefined;
}

/** Resources are immutable, and those of a planner's part are mostly those of the part before. */
const identityKnown = new WeakMap<Resource, string>();

export function rememberedIdentity(resource: Resource): string {
  const known = identityKnown.get(resource);
  if (known !== undefined) return known;
  const identity = identityOf(resource);
  identityKnown.set(resource, identity);
  return identity;
}

/** The same list as of the source's part before, when it has the same resources in it. */
function companionsOf(
  { source, resources }: DynamicConfigPart,
  claimCount: number,
  { lastOf }: Foundation,
): readonly Resource[] {
  if (claimCount === 0) return resources;
  const companions = resources.filter(({ kind }) => kind !== 'RemoteAddressClaim');
  const before = lastOf.get(source)?.companions ?? [];
  const isSame = before.length === companions.length && before.every((other, index) => other === companions[index]);
  return isSame ? before : companions;
}

function kindsOf(companions: readonly Resource[], claims: readonly Resource[]): ReadonlySet<Kind> {
  return new Set([...companions, ...claims.slice(0, 1)].map((resource): Kind => resource.kind));
}

function once<T>(derive: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => (known ??= { value: derive() }).value;
}

function fixedAtStart(resources: readonly Resource[]): Rejection | undefined {
  const fixed = resources.find(({ kind }) => FIXED_AT_START.has(kind));
  if (fixed === undefined) return undefined;
  const reason = `${nameOf(fixed)}: ${withArticle(fixed.kind)} cannot come from dynamic configuration; it stands in startup-config.`;
  return { code: 'part.fixed-at-start', resource: nameOf(fixed), reason };
}

interface Addition extends Pick<Examination, 'companions' | 'claims'> {
  readonly resources: readonly Resource[];
  readonly masked: ReadonlySet<Resource>;
}

/**
 * The part's own resources, on startup-config without what the part masks; then what the addition, or the gap, breaks
 * of startup-config. An addition breaks only certain kinds; what a gap breaks is not known beforehand.
 */
function invalidOn(
  { index, resources: startup, standing }: Foundation,
  { resources, companions, claims, masked }: Addition,
): Rejection | undefined {
  const after = indexResources(resources, without(index, masked));
  for (const resource of resources) {
    // Nothing refers to a claim: one that stood beside the same companions stands again.
    const isClaim = resource.kind === 'RemoteAddressClaim' && masked.size === 0;
    if (isClaim && standing.get(resource) === companions) continue;
    const error = errorOf(resource, after, 'derived');
    if (error !== undefined) return invalid(resource, error);
    if (isClaim) standing.set(resource, companions);
  }
  const affected =
    masked.size === 0
      ? ofKinds(index, brokenBy(kindsOf(companions, claims)))
      : startup.filter((resource) => !masked.has(resource));
  const broken = newlyBroken(affected, { before: index, after, authorship: 'authored' });
  if (broken === undefined) return undefined;
  const rejection = invalid(broken.resource, broken.problem);
  if (masked.size === 0) return rejection;
  return { ...rejection, reason: `${rejection.reason} The part masks ${[...masked].map(nameOf).join(', ')}.` };
}

export function ofKinds(index: ResourceIndex, kinds: ReadonlySet<Kind>): readonly Resource[] {
  return [...kinds].flatMap((kind): readonly Resource[] => index.ofKind(kind));
}

function withArticle(kind: string): string {
  return `${/^[AEIOU]/.test(kind) ? 'An' : 'A'} ${kind}`;
}
