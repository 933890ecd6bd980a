import { describe, expect, test } from 'vitest';
import { LineSplitter } from '../src/index.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('a line splitter', () => {
  test('puts lines together from any chunks, and leaves empty ones out', () => {
    const splitter = new LineSplitter(100);
    expect(splitter.push(bytes('ab'))).toEqual([]);
    expect(splitter.push(bytes('c\n\nde\nf'))).toEqual([
      { kind: 'line', text: 'abc' },
      { kind: 'line', text: 'de' },
    ]);
    expect(splitter.end()).toEqual([{ kind: 'line', text: 'f' }]);
  });

  test('keeps characters whole that a chunk cuts in two', () => {
    const splitter = new LineSplitter(100);
    const word = bytes('Köln\n');
    const events = [...word].flatMap((byte) => splitter.push(Uint8Array.of(byte)));
    expect(events).toEqual([{ kind: 'line', text: 'Köln' }]);
  });

  test('tells of a line that is too long once, and goes on with the next', () => {
    const splitter = new LineSplitter(4);
    const events = ['12', '345', '678', '9\nok\n'].flatMap((chunk) => splitter.push(bytes(chunk)));
    expect(events).toEqual([
      { kind: 'too-long', bytesMax: 4 },
      { kind: 'line', text: 'ok' },
    ]);
  });
});
