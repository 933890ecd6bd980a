import { ManualClock } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { ActionGathering } from '../src/action-gathering.ts';

const rig = (): { readonly clock: ManualClock; readonly gathering: ActionGathering } => {
  const clock = new ManualClock(0 as ReturnType<ManualClock['now']>);
  return { clock, gathering: new ActionGathering(clock) };
};

test('actions wait while claims are being written, and go when the registry has answered', () => {
  const { clock, gathering } = rig();
  expect(gathering.isOver(true)).toBe(false);
  clock.advance(40);
  expect(gathering.isOver(true)).toBe(false);
  expect(gathering.isOver(false)).toBe(true);
});

test('they do not wait for ever for a stream of claims that never ends, and then gather anew', () => {
  const { clock, gathering } = rig();
  const over = Array.from({ length: 12 }, () => {
    const isOver = gathering.isOver(true);
    clock.advance(100);
    return isOver;
  });
  expect(over).toEqual([false, false, false, true, false, false, false, true, false, false, false, true]);
});
