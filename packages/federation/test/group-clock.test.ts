/** What a group's clocks say of ours, and what is kept while a clock is not known. */
import { parseHostAddress, type HostAddress, type NodeName } from '@routerd/resources';
import { describe, expect, test } from 'vitest';
import { EarlyFacts } from '../src/early-facts.ts';
import { groupClock } from '../src/group-clock.ts';
import type { LogMessage } from '../src/transport.ts';

const WINDOW_MS = 300_000;
const HOUR_MS = 3_600_000;

describe('the clock of a group', () => {
  test('is that of a strict majority, ours included', () => {
    const slow = groupClock([HOUR_MS, HOUR_MS + 20, -5], WINDOW_MS);
    expect(slow).toBeUndefined();
    expect(groupClock([HOUR_MS, HOUR_MS + 20, HOUR_MS - 20], WINDOW_MS)).toEqual({
      aheadMs: HOUR_MS,
      agreeing: 3,
      of: 4,
      isSkewed: true,
    });
  });

  test('is ours where one of three is wrong and we are not', () => {
    expect(groupClock([12, -HOUR_MS], WINDOW_MS)).toEqual({ aheadMs: 0, agreeing: 2, of: 3, isSkewed: false });
  });

  test('is nobody’s where two disagree', () => {
    expect(groupClock([HOUR_MS], WINDOW_MS)).toBeUndefined();
    expect(groupClock([], WINDOW_MS)?.isSkewed).toBe(false);
  });
});

describe('facts that came too early', () => {
  const source = 'a' as NodeName;
  const address = addressOf('10.77.0.20/32');
  const message = (sequence: number): LogMessage => ({ sequence, subject: 's', data: new Uint8Array() });

  test('are judged again when the clock of their source is known better, the last of each address', () => {
    const early = new EarlyFacts();
    early.keep(source, address, message(1), 0);
    early.keep(source, address, message(2), 0);
    expect(early.takeDue(() => 500)).toEqual([]);
    expect(early.takeDue(() => HOUR_MS)).toEqual([message(2)]);
    expect(early.takeDue(() => 2 * HOUR_MS)).toEqual([]);
  });

  test('are forgotten when something later was accepted', () => {
    const early = new EarlyFacts();
    early.keep(source, address, message(1), 0);
    early.forget(source, address);
    expect(early.takeDue(() => HOUR_MS)).toEqual([]);
  });
});

function addressOf(text: string): HostAddress {
  const parsed = parseHostAddress(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}
