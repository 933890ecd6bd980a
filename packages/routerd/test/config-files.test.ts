/** What may lie where configuration is expected: nothing of it is read by halves, waited for, or passed over in silence. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { readConfigSources } from '../src/config-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'config-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

const at = (name: string): string => path.join(folder, name);

test('the YAML files of a folder are read in name order; what editors leave beside them is not', () => {
  for (const name of ['b.yaml', 'a.yml', '.a.yaml.swp', 'a.yaml~', 'c.yaml.bak'])
    writeFileSync(at(name), `# ${name}\n`);
  symlinkSync('operator@host.4711', at('.#b.yaml'));
  expect(readConfigSources(folder)).toEqual({
    ok: true,
    value: [
      { file: at('a.yml'), text: '# a.yml\n' },
      { file: at('b.yaml'), text: '# b.yaml\n' },
    ],
  });
});

test.each<[string, (name: string) => void, string, RegExp]>([
  [
    'a link that leads nowhere',
    (name) => symlinkSync('/nowhere/at/all', name),
    'no such file',
    /links that lead nowhere/,
  ],
  ['links in a circle', (name) => symlinkSync(name, name), 'lead to each other', /Mend the links/],
  ['a named pipe', (name) => execFileSync('mkfifo', [name]), 'it is no regular file', /Move it/],
  ['a folder', (name) => mkdirSync(name), 'it is a folder', /without \.yaml/],
  ['a device', (name) => symlinkSync('/dev/zero', name), 'it is no regular file', /Move it/],
  [
    'a file of a gigabyte',
    (name) => (writeFileSync(name, ''), truncateSync(name, 2 ** 30)),
    '16777216 bytes',
    /Split it/,
  ],
])('%s in a folder is told by its name, and nothing is used', (_, make, what, remedy) => {
  writeFileSync(at('a.yaml'), '# fine\n');
  make(at('z.yaml'));
  expect(readConfigSources(folder)).toEqual({
    ok: false,
    error: {
      code: 'config.unreadable',
      file: at('z.yaml'),
      message: expect.stringContaining(what),
      remedy: expect.stringMatching(remedy),
    },
  });
});

test('all that cannot be read is told at once', () => {
  mkdirSync(at('a.yaml'));
  symlinkSync('/nowhere/at/all', at('b.yaml'));
  const read = readConfigSources(folder);
  expect(read).toMatchObject({
    error: {
      message: `Cannot read "${at('a.yaml')}": it is a folder.\n  Cannot read "${at('b.yaml')}": no such file or folder.`,
    },
  });
});

test('a file without an end is given up, and one without a size is read', () => {
  expect(readConfigSources('/dev/zero')).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining('bytes') },
  });
  expect(readConfigSources('/proc/self/comm')).toMatchObject({
    ok: true,
    value: [{ text: expect.stringMatching(/./) }],
  });
});

test('nothing at all is no configuration', () => {
  expect(readConfigSources(folder)).toMatchObject({ ok: false, error: { code: 'config.empty-folder' } });
  expect(readConfigSources(at('missing.yaml'))).toMatchObject({ ok: false, error: { code: 'config.unreadable' } });
});
