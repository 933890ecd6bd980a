/** The rules that relate resources to each other, applied to startup-config or to one addition to it. */
import { compareDiagnostics, hasErrors, type Diagnostic, type Problem } from '../diagnostic.ts';
import { diagnose, loadResources, type LoadedResources, type Located } from '../load-resources.ts';
import type { Kind, Resource } from '../resource.ts';
import { indexResources, type ResourceIndex } from './resource-index.ts';
import type { Authorship, Rule } from './rule.ts';
import { claimRules } from './rules/claim.ts';
import { deliveryRules } from './rules/delivery.ts';
import { dynamicRules } from './rules/dynamic.ts';
import { firewallRules } from './rules/firewall.ts';
import { hostNetworkRules } from './rules/host-network.ts';
import { hybridRouteRules } from './rules/hybrid-route.ts';
import { nodeRules } from './rules/node.ts';
import { overlayRules } from './rules/overlay.ts';
import { poolAddressRules } from './rules/pool-addresses.ts';
import { poolMemberRules } from './rules/pool-members.ts';
import { poolRules } from './rules/pool.ts';
import { referenceRules } from './rules/references.ts';
import { routerProblems } from './rules/router.ts';
import { routerAddressRules } from './rules/router-address.ts';
import { sysctlRules } from './rules/sysctl.ts';
import { tunnelRules } from './rules/tunnel.ts';

const RULES: readonly Rule[] = [
  ...referenceRules,
  ...poolRules,
  ...poolMemberRules,
  ...poolAddressRules,
  ...claimRules,
  ...overlayRules,
  ...tunnelRules,
  ...hybridRouteRules,
  ...deliveryRules,
  ...hostNetworkRules,
  ...nodeRules,
  ...dynamicRules,
  ...routerAddressRules,
  ...firewallRules,
  ...sysctlRules,
];

const RULES_OF = new Map<Kind, readonly Rule[]>();
for (const { subject } of RULES)
  RULES_OF.set(
    subject,
    RULES.filter((rule) => rule.subject === subject),
  );

/** What is wrong with one resource among others. Cost: constant for a claim; for few-of-a-kind kinds linear in their number. */
export function checkResource(resource: Resource, index: ResourceIndex, authorship: Authorship): readonly Problem[] {
  return (RULES_OF.get(resource.kind) ?? []).flatMap((rule) =>
    rule.appliesTo === 'both' || rule.appliesTo === authorship ? rule.check(resource, index) : [],
  );
}

/** Kinds of which resources that were valid may not be so any more once resources of `added` kinds join them. */
export function kindsBrokenBy(added: ReadonlySet<Kind>): ReadonlySet<Kind> {
  return new Set(
    RULES.filter(({ brokenBy }) => brokenBy.some((kind) => added.has(kind))).map(({ subject }) => subject),
  );
}

/**
 * Checks startup-config as a whole.
 * @param broken `Kind/name` of what was declared and could not be read, from {@link loadResources}
 * @returns all problems at their places, sorted
 */
export function validateResources(
  resources: readonly Located<Resource>[],
  broken: ReadonlySet<string> = new Set(),
): readonly Diagnostic[] {
  return problemsAmong(resources, indexOf(resources, broken)).toSorted(compareDiagnostics);
}

function indexOf(resources: readonly Located<Resource>[], broken: ReadonlySet<string>): ResourceIndex {
  const values = resources.map(({ value }) => value);
  return indexResources(values, undefined, broken);
}

function problemsAmong(resources: readonly Located<Resource>[], index: ResourceIndex): readonly Diagnostic[] {
  return resources.flatMap((located) =>
    checkResource(located.value, index, 'authored').map((problem) => diagnose(problem, located)),
  );
}

/**
 * {@link loadResources} and {@link validateResources} in one: everything that is wrong with startup-config.
 * While a part of it cannot be read, warnings about what is not declared would be guesses, and are left out.
 */
export function loadConfiguration(
  sources: readonly { readonly file: string; readonly text: string }[],
): LoadedResources {
  const loaded = loadResources(sources);
  const { resources, router } = loaded;
  const incomplete = hasErrors(loaded.diagnostics);
  const index = indexOf(resources, loaded.broken);
  const ofRouter =
    router === undefined ? [] : routerProblems(router.value, index).map((problem) => diagnose(problem, router));
  const related = [...problemsAmong(resources, index), ...ofRouter].filter(
    ({ severity }) => severity === 'error' || !incomplete,
  );
  return { ...loaded, diagnostics: [...loaded.diagnostics, ...related].toSorted(compareDiagnostics) };
}
