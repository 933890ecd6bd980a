import { instant } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, it } from 'vitest';
import { Refusals } from '../src/refusals.ts';

it('counts every refusal, and logs each reason and source once a minute', () => {
  const clock = new ManualClock(instant(0));
  const log = new RecordingLog();
  const refusals = new Refusals(clock, log);
  const refuse = (source: string): void => refusals.add({ reason: 'fact.wrong-site', source, detail: 'd' });
  for (let count = 0; count < 5; count++) refuse('aws-a');
  refuse('aws-b');
  clock.advance(60_000);
  refuse('aws-a');
  expect(refusals.counts()).toEqual({ 'fact.wrong-site': 7 });
  expect(log.lines.map(({ fields }) => [fields['source'], fields['alikeSinceLast']])).toEqual([
    ['aws-a', 0],
    ['aws-b', 0],
    ['aws-a', 4],
  ]);
});
