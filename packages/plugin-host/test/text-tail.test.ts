import { expect, test } from 'vitest';
import { TextTail } from '../src/text-tail.ts';

test.each([1, 3, 8, 9, 16, 100])('keeps the last bytes of what comes %i at a time', (size) => {
  const text = Array.from({ length: 300 }, (_, index) => String.fromCodePoint(97 + (index % 26))).join('');
  const tail = new TextTail(8);
  for (let at = 0; at < text.length; at += size) {
    tail.push(Buffer.from(text.slice(at, at + size)));
    expect(tail.text()).toBe(text.slice(0, at + size).slice(-8));
  }
});

test('has nothing to say before something was said', () => {
  expect(new TextTail(8).text()).toBe('');
});
