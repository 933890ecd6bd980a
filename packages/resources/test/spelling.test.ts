/** "Did you mean": near enough to help, never a wild guess. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearestSpelling } from '../src/spelling.ts';

const FIELDS = ['prefix', 'groupRef', 'members', 'mode'];

describe('nearestSpelling', () => {
  it.each([
    ['prefx', 'prefix'],
    ['perfix', 'prefix'],
    ['Prefix', 'prefix'],
    ['groupref', 'groupRef'],
    ['member', 'members'],
    ['moed', 'mode'],
    ['colour', undefined],
    ['x', undefined],
    ['', undefined],
  ])('answers %s with %s', (word, nearest) => {
    expect(nearestSpelling(word, FIELDS)).toBe(nearest);
  });

  it('does not depend on the order of the candidates, and finds every word itself', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 12 }), { minLength: 1 }),
        fc.string({ maxLength: 12 }),
        (words, word) => {
          expect(nearestSpelling(word, words)).toBe(nearestSpelling(word, words.toReversed()));
          const [first = ''] = words;
          expect(first === '' || nearestSpelling(first, words)?.toLowerCase() === first.toLowerCase()).toBe(true);
        },
      ),
    );
  });
});
