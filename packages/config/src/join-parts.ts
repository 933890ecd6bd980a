/** Which parts join, in their order: each that agrees with those that joined before it. */
import type { Resource } from '@routerd/resources';
import type { DynamicConfigPart } from './dynamic-config-part.ts';
import { examine } from './examination.ts';
import { foundationOf, type Foundation } from './foundation.ts';
import { Merge, type Broken, type Candidate } from './merge.ts';
import { invalid, type Rejection } from './part-verdict.ts';

export interface Joined {
  readonly merge: Merge;
  readonly rejections: ReadonlyMap<DynamicConfigPart, Rejection>;
}

/**
 * The outcome is that of taking the parts one by one. It is found by taking all of them, and looking at what is new since
 * the last time: fewer parts never disagree more, since each refers to startup-config alone. Only where they disagree the
 * first that does is searched for, by halves.
 * @param parts in the order in which they join
 */
export function joinParts(startup: readonly Resource[], parts: readonly DynamicConfigPart[]): Joined {
  const foundation = foundationOf(startup);
  const rejections = new Map<DynamicConfigPart, Rejection>();
  const candidates: Candidate[] = [];
  for (const part of parts) {
    const examination = examine(part, foundation);
    if (examination.rejection === undefined) candidates.push({ part, examination });
    else rejections.set(part, examination.rejection);
  }
  foundation.lastOf = new Map(candidates.map(({ part, examination }) => [part.source, examination]));
  let agreed: readonly Candidate[] = [];
  let rest: readonly Candidate[] = candidates;
  for (;;) {
    const trial = attempt(foundation, [...agreed, ...rest]);
    if (trial.broken === undefined) {
      for (const [{ part }, rejection] of trial.repeating) rejections.set(part, rejection);
      foundation.agreeing = new Set(trial.merge.candidates.map(({ examination }) => examination));
      return { merge: trial.merge, rejections };
    }
    const position = firstDisagreeing(foundation, agreed, rest);
    const before = attempt(foundation, [...agreed, ...rest.slice(0, position)]);
    for (const [{ part }, rejection] of before.repeating) rejections.set(part, rejection);
    agreed = before.merge.candidates;
    const culprit = rest[position];
    if (culprit === undefined) throw new Error('parts disagree only with a culprit');
    const { broken = trial.broken } = attempt(foundation, [...agreed, culprit], agreed);
    rejections.set(culprit.part, { ...invalid(broken.resource, broken.problem), code: 'part.conflict' });
    rest = rest.slice(position + 1);
  }
}

interface Attempt {
  readonly merge: Merge;
  readonly repeating: ReadonlyMap<Candidate, Rejection>;
  readonly broken: Broken | undefined;
}

/** @param known agree with each other; without it those that agreed the last time */
function attempt(foundation: Foundation, candidates: readonly Candidate[], known?: readonly Candidate[]): Attempt {
  const merge = new Merge(foundation);
  const repeating = new Map<Candidate, Rejection>();
  for (const candidate of candidates) {
    const rejection = merge.add(candidate);
    if (rejection !== undefined) repeating.set(candidate, rejection);
  }
  const agreeing = known === undefined ? foundation.agreeing : new Set(known.map(({ examination }) => examination));
  const fresh = merge.candidates.filter(({ examination }) => !agreeing.has(examination));
  return { merge, repeating, broken: merge.brokenBy(fresh) };
}

/** The position of the first that disagrees with those before it. All of `agreed` agree, all together do not. */
function firstDisagreeing(foundation: Foundation, agreed: readonly Candidate[], rest: readonly Candidate[]): number {
  let [low, high] = [0, rest.length]; // the first `low` of rest agree, the first `high` do not
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (attempt(foundation, [...agreed, ...rest.slice(0, middle)]).broken === undefined) low = middle;
    else high = middle;
  }
  return low;
}
