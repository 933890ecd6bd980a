import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SysctlConfigFiles } from '../src/adapters/linux/sysctl-config-files.ts';
import { SYSCTL_FILE_MARK } from '../src/host-state.ts';

let directory: string;
const content = `${SYSCTL_FILE_MARK}\nnet.core.somaxconn = 1024\n`;
const fileOf = (name: string): string => path.join(directory, `90-routerd-${name}.conf`);

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'sysctl.d-'));
});
afterEach(async () => rm(directory, { recursive: true, force: true }));

test('a folder that does not exist holds nothing, and files without our mark are nobody of ours', async () => {
  expect(await new SysctlConfigFiles(path.join(directory, 'none')).read()).toEqual({ ok: true, value: new Map() });
  await writeFile(fileOf('theirs'), 'net.core.somaxconn = 1\n');
  expect(await new SysctlConfigFiles(directory).write({ name: 'ours', content })).toBeUndefined();
  expect(await new SysctlConfigFiles(directory).read()).toEqual({ ok: true, value: new Map([['ours', content]]) });
});

test('what cannot be read is no absence: neither a folder nor a file', async () => {
  // A directory in the place of a file cannot be read by root either.
  await mkdir(fileOf('odd'));
  const files = new SysctlConfigFiles(directory);
  const fault = { code: 'host.failed', detail: expect.stringContaining('EISDIR'), retry: 'later' };
  expect(await files.read()).toEqual({ ok: false, error: fault });
  expect(await files.write({ name: 'odd', content })).toEqual(fault);
  expect(await files.remove('odd')).toEqual(fault);
  await writeFile(path.join(directory, 'file'), '');
  expect(await new SysctlConfigFiles(path.join(directory, 'file')).read()).toMatchObject({ ok: false });
});
