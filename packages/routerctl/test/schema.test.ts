import { KINDS } from '@routerd/resources';
import { run } from '@stricli/core';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { application } from '../src/application.ts';

async function routerctl(...args: readonly string[]) {
  const said = { stdout: '', stderr: '' };
  const shell = {
    stdout: { write: (text: string) => void (said.stdout += text) },
    stderr: { write: (text: string) => void (said.stderr += text) },
    env: {},
    exitCode: null as number | string | null,
  };
  await run(application, args, { process: shell, now: () => 0 });
  return { ...said, code: Number(shell.exitCode ?? 0) };
}

test('the schema of a kind is written, whatever the case of its name', async () => {
  const { stdout, stderr, code } = await routerctl('schema', 'ipv4route');
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  expect(JSON.parse(stdout)).toMatchObject({ title: 'IPv4Route', properties: { kind: { const: 'IPv4Route' } } });
});

test('without a kind everything that a document may be is written, as YAML too', async () => {
  const { stdout } = await routerctl('schema', '-o', 'yaml');
  expect(Object.keys(parse(stdout).definitions)).toEqual(expect.arrayContaining([...Object.keys(KINDS), 'Router']));
});

test('a kind that does not exist is refused with those that do', async () => {
  const { stdout, stderr, code } = await routerctl('schema', 'IPv5Route');
  expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
  expect(stderr).toMatch(
    /^error: There is no kind "IPv5Route"\.\n {2}Did you mean IPv4Route\? Kinds: AddressMobilityDomain, .*WireGuardPeer\.\n$/,
  );
});
