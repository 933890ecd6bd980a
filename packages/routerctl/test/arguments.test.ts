import { expect, test } from 'vitest';
import { argumentsOf } from '../src/arguments.ts';

test.each([
  [[], []],
  [['status'], ['status']],
  [['help'], ['--help']],
  [
    ['help', 'action', 'list'],
    ['action', 'list', '--help'],
  ],
  [
    ['-o', 'json', '--socket=/s', 'get', 'plugins'],
    ['get', 'plugins', '--socket=/s', '-o', 'json'],
  ],
  [
    ['--socket', '/s', 'explain', '--', '-1'],
    ['explain', '--socket', '/s', '--', '-1'],
  ],
  [
    ['drain', 'help', '-o', 'json'],
    ['drain', 'help', '-o', 'json'],
  ],
])('%j is read as %j', (typed, read) => {
  expect(argumentsOf(typed)).toEqual(read);
});
