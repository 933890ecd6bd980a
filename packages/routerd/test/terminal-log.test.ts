import { expect, test } from 'vitest';
import { terminalLog } from '../src/one-shot/terminal-log.ts';

test('a warning is a sentence with its details below, and no line of a program is one of ours', () => {
  const written: string[] = [];
  const log = terminalLog({ write: (text) => written.push(text) }, { run: 7 });
  log.warn('an address could not be announced', {
    event: 'x.y',
    interface: 'lan0',
    mac: undefined,
    detail: 'arping: no\n\u001B[2Jerror: x',
  });
  log.child({ part: ['a'] }).error('it failed', { event: 'x.z' });
  log.info('what is done', { event: 'x.q' });
  expect(written.join('')).toBe(
    [
      'warning: an address could not be announced',
      '  run: 7',
      '  interface: lan0',
      '  detail: arping: no [2Jerror: x',
      'error: it failed',
      '  run: 7',
      '  part: ["a"]',
      '',
    ].join('\n'),
  );
});
