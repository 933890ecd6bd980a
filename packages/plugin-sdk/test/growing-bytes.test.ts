import { expect, test } from 'vitest';
import { GrowingBytes, LineSplitter } from '../src/index.ts';

test('bytes that come one by one are there in one piece, and only once', () => {
  const bytes = new GrowingBytes();
  const text = 'abc'.repeat(5000);
  for (const byte of Buffer.from(text)) bytes.push(Uint8Array.of(byte));
  expect(bytes.length).toBe(text.length);
  expect(bytes.take().toString()).toBe(text);
  expect(bytes.take().toString()).toBe('');
  bytes.push(Buffer.from('x'));
  expect(bytes.take().toString()).toBe('x');
});

test('lines are the same however they are cut, a line that is too long is told once and the next one is read', () => {
  const text = `first\n\n${'x'.repeat(50)}\nlast\n`;
  for (const size of [1, 7, 1000]) {
    const splitter = new LineSplitter(20);
    const events = [];
    for (let at = 0; at < text.length; at += size)
      events.push(...splitter.push(Buffer.from(text.slice(at, at + size))));
    expect(events).toEqual([
      { kind: 'line', text: 'first' },
      { kind: 'too-long', bytesMax: 20 },
      { kind: 'line', text: 'last' },
    ]);
  }
});
