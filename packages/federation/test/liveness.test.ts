import { durationMs, type Monotonic } from '@routerd/resources';
import { describe, expect, it } from 'vitest';
import { judgeLiveness, nextJudgement } from '../src/liveness.ts';

const DEAD_AFTER = durationMs(2000);
const at = (ms: number): Monotonic => ms as Monotonic;

describe('what silence means', () => {
  const judgements: readonly (readonly [number, string, number | undefined])[] = [
    [0, 'alive', 1000],
    [999, 'alive', 1000],
    [1000, 'suspect', 2000],
    [1999, 'suspect', 2000],
    [2000, 'dead', undefined],
    [9000, 'dead', undefined],
  ];
  for (const [silence, liveness, next] of judgements) {
    it(`${silence} ms of silence of 2000 are ${liveness}`, () => {
      expect(judgeLiveness(at(500), at(500 + silence), DEAD_AFTER)).toBe(liveness);
      expect(nextJudgement(at(500), at(500 + silence), DEAD_AFTER)).toBe(next === undefined ? undefined : 500 + next);
    });
  }

  it('who was never heard is neither alive nor dead, for ever', () => {
    expect(judgeLiveness(undefined, at(1e9), DEAD_AFTER)).toBe('unheard');
    expect(nextJudgement(undefined, at(0), DEAD_AFTER)).toBeUndefined();
  });
});
