import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateNodeIdentity, readSeedFile } from '@routerd/federation';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), `routerd-seed-${process.pid}-`));
  path = join(folder, 'node.seed');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('a seed file', () => {
  it('of mode 0600 is read, white space aside', async () => {
    const { seed } = generateNodeIdentity();
    await writeFile(path, `${seed}\n`, { mode: 0o600 });
    expect(await readSeedFile(path)).toEqual({ ok: true, value: seed });
  });

  for (const mode of [0o640, 0o604, 0o666, 0o620]) {
    it(`of mode 0${mode.toString(8)} is refused`, async () => {
      await writeFile(path, generateNodeIdentity().seed);
      await chmod(path, mode);
      const read = await readSeedFile(path);
      expect(read).toMatchObject({ ok: false, error: { code: 'identity.seed-exposed', path } });
      expect(read.ok ? '' : read.error.detail).toContain(`mode 0${mode.toString(8)}`);
    });
  }

  it('that is missing or holds something else is refused', async () => {
    expect(await readSeedFile(path)).toMatchObject({ ok: false, error: { code: 'identity.seed-unreadable' } });
    await writeFile(path, 'hello', { mode: 0o600 });
    expect(await readSeedFile(path)).toMatchObject({ ok: false, error: { code: 'identity.seed-malformed' } });
  });
});
