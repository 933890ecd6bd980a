import { expect, test } from 'vitest';
import { lackOfInotify } from '../src/preflight.ts';

test('a second lab that would leave tunnels without inotify instances is refused with a limit that does', () => {
  expect(lackOfInotify({ limit: 128, used: 72 }, 56)).toBeUndefined();
  expect(lackOfInotify({ limit: 128, used: 73 }, 56)).toEqual({
    what: 'tunnels and daemons need 56 inotify instances; of the 128 that a user may have 73 are taken, by another lab or other programs',
    remedy: 'Take the other lab down, or: sysctl fs.inotify.max_user_instances=256',
  });
});
