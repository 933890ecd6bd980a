import { instant } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { expect, it } from 'vitest';
import { Troubles } from '../src/troubles.ts';

function open() {
  const clock = new ManualClock(instant(1000));
  let changes = 0;
  const troubles = new Troubles(clock, () => {
    changes += 1;
  });
  return { clock, troubles, changes: () => changes };
}

it('is over when the same works again, and keeps its time', () => {
  const { clock, troubles } = open();
  const outbox = troubles.of('outbox');
  outbox('the disk is full');
  clock.advance(500);
  expect([troubles.last, troubles.lastAt]).toEqual(['the disk is full', 1000]);
  outbox(undefined);
  expect([troubles.last, troubles.lastAt]).toEqual([undefined, 1000]);
});

it('is not over because something else works', () => {
  const { clock, troubles } = open();
  troubles.of('hub')('no connection');
  clock.advance(10);
  troubles.of('outbox')('the disk is full');
  expect(troubles.last).toBe('the disk is full');
  troubles.of('outbox')(undefined);
  expect([troubles.last, troubles.lastAt]).toEqual(['no connection', 1010]);
});

it('tells of changes only', () => {
  const { troubles, changes } = open();
  troubles.of('hub')(undefined);
  expect(changes()).toBe(0);
  troubles.of('hub')('no connection');
  troubles.of('hub')(undefined);
  troubles.of('hub')(undefined);
  expect(changes()).toBe(2);
});
